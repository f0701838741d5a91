"""The terms on which an endpoint serves: how exact its weights are, what it keeps of a prompt, which parameters count.

No feed states them in what ships, so they come from the settings. Two things can be read off a catalog row: some names
carry the quantization (98 of 7,922), and a capability implies the parameters that ask for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

QUANTIZATIONS = ("unknown", "int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32")
# The words of published names, and the precision they stand for.
WORDS = {
    **{name: name for name in QUANTIZATIONS[1:]},
    **dict.fromkeys(("awq", "gptq", "4bit", "w4a16"), "int4"),
    **dict.fromkeys(("8bit", "w8a8"), "int8"),
    **dict.fromkeys(("nvfp4", "mxfp4"), "fp4"),
}
IN_NAME = rf"(?:^|[^a-z0-9])({'|'.join(sorted(WORDS))})(?:$|[^a-z0-9])"

# OpenRouter's names of sampling and output parameters. What nobody has listed is taken to support the common ones
# (there 97% of the models take `max_tokens`, 85% `temperature`, 81% `top_p`; the others are reasoning models), and what
# its capabilities imply.
COMMON = ("max_tokens", "max_completion_tokens", "temperature", "top_p", "stop")
PARAMETERS_OF_CAPABILITY = {
    "function_calling": ("tools", "tool_choice", "parallel_tool_calls"),
    "structured_output": ("response_format", "structured_outputs"),
    "reasoning": ("reasoning", "include_reasoning", "reasoning_effort"),
    "web_search": ("web_search_options",),
}
PARAMETERS = (
    *COMMON,
    *(name for names in PARAMETERS_OF_CAPABILITY.values() for name in names),
    *("top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed", "n"),
    *("logit_bias", "logprobs", "top_logprobs", "verbosity", "prediction"),
)
SCHEMA: dict[str, Any] = {
    "quantization": pl.String,
    "data_collection": pl.String,
    "zero_data_retention": pl.Boolean,
    "supported_parameters": pl.List(pl.String),
}
COLUMNS = tuple(SCHEMA)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider promises of prompts, for all of its models; None where nothing is known.

    `data_collection` is `allow` (it may keep prompts and train on them) or `deny` (it does not)."""

    data_collection: str | None = None
    zero_data_retention: bool | None = None


def with_terms(rows: pl.DataFrame, of_providers: Mapping[str, Terms]) -> pl.DataFrame:
    """`rows` with `COLUMNS`: the quantization that a name carries, and what each provider promises."""
    word = pl.col("upstream_model").str.to_lowercase().str.extract(IN_NAME)

    def promised(name: str) -> pl.Expr:
        known = {provider: getattr(terms, name) for provider, terms in of_providers.items()}
        return pl.col("provider").replace_strict(known, default=None, return_dtype=SCHEMA[name])

    return rows.with_columns(
        quantization=word.replace_strict(WORDS, default=None, return_dtype=pl.String),
        data_collection=promised("data_collection"),
        zero_data_retention=promised("zero_data_retention"),
        supported_parameters=pl.lit(None, dtype=SCHEMA["supported_parameters"]),
    )
