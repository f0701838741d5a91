"""A catalog in memory: the rows of one snapshot (and any the operator configured), their arrays and their scores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog import snapshot
from greatrouter_catalog.announced import with_announced
from greatrouter_catalog.arrays import ModelArrays, arrays_of
from greatrouter_catalog.errors import SnapshotError
from greatrouter_catalog.identity import canonical_name
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import ANTHROPIC, ANTHROPIC_CACHE_WRITE, PRICE_FIELDS, Pricing
from greatrouter_catalog.tables import MODEL_COLUMNS
from greatrouter_catalog.terms import COLUMNS as TERMS
from greatrouter_catalog.terms import Terms, with_terms
from greatrouter_catalog.tiers import tier_of

LIST_FIELDS = ("tasks", "capabilities", "input_modalities", "output_modalities", "tags", "aliases", "sources")
SMALLEST_RATE = Decimal("1e-12")  # what a column of rates holds
# Before a name, it asks for the model that is meant, however the name is spelled.
ROUTE = "route/"
LONGEST_SPELLING = 200


@dataclass(frozen=True, slots=True)
class Score:
    """One published result of one model on one board. `task` is the router task the board speaks for."""

    canonical: str
    board: str
    metric: str
    task: str
    value: float
    source: str
    observed_on: date | None


class Catalog:
    """Read-only. Rows are addressed by number; `find` maps an id (or an alias) to its endpoints."""

    def __init__(self, rows: pl.DataFrame, scores: pl.DataFrame, version: str, report: dict[str, Any]) -> None:
        """`rows` is as `with_models` makes it, `scores` has the columns of `boards.MATCHED`."""
        self.version = version
        self.report = report
        self.scores = scores
        self._rows = rows
        self._models: dict[int, Model] = {}

    @classmethod
    def open(
        cls,
        path: Path,
        extra: Sequence[Model] = (),
        terms: Mapping[str, Terms] | None = None,
        markup: Decimal = Decimal(0),
        today: date | None = None,
    ) -> "Catalog":
        """The snapshot at `path` with `extra` rows after it, and the `terms` of providers by name. Every price but of
        models served by this process is raised by the share `markup`: what is shown is what is charged. Prices that
        were announced for a day until `today` (of UTC, the present one by default) hold.

        Raises `SnapshotError` if missing, corrupt or empty.
        """
        tables = snapshot.tables(path, "models", "prices", "scores")
        meta = tables["meta"].to_pylist()[0]
        models = pl.DataFrame(tables["models"])
        if models.is_empty():
            raise SnapshotError(
                f"the catalog snapshot {path} holds no models; delete {path.parent / snapshot.POINTER} and start again"
            )
        report = orjson.loads(meta["report"])
        models = with_announced(
            models,
            pl.DataFrame(tables["prices"]),
            date.fromisoformat(report["built_on"]),
            today or datetime.now(UTC).date(),
        )
        return cls(
            _marked_up(with_models(models, extra, terms), markup),
            pl.DataFrame(tables["scores"]),
            meta["version"],
            report,
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Model]:
        return (self.model(i) for i in range(len(self)))

    def model(self, row: int) -> Model:
        known = self._models.get(row)
        if known is None:
            known = self._models[row] = _model(self._rows.row(row, named=True))
        return known

    def find(self, model_id: str) -> list[int]:
        """The rows of a model: its endpoints. Where no id matches, an alias counts, and then `creator/name` with the
        name that providers have for it, in any case: `anthropic/claude-sonnet-4` wherever that is served. Behind
        `route/` the name itself will do, in any of its spellings. Empty where unknown."""
        name = model_id.removeprefix(ROUTE)
        found = self._by_id.get(model_id) or self._by_id.get(name) or self._by_alias.get(name)
        found = found or self._by_creator.get(name.lower(), [])
        if found or name == model_id or len(name) > LONGEST_SPELLING:
            return found
        return self._by_canonical.get(canonical_name(name), [])

    def scores_of(self, canonical: str) -> list[Score]:
        rows = self.scores.filter(pl.col("canonical") == canonical).iter_rows(named=True)
        return [
            Score(r["canonical"], r["board"], r["metric"], r["task"], r["score"], r["source"], r["observed_on"])
            for r in rows
        ]

    @cached_property
    def ids(self) -> list[str]:
        return self._rows["id"].to_list()

    @cached_property
    def arrays(self) -> ModelArrays:
        return arrays_of(self._rows)

    @cached_property
    def _by_id(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, model_id in enumerate(self.ids):
            found.setdefault(model_id, []).append(row)
        return found

    @cached_property
    def _by_creator(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        names = self._rows["upstream_model"].str.split("/").list.last()
        for row, (creator, name) in enumerate(zip(self._rows["creator"], names, strict=True)):
            if creator:
                found.setdefault(f"{creator}/{name}".lower(), []).append(row)
        return found

    @cached_property
    def _by_canonical(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, canonical in enumerate(self._rows["canonical"]):
            if canonical:
                found.setdefault(canonical, []).append(row)
        return found

    @cached_property
    def _by_alias(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, aliases in enumerate(self._rows["aliases"].to_list()):
            for alias in aliases or ():
                found.setdefault(alias, []).append(row)
        return found


def with_models(rows: pl.DataFrame, extra: Sequence[Model], terms: Mapping[str, Terms] | None = None) -> pl.DataFrame:
    """`rows` (of `MODEL_COLUMNS`) followed by the configured models, with the columns `hosted` and `terms.COLUMNS`.

    A configured model that `rows` already has (same id, provider and task type) takes that row's place: it keeps what
    the catalog knows of the model, and its own prices, name at the provider and limits stand.
    """
    base = with_terms(rows, terms or {}).with_columns(_cache_writes(rows), hosted=pl.lit(value=False))
    if not extra:
        return base
    key = ["id", "provider", "task_type"]
    own = pl.DataFrame({name: [getattr(model, name) for model in extra] for name in key})
    known = {
        tuple(row[name] for name in key): _model(row)
        for row in base.join(own, on=key, how="semi").iter_rows(named=True)
    }
    models = [_over(known.get((model.id, model.provider, model.task_type)), model) for model in extra]
    models = [replace(model, price_tier=model.price_tier or tier_of(model, rows)) for model in models]
    added = pl.DataFrame([_record(model) for model in models], schema=base.schema)
    return pl.concat([base.join(own, on=key, how="anti", maintain_order="left"), added])


def _cache_writes(rows: pl.DataFrame) -> pl.Series:
    """As stated, and for Anthropic's own endpoints by its published rule where no feed states it."""
    name = "cache_write_input_per_million_tokens"
    columns = rows["provider"], rows[name], rows["input_per_million_tokens"]
    rates = [
        (plain * ANTHROPIC_CACHE_WRITE).quantize(SMALLEST_RATE)
        if written is None and plain is not None and provider == ANTHROPIC
        else written
        for provider, written, plain in zip(*columns, strict=True)
    ]
    return pl.Series(name, rates, dtype=rows.schema[name])


