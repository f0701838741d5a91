"""Who a model is, read from any of its spellings: one slug per model, its creator and its line. Pure text.

The same model is `us.anthropic.claude-opus-4-6-v1` at one provider, `claude-opus-4.6:thinking` at a second and
`Claude Opus 4.6 (High)` on a board. What counts as the same, decided here once:

- Removed: path, region and vendor prefixes; dates that carry a year or a month and a day (`-20241022`, `-2024-11-20`,
  `@20250929`, `-08-2024`, `-05-06`: a snapshot of the model); revisions (`-v1:0`, `-001`, `-latest`); how it is served
  (`:free`, `-maas`, `-highspeed`, `-instruct-turbo`); quantization (`-fp8`, `-awq`, `-q4_k_m`: the loss is below what
  boards resolve); reasoning effort and thinking as a mode of one set of weights (`-xhigh`, `-thinking-32k`).
- Kept, as another model: sizes, tiers (`-mini`, `-pro`), `-exp`, four-digit stamps (`-0324`, `-2507`: weights released
  separately), `-thinking` where it names its own weights (`kimi-k2-thinking`), and `-preview`, save for Google,
  which serves released models under it (`gemini-3-pro-preview`).
- `-it` is `-instruct`. The mark is kept where bare names are base models (`llama-3.1-8b`), dropped for lines that are
  only ever served tuned (`gemma-4-31b-it`, `kimi-k2-instruct`).
- Versions read alike: `3.5`, `3-5`, `3p5`, `3_5` give `3-5`, and `4.0` is `4`. The active size of a mixture of experts
  follows from the total (`qwen3-235b-a22b` is `qwen3-235b`).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from greatrouter_catalog.creators import CREATORS, DECIMAL_SIZE, FAMILIES, KNOWN, OWN_ONLY, SIZE, VARIANTS, VENDORS
from greatrouter_catalog.spellings import (
    DATES,
    MODES,
    MONTHS,
    NO_THINKING,
    NOTE,
    NOTE_DATE,
    NOTE_EFFORTS,
    PART,
    RESPELLINGS,
    SAME,
    SETTINGS,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A spelling read: the model's slug, the reasoning or output setting named beside it, the date of its snapshot."""

    canonical: str
    effort: str | None
    snapshot: str | None


@lru_cache(maxsize=65_536)
def identify(raw: str) -> Identity:
    """Read a spelling. Never raises; whatever has no letter or digit reads as the empty name.

    >>> identify("claude-opus-4-5-20251101-thinking-64k-high-effort")
    Identity(canonical='claude-opus-4-5', effort='thinking-64k-high', snapshot='2025-11-01')
    """
    name, efforts = _plain(raw)
    snapshot: str | None = None
    before = ""
    while name != before:  # to a fixed point, so that reading a slug again gives the slug
        before = name
        for pattern, replacement in RESPELLINGS:
            name = pattern.sub(replacement, name)
        name = SAME.get(name, name)
        name, date = _without_date(name)
        snapshot = snapshot or date
        name, effort = _without_setting(name)
        if effort:
            efforts.insert(0, effort)
    return Identity(name, "-".join(efforts) or None, snapshot)


def canonical_name(raw: str) -> str:
    """The slug of the model behind any spelling, of [a-z0-9-]. Idempotent.

    >>> canonical_name("us.anthropic.claude-3-5-sonnet-20241022-v2:0"), canonical_name("claude-3.5-sonnet")
    ('claude-sonnet-3-5', 'claude-sonnet-3-5')
    >>> canonical_name("GPT 5.6 Sol (xHigh)"), canonical_name("minimax/minimax-m2.7:free")
    ('gpt-5-6-sol', 'minimax-m2-7')
    >>> canonical_name("accounts/fireworks/models/llama-v3p1-8b-instruct"), canonical_name("kimi-k2-thinking")
    ('llama-3-1-8b-instruct', 'kimi-k2-thinking')
    """
    return identify(raw).canonical


