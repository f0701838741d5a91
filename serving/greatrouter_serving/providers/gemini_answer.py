"""Gemini's `GenerateContentResponse` as OpenAI's `chat.completion`; its streams share all but the frame."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from greatrouter_serving.call import Usage
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.faults import malformed
from greatrouter_serving.providers.gemini_contents import objects
from greatrouter_serving.providers.gemini_grounding import annotations_of, searches_of
from greatrouter_serving.providers.gemini_parts import call_ids_of, fields_of, logprobs_of
from greatrouter_serving.providers.usage import token_usage

_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
# The model went wrong and the request did not: another model may well do it.
_FAILED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "LANGUAGE",
        "OTHER",
        "NO_IMAGE",
        "IMAGE_OTHER",
    }
)


def completion(name: str, model: str, document: Mapping[str, Any], created: int) -> tuple[dict[str, Any], Usage]:
    """The whole answer. Raises UpstreamFailed where it is malformed or not usable.

    A blocked prompt is a completed answer, as a blocked answer is: Google has read it and counts its tokens, and
    OpenAI's callers look for `content_filter` among the finish reasons, where an error would surprise them.
    """
    call_ids = call_ids_of(document.get("responseId"))
    blocked = block_reason_of(document)
    if blocked:
        message = {"role": "assistant", "content": "", "refusal": blocked}
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "content_filter"}]
    else:
        choices = [_choice(name, candidate, call_ids) for candidate in candidates_of(name, document)]
    usage = usage_of_metadata(document.get("usageMetadata"))
    answer = {
        **head_of(document, model, created),
        "object": "chat.completion",
        "choices": choices,
        "usage": usage_document(usage),
    }
    return answer, usage


def searches_in(document: Mapping[str, Any], model: str) -> int:
    return sum(searches_of(found.get("groundingMetadata"), model) for found in objects(document.get("candidates")))


def head_of(document: Mapping[str, Any], model: str, created: int) -> dict[str, Any]:
    response_id, version = document.get("responseId"), document.get("modelVersion")
    return {
        "id": response_id if isinstance(response_id, str) and response_id else f"chatcmpl-{uuid.uuid4().hex}",
        "object": "",
        "created": created,
        "model": version if isinstance(version, str) and version else model,
    }


def block_reason_of(document: Mapping[str, Any]) -> str | None:
    """In words, where the prompt itself was blocked; there are no candidates then."""
    feedback = document.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) and not document.get("candidates") else None
    return f"The provider blocked the prompt: {reason}." if isinstance(reason, str) else None


def candidates_of(name: str, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    candidates = document.get("candidates")
    if not isinstance(candidates, list) or not candidates or not all(isinstance(found, dict) for found in candidates):
        raise malformed(name, "candidates is not a list of objects")
    return candidates


def index_of(candidate: Mapping[str, Any]) -> int:
    index = candidate.get("index", 0)
    return index if type(index) is int else 0


def finish_reason_of(name: str, reason: object, has_calls: bool) -> str:
    """OpenAI's word. Raises UpstreamFailed for an answer that the model spoiled."""
    if not isinstance(reason, str):
        raise malformed(name, "finishReason is not a string")
    if reason in _FAILED:
        raise UpstreamFailed(f"{name} ended its answer with {reason}: it cannot be used")
    if reason in _FILTERED:
        return "content_filter"
    if reason == "MAX_TOKENS":
        return "length"
    return "tool_calls" if has_calls else "stop"


def _choice(name: str, candidate: dict[str, Any], call_ids: Iterator[str]) -> dict[str, Any]:
    if not candidate.get("finishReason"):
        raise malformed(name, "an answer without finishReason: it is incomplete")
    fields = fields_of(name, candidate, call_ids)
    message = {"role": "assistant", "content": None, "refusal": None, **fields}
    finish = finish_reason_of(name, candidate["finishReason"], "tool_calls" in fields)
    if message["content"] is None and "tool_calls" not in fields:
        message["content"] = ""
    annotations = annotations_of(candidate.get("groundingMetadata"), message["content"] or "")
    if annotations:
        message["annotations"] = annotations
    logprobs = logprobs_of(candidate.get("logprobsResult"))
    return {"index": index_of(candidate), "message": message, "logprobs": logprobs, "finish_reason": finish}


def usage_of_metadata(metadata: object) -> Usage:
    """As OpenAI counts: what a tool put into the prompt is prompt, and thoughts are completion."""
    if not isinstance(metadata, dict):
        return Usage()
    get = metadata.get
    plain = token_usage({"prompt_tokens": get("promptTokenCount"), "completion_tokens": get("candidatesTokenCount")})
    extra = token_usage(
        {"prompt_tokens": get("toolUsePromptTokenCount"), "completion_tokens": get("thoughtsTokenCount")}
    )
    cached = token_usage({"prompt_tokens": get("cachedContentTokenCount")}).prompt_tokens
    prompt = plain.prompt_tokens + extra.prompt_tokens
    completion_tokens = plain.completion_tokens + extra.completion_tokens
    return Usage(prompt, completion_tokens, min(cached, prompt), extra.completion_tokens)


def usage_document(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
