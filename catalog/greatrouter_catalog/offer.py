"""What one feed says of one provider's model: the common shape that all feeds are read into."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog import providers
from greatrouter_catalog.errors import FeedError
from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.taxonomy import MODALITIES, OWN_CAPABILITY

# Twelve decimals hold every published rate exactly: the smallest is $0.00001111, a second of Whisper at Groq.
RATE = pl.Decimal(24, 12)
SMALLEST_RATE = Decimal("1e-12")
# Beyond this a rate is a unit mistake in the feed; the dearest published is $600 for a million tokens.
LARGEST_RATE = Decimal(10**9)

# Feeds' words for modalities that the catalog calls otherwise.
MODALITY_OF = {"pdf": "file", "code": "text", "embeddings": "embedding"}

SCHEMA: dict[str, Any] = {
    "feed": pl.String,
    "observed_on": pl.Date,
    "valid_from": pl.Date,
    "provider": pl.String,
    "upstream_model": pl.String,
    "task_type": pl.String,
    "name": pl.String,
    "interface": pl.String,
    "capabilities": pl.List(pl.String),
    "input_modalities": pl.List(pl.String),
    "output_modalities": pl.List(pl.String),
    "context_window": pl.Int64,
    "max_output_tokens": pl.Int64,
    "open_weights": pl.Boolean,
    "deprecated": pl.Boolean,
    "retired_on": pl.Date,
    "released_on": pl.Date,
    "aliases": pl.List(pl.String),
    **dict.fromkeys(PRICE_FIELDS, RATE),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """`prices` holds `PRICE_FIELDS` in US dollars. A field that the feed does not state is None, empty or absent.

    `interface` is how a text model is called where that is known: `chat`, `completions` or `responses`.
    """

    provider: str
    upstream_model: str
    task_type: str
    name: str | None = None
    interface: str | None = None
    capabilities: Sequence[str] = ()
    input_modalities: Sequence[str] = ()
    output_modalities: Sequence[str] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    open_weights: bool | None = None
    deprecated: bool | None = None
    retired_on: date | None = None
    released_on: date | None = None
    valid_from: date | None = None
    aliases: Sequence[str] = ()
    prices: Mapping[str, Decimal | None] = field(default_factory=dict)


def table(
    feed: str,
    observed_on: date,
    entries: Iterable[tuple[str, Any]],
    read: Callable[[str, Any], Iterable[Offer]],
) -> pl.DataFrame:
    """The offers that `read` finds in each named entry of a feed, as a table of `SCHEMA`.

    Raises `FeedError` with the name of the first entry that cannot be read, or where there is no offer at all.
    """
    rows: list[tuple[Any, ...]] = []
    for name, entry in entries:
        try:
            rows.extend(_row(feed, observed_on, offer) for offer in read(name, entry))
        except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
            raise FeedError(f"entry {name[:80]!r} is not as the {feed} feed writes it: {_reason(error)}") from error
    if not rows:
        raise FeedError(f"no model in it; expected the {feed} feed with at least one")
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)[:200]


def _row(feed: str, observed_on: date, offer: Offer) -> tuple[Any, ...]:
    prices = _metered(offer)
    return (
        feed,
        observed_on,
        offer.valid_from or observed_on,
        _identifier(offer.provider, "provider"),
        _identifier(offer.upstream_model, "model"),
        offer.task_type,
        offer.name,
        offer.interface,
        sorted({*OWN_CAPABILITY[offer.task_type], *offer.capabilities}),
        _modalities(offer.input_modalities),
        _modalities(offer.output_modalities),
        offer.context_window,
        offer.max_output_tokens,
        offer.open_weights,
        offer.deprecated,
        offer.retired_on,
        offer.released_on,
        sorted(offer.aliases),
        *(prices.get(name) for name in PRICE_FIELDS),
    )


def _modalities(names: Sequence[str]) -> list[str] | None:
    """In the catalog's words; None where the feed states none that the catalog knows."""
    known = {MODALITY_OF.get(name, name) for name in names}.intersection(MODALITIES)
    return sorted(known) or None


def _identifier(value: object, what: str) -> str:
    """Text that can stand in a URL's path: not empty, no control characters."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"the {what} must be printable text, found {value!r}")
    return value


def _metered(offer: Offer) -> Mapping[str, Decimal | None]:
    """No prices at all where a zero means "by subscription" or "not known" rather than "free".

    A feed writes 0 for both. Only an id that says so itself (`...:free`, `...-free`) is taken as free: a price read
    as zero by mistake would make the model win every cheap request.
    """
    stated = {name: price for name, price in offer.prices.items() if price is not None}
    written, plain = (stated.get(f"{name}_per_million_tokens") for name in ("cache_write_input", "input"))
    if written is not None and (plain is None or written < plain):
        # A zero is "not said", and what is stated for Gemini a fee for the storage, beside the price of the token.
        del stated["cache_write_input_per_million_tokens"]
    if any(price < 0 for price in stated.values()):
        return {}  # OpenRouter's marker for "depends on the model the auto router picks"
    if all(price == 0 for price in stated.values()):
        says_free = offer.upstream_model.endswith((":free", "-free"))
        return stated if says_free and not providers.is_subscription(offer.provider) else {}
    return {} if providers.is_subscription(offer.provider) else stated


def json_lines(raw: bytes) -> Iterator[tuple[str, Any]]:
    """The JSON value of each line, with the line's name. Raises `FeedError`."""
    for number, line in enumerate(raw.splitlines(), start=1):
        if line.strip():
            try:
                yield f"line {number}", orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise FeedError(f"line {number} is not valid JSON ({error.msg})") from error


# --- Values as feeds write them ---------------------------------------------------------------------------------------


def text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"expected text, found {value!r}")


def texts(value: object) -> list[str]:
    """A list of words; empty where absent."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise TypeError(f"expected a list of text, found {value!r}")


def flag(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError(f"expected true or false, found {value!r}")


def per_million(price: object) -> Decimal | None:
    """A price per token (or character), as a price per million of them."""
    return decimal(price, 1_000_000)


def decimal(value: object, scale: int = 1) -> Decimal | None:
    """`scale` times the exact decimal a feed wrote; None for what is no number, or no rate that anyone charges."""
    if value is None or isinstance(value, bool | Mapping | list):
        return None
    try:
        number = Decimal(str(value)) * scale
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= LARGEST_RATE:
        return None
    return None if 0 < abs(number) < SMALLEST_RATE else number


def integer(value: object) -> int | None:
    """A count from 1 up to a billion; None for anything else."""
    number = decimal(value)
    return int(number) if number is not None and number >= 1 else None


def day(value: object) -> date | None:
    """The date at the start of an ISO string; a year and month alone are the month's first day."""
    written = str(value or "")[:10]
    try:
        return date.fromisoformat(written if len(written) == 10 else f"{written}-01" if len(written) == 7 else "")
    except ValueError:
        return None


def epoch_day(value: object) -> date | None:
    """The day of a Unix time in seconds."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**11:
        return None
    return datetime.fromtimestamp(value, UTC).date()
