"""What each generation of Claude accepts: the later ones answer 400 to what the earlier ones ask for.

From Anthropic's model, migration and effort pages as of November 2026.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_VERSION = re.compile(r"claude-(?:[a-z]+-)?v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_TIER = re.compile(r"opus|sonnet|haiku|fable|mythos")


@dataclass(frozen=True, slots=True)
class Generation:
    """`thinking` says how reasoning is asked for.

    none: not at all. budget: `enabled`, with a number of tokens. adaptive: `adaptive`, else there is none.
    default: `adaptive`, which also stands where nothing is asked for; `thinking_off` is the type that ends it.
    always: as default, and nothing ends it.

    `sampling`: temperature, top_p and top_k are taken. `forced_tools`: a tool can be demanded. `prefill`: the last
    message may be the assistant's. `json_schema`: output can be held to a schema. `max_tokens` is the limit for callers
    who set none, below what every model of the generation can write.
    """

    thinking: Literal["none", "budget", "adaptive", "default", "always"]
    thinking_off: str = ""
    efforts: tuple[str, ...] = ()
    sampling: bool = True
    forced_tools: bool = True
    prefill: bool = True
    json_schema: bool = True
    max_tokens: int = 32_000


# Other makers' models behind the same protocol (MiniMax, DeepSeek, Kimi) take what Claude 4 takes, but write less.
_OTHER = Generation("budget", json_schema=False, max_tokens=8_192)
_CLAUDE_3 = Generation("none", json_schema=False, max_tokens=4_096)
_CLAUDE_3_5 = replace(_CLAUDE_3, max_tokens=8_192)
_CLAUDE_3_7 = Generation("budget", json_schema=False)
_CLAUDE_4_5 = Generation("budget")
_CLAUDE_4_6 = Generation("adaptive", efforts=("low", "medium", "high", "max"), prefill=False)
_CLAUDE_4_7 = replace(_CLAUDE_4_6, efforts=_EFFORTS, sampling=False)
_CLAUDE_5 = replace(_CLAUDE_4_7, thinking="default", thinking_off="disabled")
_CLAUDE_5_5 = replace(_CLAUDE_5, thinking="always", thinking_off="", forced_tools=False)

_FROM_VERSION = (
    ((5, 1), _CLAUDE_5_5),
    ((5, 0), _CLAUDE_5),
    ((4, 7), _CLAUDE_4_7),
    ((4, 6), _CLAUDE_4_6),
    ((4, 5), _CLAUDE_4_5),
    ((3, 7), _CLAUDE_3_7),
    ((3, 5), _CLAUDE_3_5),
    ((0, 0), _CLAUDE_3),
)
_EXCEPTIONS = {
    ("opus", (4, 5)): replace(_CLAUDE_4_5, efforts=("low", "medium", "high")),
    ("fable", (5, 0)): replace(_CLAUDE_5, thinking="always", thinking_off=""),
    ("mythos", (5, 0)): replace(_CLAUDE_5, thinking="always", thinking_off=""),
    ("sonnet", (5, 5)): replace(_CLAUDE_5_5, thinking="default", thinking_off="between_tools"),
    ("haiku", (5, 5)): replace(_CLAUDE_5_5, thinking="default", thinking_off="disabled"),
}


@lru_cache(maxsize=256)
def generation_of(model: str) -> Generation:
    """By the model's name, wherever its host puts the version; a Claude without one is taken for the newest.

    >>> generation_of("claude-3-5-haiku-20241022").max_tokens, generation_of("anthropic/claude-opus-4.7").sampling
    (8192, False)
    """
    if "claude" not in model:
        return _OTHER
    named = _VERSION.search(model)
    if named is None:
        return _CLAUDE_5_5
    version = (int(named[1]), int(named[2] or 0))
    tier = _TIER.search(model)
    exception = _EXCEPTIONS.get((tier[0], version)) if tier else None
    return exception or next(generation for since, generation in _FROM_VERSION if version >= since)


def effort_within(generation: Generation, effort: str) -> str | None:
    """`effort`, or the nearest below it that the generation knows; None where it knows none."""
    if effort == "minimal":
        effort = "low"
    rank = _EFFORTS.index(effort)
    known = [level for level in generation.efforts if _EFFORTS.index(level) <= rank]
    return known[-1] if known else None
