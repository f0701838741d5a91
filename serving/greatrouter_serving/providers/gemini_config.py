"""Gemini's `generationConfig` out of OpenAI's sampling, format and reasoning fields."""

import re
from collections.abc import Mapping
from typing import Any

from greatrouter_serving.errors import InvalidInput

_SAME_MEANING = {"temperature": "temperature", "top_p": "topP", "top_k": "topK"}
# Left out at the value that changes nothing: some models refuse the field itself.
_OPTIONAL = {
    "n": ("candidateCount", 1),
    "presence_penalty": ("presencePenalty", 0),
    "frequency_penalty": ("frequencyPenalty", 0),
}
_VERSION = re.compile(r"gemini-(\d+(?:\.\d+)?)(?!\d)")
_LEVELS = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
# The budgets of Google's own compatible endpoint.
_BUDGETS = {
    "none": 0,
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 24_576,
    "max": 24_576,
}
# 2.5 Pro cannot be kept from thinking.
_SMALLEST_PRO_BUDGET = 128
_LARGEST_BUDGET, _LARGEST_PRO_BUDGET = 24_576, 32_768
_SEEDS = 2**31


def version_of(model: str) -> float | None:
    """The generation a model's name tells; the moving `-latest` names are at least the third.

    >>> version_of("gemini-2.5-flash"), version_of("gemini-pro-latest"), version_of("gemma-3-27b-it")
    (2.5, 3.0, None)
    """
    found = _VERSION.search(model)
    if found:
        return float(found[1])
    return 3.0 if model.endswith("-latest") and "gemini-" in model else None


def generation_config(model: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller asked for in OpenAI's words, and over it the `generationConfig` they wrote themselves."""
    config: dict[str, Any] = {
        name: fields[ours] for ours, name in _SAME_MEANING.items() if fields.get(ours) is not None
    }
    for ours, (name, neutral) in _OPTIONAL.items():
        if fields.get(ours) not in (None, neutral):
            config[name] = fields[ours]
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    if limit is not None:
        config["maxOutputTokens"] = limit
    stop = fields.get("stop")
    if stop:
        config["stopSequences"] = [stop] if isinstance(stop, str) else stop
    if fields.get("seed") is not None:
        config["seed"] = _seed(fields["seed"])
    config |= _response_format(fields.get("response_format"))
    if fields.get("logprobs"):
        config["responseLogprobs"] = True
        if fields.get("top_logprobs"):
            config["logprobs"] = fields["top_logprobs"]
    modalities = fields.get("modalities")
    if isinstance(modalities, list):
        config["responseModalities"] = [str(modality).upper() for modality in modalities]
    picture = fields.get("image_config")
    if isinstance(picture, dict):
        config["imageConfig"] = in_camel_case(picture)
    thinking = thinking_config(model, fields)
    if thinking:
        config["thinkingConfig"] = thinking
    return config | _native(fields)


def in_camel_case(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Both spellings name one field of the protocol, which refuses it twice."""
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value for name, value in fields.items()}


def _native(fields: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("generationConfig", "generation_config"):
        if isinstance(fields.get(name), dict):
            return in_camel_case(fields[name])
    thinking = fields.get("thinking_config")
    return {"thinkingConfig": in_camel_case(thinking)} if isinstance(thinking, dict) else {}


def _seed(seed: object) -> object:
    """OpenAI's seeds have 64 bits, Gemini's 31. What is longer still stays, to be refused as every provider would."""
    return seed % _SEEDS if isinstance(seed, int) and abs(seed) < 2**64 else seed


def _response_format(wanted: object) -> dict[str, Any]:
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_object", "json_schema"):
        return {}
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    named = wanted.get("json_schema")
    if wanted["type"] == "json_schema" and isinstance(named, dict) and named.get("schema") is not None:
        # JSON Schema as it is; the older responseSchema takes only a subset, in types of its own.
        config["responseJsonSchema"] = named["schema"]
    return config


def thinking_config(model: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`reasoning_effort` or OpenRouter's `reasoning` as levels (third generation) or budgets (2.5).

    Empty where nothing was asked, and for models that do not think: they refuse the field.
    """
    reasoning = fields.get("reasoning")
    wanted = reasoning if isinstance(reasoning, dict) else {}
    effort = wanted.get("effort") or fields.get("reasoning_effort")
    if wanted.get("enabled") is False:
        effort = "none"
    budget = wanted.get("max_tokens")
    if effort is not None and (not isinstance(effort, str) or effort not in _BUDGETS):
        param = "reasoning.effort" if wanted.get("effort") else "reasoning_effort"
        raise InvalidInput(f"unknown reasoning effort {effort!r}: expected one of {', '.join(_BUDGETS)}", param)
    asked = effort is not None or budget is not None or bool(wanted) or "include_reasoning" in fields
    if not asked or not _thinks(model):
        return {}
    shown = fields.get("include_reasoning", effort != "none" and not wanted.get("exclude"))
    config: dict[str, Any] = {"includeThoughts": bool(shown)}
    if isinstance(budget, int):
        config["thinkingBudget"] = min(budget, _LARGEST_PRO_BUDGET if "pro" in model else _LARGEST_BUDGET)
    elif effort is not None:
        config |= _effort(model, effort)
    return config


def _effort(model: str, effort: str) -> dict[str, Any]:
    pro = "pro" in model
    version = version_of(model)
    if version is not None and version >= 3:
        level = _LEVELS[effort]
        if pro and level == "minimal":
            level = "low"
        # The first of them knew only the two ends.
        if pro and version == 3 and level == "medium":
            level = "high"
        return {"thinkingLevel": level}
    return {"thinkingBudget": max(_BUDGETS[effort], _SMALLEST_PRO_BUDGET) if pro else _BUDGETS[effort]}


def _thinks(model: str) -> bool:
    version = version_of(model)
    return "gemma" not in model and "-image" not in model and (version is None or version >= 2.5)