def _plain(raw: str) -> tuple[str, list[str]]:
    """Lower-case ASCII of the last path segment, parted by '-' and '.', and the efforts found in bracketed notes."""
    text = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode().lower()
    efforts = [effort for note in NOTE.findall(text) if (effort := _note_effort(note))]
    text = NOTE.sub(lambda found: "-" + found[1] if NOTE_DATE.fullmatch(found[1]) else "", text)
    segments = [s.strip() for s in text.split("/") if s.strip() and s.strip() not in MODES]
    name = segments.pop() if segments else ""
    while segments and PART.fullmatch(name.partition("/")[0]):
        name = f"{segments.pop()}/{name}"
    name = re.sub(r"-v0:(\d)$", r"-v0.\1", name)
    name = re.sub(r"(-v\d+):\d+$|:[01]$|@(?:default|latest|\d{3})$|:beta$", r"\1", name)
    name = re.sub(r"(?<=\d)p(?=\d)", ".", name.replace("+", "-plus-"))
    name = re.sub(r"[^a-z0-9.]+", "-", name)
    return re.sub(r"[.-]*-[.-]*|\.{2,}", "-", name).strip("-."), efforts


def _note_effort(note: str) -> str | None:
    return next((found.expand(effort) for pattern, effort in NOTE_EFFORTS if (found := pattern.search(note))), None)


def _without_date(name: str) -> tuple[str, str | None]:
    """Cut a date off the end; a date without a year sorts before those with one."""
    for pattern in DATES:
        if found := pattern.match(name):
            parts = found.groupdict()
            month = parts.get("m") or f"{MONTHS.index(parts['month']) + 1:02d}"
            return parts["name"], f"{parts.get('y') or '0000':0>4}-{month}-{parts.get('d') or '01'}"
    return name, None


def _without_setting(name: str) -> tuple[str, str | None]:
    for pattern in SETTINGS:
        if found := pattern.match(name):
            return found[1], "no-thinking" if NO_THINKING.match(found[2]) else found[2]
    return name, None


def creator(raw: str, provider: str | None) -> str | None:
    """Who made the model: by its name, else by a vendor written in the spelling, else by a provider that makes models.

    >>> creator("groq/moonshotai/kimi-k2-instruct-0905", "groq"), creator("amazon.rerank-v1:0", "bedrock")
    ('moonshotai', 'amazon')
    >>> creator("nova-3", "deepgram"), creator("rocinante-12b", "openrouter")
    ('deepgram', None)
    """
    provider = _vendor(provider or "")
    if provider in OWN_ONLY:
        return provider
    name = canonical_name(raw)
    for pattern, maker in CREATORS:
        if pattern.match(name):
            return maker
    vendors = (_vendor(word) for word in re.split(r"[/.:]", raw)[:-1])
    return next((vendor for vendor in vendors if vendor), None) or provider


def _vendor(word: str) -> str | None:
    """The creator's slug of a vendor's name, None when it is not known to make models."""
    slug = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
    slug = VENDORS.get(slug, slug)
    return slug if slug in KNOWN else None


def family(raw: str) -> str:
    """The model's line with its generation, without size, tier, variant and date; of [a-z0-9.-].

    Anthropic's lines are its tiers, whose generations replace each other: every Sonnet is `claude-sonnet`.

    >>> family("meta-llama/Llama-3.3-70B-Instruct"), family("gpt-4o-mini-2024-07-18"), family("claude-4-sonnet")
    ('llama-3.3', 'gpt-4o', 'claude-sonnet')
    >>> family("gemini-2.5-flash-lite"), family("qwen3-235b-a22b"), family("flux.2-pro"), family("deepseek-v3.2-exp")
    ('gemini-2.5-flash', 'qwen3', 'flux-2', 'deepseek-v3.2')
    """
    name = canonical_name(raw)
    for pattern, template in FAMILIES:
        if found := pattern.match(name):
            return found.expand(template)
    parts: list[str] = []
    for token in DECIMAL_SIZE.sub("-0b", name).split("-"):
        if parts and (VARIANTS.fullmatch(token) or SIZE.fullmatch(token)):
            break
        if parts and re.fullmatch(r"\d{1,2}[a-z]?", token) and re.search(r"\d$", parts[-1]):
            if "." in parts[-1]:
                break
            parts[-1] += f".{token}"
        else:
            parts.append(token)
    return "-".join(parts)
