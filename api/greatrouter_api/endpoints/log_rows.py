"""How a request of the activity log looks, in JSON and in CSV. Its columns are the interface's; amounts are exact."""

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from pydantic import BaseModel, Field

COLUMNS = (
    "timestamp",
    "request_id",
    "endpoint",
    "task",
    "decision",
    "confidence",
    "complexity_tier",
    "model",
    "provider",
    "routing_reason",
    "fallback_chain",
    "status",
    "prompt_tokens",
    "completion_tokens",
    "units",
    "cost_dollars",
    "latency_ms",
    "cached",
)
NUMBERS = frozenset({"confidence", "status", "prompt_tokens", "completion_tokens", "cost_dollars", "latency_ms"})
# A spreadsheet takes a cell that begins so for a formula and runs it; what stands in some columns came from outside.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class LogRow(BaseModel):
    """One request. `units` are the native units beyond tokens, such as `{"images": 2}`."""

    timestamp: str = Field(description="RFC 3339, UTC.")
    request_id: str
    endpoint: str
    task: str | None
    decision: str | None
    confidence: float | None
    complexity_tier: str | None
    model: str | None
    provider: str | None
    routing_reason: str | None
    fallback_chain: list[str] = Field(description="The models that were to be tried, in order.")
    status: int
    prompt_tokens: int
    completion_tokens: int
    units: dict[str, float]
    cost_dollars: float = Field(description="What was charged, in US dollars, exact to the last digit written.")
    latency_ms: float
    cached: bool
    rates: dict[str, float] | None = Field(
        description="What it was charged by, in US dollars per native unit, exact: the prices of that moment with the "
        "markup and the tier's share in them. Null where nothing was charged."
    )
    catalog_version: str | None = Field(description="The catalog's, from which the prices came.")


def json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of activity as `LogRow`."""
    found = {name: row.get(name) for name in COLUMNS}
    found["confidence"] = None if row["confidence"] is None else float(row["confidence"])
    found["fallback_chain"] = (row["fallback_chain"] or "").split()
    found["units"] = units(row["units"])
    found["cost_dollars"] = orjson.Fragment(exact_dollars(row["cost_cents"]))
    found["latency_ms"] = float(row["latency_ms"])
    return found | charged_by(row)


def charged_by(row: Mapping[str, Any]) -> dict[str, Any]:
    """`rates` and `catalog_version` of a row of activity; both null where it was not charged."""
    rates = row["rates"]
    return {
        "rates": None if rates is None else orjson.Fragment(rates),
        "catalog_version": row["catalog_version"],
    }


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """RFC 4180, with a head. What is missing is empty; a text that a spreadsheet would run gets an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(name, row) for name in COLUMNS] for row in rows)
    return file.getvalue()


def units(text: str) -> dict[str, float]:
    """The native units of a row: written as `images=2 seconds=1.5`.

    >>> units("images=2 seconds=1.5")
    {'images': 2, 'seconds': 1.5}
    """
    found = {}
    for part in text.split():
        name, _, count = part.partition("=")
        try:
            value = Decimal(count)
        except InvalidOperation:
            continue
        if value.is_finite():
            found[name] = int(value) if value == value.to_integral_value() else float(value)
    return found


def exact_dollars(cents: Decimal) -> str:
    """All the digits of an amount and no more, as JSON and spreadsheets write a number.

    >>> exact_dollars(Decimal("0.00000001")), exact_dollars(Decimal("150.00000000")), exact_dollars(Decimal(0))
    ('0.0000000001', '1.5', '0')
    """
    return f"{(cents / 100).normalize():f}"


def harmless(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula.

    >>> harmless("-1+1"), harmless("1-1")
    ("'-1+1", '1-1')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _cell(name: str, row: Mapping[str, Any]) -> object:
    if name == "cost_dollars":
        return exact_dollars(row["cost_cents"])
    value = row[name]
    if name == "cached":
        return "true" if value else "false"
    return value if name in NUMBERS or value is None else harmless(str(value))
