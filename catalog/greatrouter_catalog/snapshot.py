"""Immutable catalog snapshots: one DuckDB file each, and a pointer to the current one that is swapped atomically.

DuckDB locks a file against everyone while one process writes it, so a refresh never touches the file that is read: it
builds `catalog-<version>.duckdb` under another name beside it, checks it, renames it, and only then moves the pointer.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import duckdb
import orjson
import polars as pl
import pyarrow as pa

from greatrouter_catalog.errors import ImportFailed, SnapshotError
from greatrouter_catalog.tables import MODEL_COLUMNS, PRICE_COLUMNS, TABLES, Facts

POINTER = "CURRENT"
FORMAT = 1
META_COLUMNS = ["version", "format", "report"]
# What tables of the same format did not have at first: a snapshot from before knows nothing of it.
ADDED = {
    "models": {"cache_write_input_per_million_tokens": pa.decimal128(24, 12)},
    "prices": {"cache_write_input_per_million_tokens": pa.decimal128(24, 12), "recorded_at": pa.timestamp("us")},
}
COLUMNS = {"models": MODEL_COLUMNS, "prices": PRICE_COLUMNS}


def write(facts: Facts, folder: Path, now: datetime | None = None) -> Path:
    """Writes a new snapshot and makes it the current one.

    Raises `SnapshotError` where it cannot be written and `ImportFailed` for an empty catalog; the old snapshot then
    stays current and nothing of the new one is left.
    """
    if facts.models.is_empty():
        raise ImportFailed("the catalog would be empty; the current snapshot is unchanged: check what was imported")
    version = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%fZ")
    target = folder / f"catalog-{version}-{uuid4().hex[:8]}.duckdb"
    building = folder / f".building-{uuid4().hex}.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fill(building, facts, version)
        _check(building, facts)
        _sync(building)
        building.replace(target)
        _point(folder, target.name)
    except (OSError, duckdb.Error, SnapshotError) as error:
        _remove(target)
        raise SnapshotError(
            f"could not write a catalog snapshot in {folder}: {_reason(error)}; "
            "the current snapshot is unchanged: free some space or check the permissions, then try again"
        ) from error
    finally:
        _remove(building, building.with_name(building.name + ".wal"))
    return target


def current(folder: Path) -> Path | None:
    """The current snapshot's file, which may be gone; None where no snapshot was ever written.

    Raises `SnapshotError` where the pointer does not name one.
    """
    pointer = folder / POINTER
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(
            f"the catalog pointer {pointer} cannot be read ({error}); delete it and start again"
        ) from error
    if not (
        name.startswith("catalog-") and name.endswith(".duckdb") and name.isprintable() and Path(name).name == name
    ):
        raise SnapshotError(
            f"the catalog pointer {pointer} names no snapshot ({name[:80]!r}); delete it and start again"
        )
    return folder / name


@contextlib.contextmanager
def read(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection: any number of processes and notebooks may hold one at once. Raises `SnapshotError`."""
    advice = f"delete {path.parent / POINTER} and start again to rebuild it from the shipped facts"
    try:
        path.open("rb").close()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise SnapshotError(f"no catalog snapshot at {path}; {advice}") from error
    except OSError as error:
        raise SnapshotError(
            f"the catalog snapshot {path} cannot be read ({error.strerror}); check its permissions"
        ) from error
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            yield connection
    except (duckdb.Error, pa.ArrowException, UnicodeDecodeError) as error:
        if "lock on file" in str(error):
            raise SnapshotError(f"{path} is open for writing elsewhere; open snapshots with read_only=True") from error
        raise SnapshotError(f"the catalog snapshot {path} is corrupt ({_reason(error)}); {advice}") from error


def tables(path: Path, *names: str) -> dict[str, pa.Table]:
    """The named tables of a snapshot, and `meta`, as Arrow. Raises `SnapshotError`, also for another format."""
    with read(path) as connection:
        meta = connection.table("meta").to_arrow_table()
        if meta.column_names != META_COLUMNS or meta["format"].to_pylist() != [FORMAT]:
            raise SnapshotError(
                f"{path} was written by another version of GreatRouter; delete {path.parent / POINTER} and start again"
            )
        found = {name: _as_now(name, connection.table(name).to_arrow_table()) for name in names}
    if "models" in found and tuple(found["models"].column_names) != MODEL_COLUMNS:
        raise SnapshotError(
            f"{path} has other columns than this version of GreatRouter; delete {path.parent / POINTER} and start again"
        )
    return {**found, "meta": meta}


def _as_now(name: str, table: pa.Table) -> pa.Table:
    for column, kind in ADDED.get(name, {}).items():
        if column not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows, kind))
    order = COLUMNS.get(name, ())
    return table.select(list(order)) if set(order) == set(table.column_names) else table


def facts(path: Path) -> Facts:
    """The whole content of a snapshot. Raises `SnapshotError`."""
    content = tables(path, *TABLES)
    models, prices, scores, conflicts = (pl.DataFrame(content[name]) for name in TABLES)
    return Facts(models, prices, scores, conflicts, report=orjson.loads(content["meta"]["report"][0].as_py()))


def _fill(path: Path, facts: Facts, version: str) -> None:
    report = orjson.dumps(facts.report, default=str).decode()
    meta = pa.table({"version": [version], "format": [FORMAT], "report": [report]})
    with duckdb.connect(str(path)) as connection:
        for name in TABLES:
            _create(connection, name, getattr(facts, name).to_arrow())
        _create(connection, "meta", meta)
        connection.execute("CHECKPOINT")


def _create(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("incoming", rows)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")  # noqa: S608 - our own names
    connection.unregister("incoming")


def _check(path: Path, facts: Facts) -> None:
    """Reads back what was written: a disk that ran full late must not leave a snapshot that looks whole."""
    for name, rows in tables(path, *TABLES).items():
        if name in TABLES and rows.num_rows != len(getattr(facts, name)):
            raise SnapshotError(f"{name} has {rows.num_rows} rows after writing {len(getattr(facts, name))}")


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _point(folder: Path, name: str) -> None:
    pending = folder / f".{POINTER}-{uuid4().hex}"
    try:
        with pending.open("w", encoding="utf-8") as file:
            file.write(name + "\n")
            file.flush()
            os.fsync(file.fileno())
        pending.replace(folder / POINTER)
    finally:
        pending.unlink(missing_ok=True)


def _remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