def _marked_up(rows: pl.DataFrame, markup: Decimal) -> pl.DataFrame:
    if not markup:
        return rows
    factors = [1 if hosted else 1 + markup for hosted in rows["hosted"]]
    return rows.with_columns(
        pl.Series(
            name,
            [
                None if r is None else (r * factor).quantize(SMALLEST_RATE)
                for r, factor in zip(rates, factors, strict=True)
            ],
            dtype=rates.dtype,
        )
        for name in PRICE_FIELDS
        for rates in (rows[name],)
    )


def _over(known: Model | None, own: Model) -> Model:
    if known is None:
        return own
    united: dict[str, Any] = {
        name: tuple(dict.fromkeys((*getattr(known, name), *getattr(own, name)))) for name in LIST_FIELDS
    }
    return replace(
        known,
        upstream_model=own.upstream_model,
        visibility=own.visibility,
        long_tail_because=None,
        price_tier=own.price_tier,
        context_window=own.context_window or known.context_window,
        max_output_tokens=own.max_output_tokens or known.max_output_tokens,
        price_feed=None,
        observed_on=None,
        valid_from=None,
        pricing=own.pricing,
        hosted=own.hosted,
        **united,
        **{name: _either(getattr(own, name), getattr(known, name)) for name in TERMS},
    )


def _either(own: Any, known: Any) -> Any:
    return known if own is None else own


def _record(model: Model) -> dict[str, Any]:
    plain = {name: getattr(model, name) for name in (*MODEL_COLUMNS, "hosted", *TERMS) if name not in PRICE_FIELDS}
    plain |= {name: list(plain[name]) for name in LIST_FIELDS}
    plain["supported_parameters"] = _as(list, model.supported_parameters)
    rates = {name: getattr(model.pricing, name) for name in PRICE_FIELDS}
    return plain | {name: None if rate is None else rate.quantize(SMALLEST_RATE) for name, rate in rates.items()}


def _model(record: dict[str, Any]) -> Model:
    pricing = Pricing(**{name: _plain(record.pop(name)) for name in PRICE_FIELDS})
    for name in LIST_FIELDS:
        record[name] = tuple(record[name] or ())
    record["supported_parameters"] = _as(tuple, record["supported_parameters"])
    return Model(**record, pricing=pricing)


def _as(kind: Callable[[Any], Any], names: Any) -> Any:
    """None stays None: nobody knows which parameters the endpoint takes, rather than that it takes none."""
    return None if names is None else kind(names)


def _plain(rate: Decimal | None) -> Decimal | None:
    """A rate without the twelve decimals of its column: 0.1, not 0.100000000000."""
    if rate is None:
        return None
    short = rate.normalize()
    return short if short == 0 or int(short.as_tuple().exponent) <= 0 else short.quantize(Decimal(1))
