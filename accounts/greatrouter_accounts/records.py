"""Rows of activity and feedback on their way into the database.

What they hold comes from outside (a caller's prompt, a provider's counts), so it is made storable here rather than
refused: a log that loses the odd request is worth less than one that shows it with a replacement character.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Connection, Dialect, Integer, Table, select

from greatrouter_accounts.errors import RowRefused
from greatrouter_accounts.money import LARGEST_CENTS, LARGEST_UNITS, Cents, cents, to_units
from greatrouter_accounts.store import MARKS, Store
from greatrouter_accounts.text import storable

Record = tuple[Table, Mapping[str, Any]]


class Records:
    """Writes rows of the tables it is made for."""

    def __init__(self, store: Store, tables: Sequence[Table]) -> None:
        self._store = store
        self._layouts = {table: _layout(table, store.dialect) for table in tables}
        self._doubted: dict[int, Record] = {}  # by identity, as the writer brings the same ones again

    def commit(self, rows: Sequence[Record | None]) -> Sequence[None]:
        """None stands for nothing but the wait of who submitted it.

        Raises `RowRefused` where one of them has a column too few or too many, or a value of a wrong type, and
        `StoreFailed`; nobody knows then whether they are in the database, where the connection broke while it
        committed: those that come again are looked for first."""
        records = [row for row in rows if row is not None]
        with self._store.write() as connection:
            self._add(connection, records)
        for record in records:
            self._doubted.pop(id(record), None)
        return [None] * len(rows)

    def _add(self, connection: Connection, records: Sequence[Record]) -> None:
        new = [record for record in records if id(record) not in self._doubted or not _is_there(connection, *record)]
        for table, layout in self._layouts.items():
            if rows := [_storable(layout, row) for target, row in new if target is table]:
                values = ", ".join([layout.values] * len(rows))
                # One statement for all of them: `executemany` takes a round trip or a switch of threads for each.
                connection.connection.cursor().execute(layout.insert + values, list(chain.from_iterable(rows)))
        self._doubted |= {id(record): record for record in records if "sequence" in record[0].c}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a table's rows are stored: its columns in order, which hold text, and how the values of the others are made
    storable. A column named `sequence` numbers itself."""

    insert: str
    values: str
    places: Mapping[str, int]
    texts: Sequence[int]
    others: Sequence[tuple[int, Callable[[Any], Any]]]


def _layout(table: Table, dialect: Dialect) -> _Layout:
    columns = [column for column in table.columns if column.name != "sequence"]
    names = [column.name for column in columns]
    quote = dialect.identifier_preparer.quote
    kinds = [(place, _converter(column.type)) for place, column in enumerate(columns)]
    return _Layout(
        insert=f"INSERT INTO {table.name} ({', '.join(map(quote, names))}) VALUES ",  # noqa: S608 - names of our own
        values=f"({', '.join([MARKS[dialect.name]] * len(names))})",
        places={name: place for place, name in enumerate(names)},
        texts=[place for place, convert in kinds if convert is None],
        others=[(place, convert) for place, convert in kinds if convert],
    )


def _converter(kind: Any) -> Callable[[Any], Any] | None:
    match kind:
        case Cents():
            return _units
        case Boolean():
            return bool
        case Integer():
            return _whole
    return None


def _is_there(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """A row of a request; others have an id of their own."""
    same = [table.c[name] == storable(row[name]) for name in ("organization_id", "timestamp", "request_id")]
    query = select(table.c.sequence).where(*same, table.c.model.is_not_distinct_from(row.get("model")))
    return connection.execute(query.limit(1)).first() is not None


def _storable(layout: _Layout, row: Mapping[str, Any]) -> Sequence[Any]:
    values: list[Any] = [row.get(name) for name in layout.places]
    if unknown := row.keys() - layout.places.keys():
        raise RowRefused(f"no column is called {', '.join(sorted(unknown))}")
    try:
        # One look at all of a row's text: a look at each took longer than SQLite takes to store the row.
        everything = "".join([values[place] or "" for place in layout.texts])
        if storable(everything) is not everything:
            for place in layout.texts:
                values[place] = None if values[place] is None else storable(values[place])
        for place, convert in layout.others:
            if values[place] is not None:
                values[place] = convert(values[place])
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise RowRefused(f"a value has the wrong type: {error}") from error
    return values


def _whole(value: int) -> int:
    return max(-LARGEST_UNITS, min(int(value), LARGEST_UNITS))


def _units(value: Decimal) -> int:
    return to_units(cents(max(-LARGEST_CENTS, min(value, LARGEST_CENTS))))
