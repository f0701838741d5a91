"""Snapshots: what goes in comes out; readers and writers never meet; damage and full disks are clear errors."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greatrouter_catalog import facts as catalog_facts
from greatrouter_catalog import identity, snapshot
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.errors import CatalogError, ImportFailed, SnapshotError
from greatrouter_catalog.facts import Facts
from greatrouter_catalog.model import Model
from greatrouter_catalog.offer import Offer
from greatrouter_catalog.pricing import PRICE_FIELDS, Pricing
from greatrouter_catalog.tables import TABLES
from greatrouter_catalog.taxonomy import TASK_TYPES
from tests.catalog.examples import READ_ON, facts_of, offers, score, source, text_offer


@pytest.fixture(scope="module")
def facts() -> Facts:
    stated = [text_offer("acme", f"claude-opus-4-{n}", n, aliases=[f"opus-{n}"]) for n in range(1, 40)]
    dearer = pl.concat([offers("litellm", *stated), offers("modelsdev", text_offer("acme", "claude-opus-4-1", 2))])
    return facts_of(dearer, [score("claude-opus-4-1", 1400.5)])


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def same(left: Facts, right: Facts) -> bool:
    return left.report == right.report and all(getattr(left, name).equals(getattr(right, name)) for name in TABLES)


# --- Round trip -------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12)
identifiers = texts.filter(lambda word: word.isprintable() and bool(word.strip()))
days = st.dates(READ_ON - timedelta(days=4000), READ_ON)
any_offer = st.builds(
    Offer,
    provider=identifiers,
    upstream_model=identifiers,
    task_type=st.sampled_from(list(TASK_TYPES)),
    name=st.none() | texts,
    capabilities=st.lists(texts, max_size=2),
    input_modalities=st.lists(texts, max_size=2),
    context_window=st.none() | st.integers(1, 10**9),
    open_weights=st.none() | st.booleans(),
    retired_on=st.none() | days,
    released_on=st.none() | days,
    valid_from=st.none() | days,
    aliases=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=2),
    prices=st.fixed_dictionaries({}, optional=dict.fromkeys(PRICE_FIELDS, st.decimals(0, 10**9 - 1, places=12))),
)
feeds = st.lists(st.tuples(st.sampled_from(["litellm", "openrouter"]), any_offer), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=feeds, value=st.floats(allow_nan=False, allow_infinity=False))
def test_what_goes_into_a_snapshot_comes_out_of_it(
    tmp_path: Path, stated: list[tuple[str, Offer]], value: float
) -> None:
    scored = score(identity.canonical_name(stated[0][1].upstream_model), value)
    facts = facts_of(pl.concat([offers(feed, offer) for feed, offer in stated]), [scored])
    path = snapshot.write(facts, tmp_path)
    assert same(snapshot.facts(path), facts)
    catalog = Catalog.open(path)
    assert [model.id for model in catalog] == facts.models["id"].to_list() == catalog.ids
    for model, row in zip(catalog, facts.models.to_dicts(), strict=True):
        assert [getattr(model.pricing, name) for name in PRICE_FIELDS] == [row[name] for name in PRICE_FIELDS]


def test_prices_come_back_as_the_plain_decimals_they_were(tmp_path: Path) -> None:
    stated = text_offer(price="0.1"), text_offer("b", price="100"), text_offer("c", price="0.000000000001")
    catalog = Catalog.open(snapshot.write(facts_of(offers("litellm", *stated)), tmp_path))
    assert [str(model.pricing.input_per_million_tokens) for model in catalog] == ["0.1", "100", "1E-12"]
    assert all(isinstance(model.pricing.input_per_million_tokens, Decimal) for model in catalog)


def test_past_prices_can_be_looked_up_with_plain_sql(tmp_path: Path) -> None:
    first, second = READ_ON - timedelta(days=30), READ_ON
    stated = offers("genai-prices", *(text_offer(price=p, valid_from=d) for p, d in ((5, first), (4, second))))
    path = snapshot.write(facts_of(stated), tmp_path)
    query = "SELECT input_per_million_tokens FROM prices WHERE id = 'acme/m-1' AND valid_from <= ? ORDER BY valid_from"
    with snapshot.read(path) as connection:
        for day, price in ((second - timedelta(days=1), 5), (second, 4)):
            assert connection.execute(query, [day]).fetchall()[-1] == (price,)


# --- The pointer ------------------------------------------------------------------------------------------------------


def test_the_newest_snapshot_is_current_and_older_ones_stay(facts: Facts, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "catalog"
    assert snapshot.current(folder) is None
    paths = [snapshot.write(facts, folder, datetime(2026, 8, day, tzinfo=UTC)) for day in (1, 2)]
    assert snapshot.current(folder) == paths[1]
    assert files(folder) == {snapshot.POINTER, *(path.name for path in paths)}
    assert [Catalog.open(path).version for path in paths] == ["20260801T000000000000Z", "20260802T000000000000Z"]


def test_two_snapshots_of_one_moment_are_two_files(facts: Facts, tmp_path: Path) -> None:
    moment = datetime(2026, 8, 1, tzinfo=UTC)
    assert snapshot.write(facts, tmp_path, moment) != snapshot.write(facts, tmp_path, moment)


@pytest.mark.parametrize(
    "pointer",
    [
        *(b"", b"\n", b"garbage", b"\xff\xfe\x00", b"catalog-1.duckdb\x00", b"../../etc/passwd", b"/etc/passwd", b".."),
        *(b"catalog-/../x.duckdb", b"catalog-1.duckdb\ncatalog-2.duckdb", b"x" * 10_000),
    ],
)
def test_a_pointer_with_garbage_is_a_clear_error(pointer: bytes, tmp_path: Path) -> None:
    (tmp_path / snapshot.POINTER).write_bytes(pointer)
    with pytest.raises(SnapshotError, match=r"the catalog pointer .*delete it and start again") as refused:
        snapshot.current(tmp_path)
    assert len(str(refused.value)) < 500


def test_a_pointer_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / snapshot.POINTER).mkdir()
    with pytest.raises(SnapshotError, match="cannot be read"):
        snapshot.current(tmp_path)


def test_a_pointer_to_a_snapshot_that_is_gone_is_a_clear_error(facts: Facts, tmp_path: Path) -> None:
    path = snapshot.write(facts, tmp_path)
    path.unlink()
    for use in (Catalog.open, snapshot.facts):
        with pytest.raises(SnapshotError, match=r"no catalog snapshot at .*delete .*CURRENT and start again"):
            use(path)
    with pytest.raises(SnapshotError, match="no catalog snapshot"):
        Catalog.open(tmp_path)


# --- Damage -----------------------------------------------------------------------------------------------------------

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda _: b"x",
    "text": lambda _: b"this is no database\n" * 1000,
    "cut at half": lambda raw: raw[: len(raw) // 2],
    "cut at the end": lambda raw: raw[:-1],
    "only the headers": lambda raw: raw[:12288],
    "headers zeroed": lambda raw: bytes(12288) + raw[12288:],
    "data zeroed": lambda raw: raw[:12288] + bytes(len(raw) - 12288),
    "another format": lambda raw: raw[:8] + b"PAR1" + raw[12:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_a_clear_error(damage: str, facts: Facts, tmp_path: Path) -> None:
    path = snapshot.write(facts, tmp_path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    for use in (Catalog.open, snapshot.facts):
        with pytest.raises(SnapshotError, match=r"corrupt .*start again") as refused:
            use(path)
        assert "\n" not in str(refused.value)


def test_any_flipped_byte_is_noticed_or_does_no_harm(facts: Facts, tmp_path: Path) -> None:
    path = snapshot.write(facts, tmp_path)
    raw, draw = path.read_bytes(), random.Random(7)
    damaged = tmp_path / "catalog-damaged.duckdb"
    noticed = 0
    for _ in range(40):
        spoilt = bytearray(raw)
        spoilt[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        damaged.write_bytes(spoilt)
        try:
            assert same(snapshot.facts(damaged), facts)
        except SnapshotError:
            noticed += 1
    assert noticed > 20


def database(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.mark.parametrize(
    "statements",
    [
        (),
        ("CREATE TABLE meta (version VARCHAR, format INTEGER, report VARCHAR)",),
        ("CREATE TABLE meta AS SELECT 'v' AS version, 999 AS format, '{}' AS report",),
        ("CREATE TABLE meta AS SELECT 1 AS format",),
        ("CREATE TABLE meta AS SELECT 'v' AS version, 1 AS format, '{}' AS report",),
        (
            "CREATE TABLE meta AS SELECT 'v' AS version, 1 AS format, '{}' AS report",
            "CREATE TABLE models AS SELECT 'a' AS id",
            "CREATE TABLE scores AS SELECT 'a' AS canonical",
            "CREATE TABLE prices AS SELECT 'a' AS id",
            "CREATE TABLE conflicts AS SELECT 'a' AS id",
        ),
    ],
)
def test_another_database_is_a_clear_error(statements: tuple[str, ...], tmp_path: Path) -> None:
    path = database(tmp_path / "catalog-x.duckdb", *statements)
    for use in (Catalog.open, snapshot.facts):
        with pytest.raises(SnapshotError, match=r"(corrupt|another version|other columns).*start again"):
            use(path)


def test_a_snapshot_of_before_is_read_with_what_it_did_not_know(facts: Facts, tmp_path: Path) -> None:
    path = snapshot.write(facts, tmp_path)
    for column in ("models.cache_write_input_per_million_tokens", "prices.cache_write_input_per_million_tokens"):
        table, name = column.split(".")
        database(path, f"ALTER TABLE {table} DROP COLUMN {name}")
    database(path, "ALTER TABLE prices DROP COLUMN recorded_at")
    found = snapshot.facts(path)
    assert found.prices["recorded_at"].null_count() == len(facts.prices)
    assert found.prices.drop("recorded_at").equals(facts.prices.drop("recorded_at"))
    assert found.models.equals(facts.models)  # none of which says what a cache costs
    assert len(Catalog.open(path)) == len(facts.models)
    newer = offers("litellm", text_offer("acme", "claude-opus-4-1", 9), observed_on=READ_ON + timedelta(days=1))
    again = catalog_facts.update(found, newer, [source()], READ_ON + timedelta(days=40))
    assert len(again.prices) == len(facts.prices) + 1


def test_an_empty_catalog_is_neither_written_nor_opened(facts: Facts, tmp_path: Path) -> None:
    kept = snapshot.write(facts, tmp_path)
    nothing = Facts(facts.models.clear(), facts.prices.clear(), facts.scores, facts.conflicts, facts.report)
    with pytest.raises(ImportFailed, match="would be empty; the current snapshot is unchanged"):
        snapshot.write(nothing, tmp_path)
    assert snapshot.current(tmp_path) == kept
    assert files(tmp_path) == {snapshot.POINTER, kept.name}
    database(kept, "DELETE FROM models")
    with pytest.raises(SnapshotError, match=r"holds no models; delete .*CURRENT"):
        Catalog.open(kept)


# --- A disk that is full, a folder that cannot be written -------------------------------------------------------------

# A limit on the size of a file stands in for a full disk: DuckDB's write fails in the same place.
FULL_DISK = """
import resource, sys
from pathlib import Path
from greatrouter_catalog import facts, snapshot
from greatrouter_catalog.errors import CatalogError

content, folder, limit = facts.load(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    snapshot.write(content, folder)
except CatalogError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
@pytest.mark.parametrize("share", [0.002, 0.3, 0.9])
def test_a_full_disk_leaves_the_old_snapshot_and_nothing_else(share: float, facts: Facts, tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    kept = snapshot.write(facts, folder)
    catalog_facts.write(facts, tmp_path / "facts")
    limit = int(share * kept.stat().st_size)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "facts"), str(folder), str(limit)],
        capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout.startswith("SnapshotError could not write a catalog snapshot in ")
    assert "the current snapshot is unchanged: free some space" in done.stdout
    assert done.stderr == ""
    assert snapshot.current(folder) == kept
    assert files(folder) == {snapshot.POINTER, kept.name}
    assert same(snapshot.facts(kept), facts)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
def test_a_limit_that_is_high_enough_is_no_full_disk(facts: Facts, tmp_path: Path) -> None:
    """The test above must fail for want of space, not for anything else it does."""
    catalog_facts.write(facts, tmp_path / "facts")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "facts"), str(tmp_path / "catalog"), "-1"],
        capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("", "")
    assert snapshot.current(tmp_path / "catalog") is not None


def test_a_folder_that_cannot_be_made_is_a_clear_error(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "catalog"):
        with pytest.raises(
            SnapshotError, match=r"could not write a catalog snapshot .* the current snapshot is unchanged"
        ):
            snapshot.write(facts, folder)


def test_a_pointer_that_cannot_be_moved_leaves_no_snapshot_behind(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / snapshot.POINTER).mkdir()
    with pytest.raises(SnapshotError, match="could not write a catalog snapshot"):
        snapshot.write(facts, tmp_path)
    assert files(tmp_path) == {snapshot.POINTER}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_a_clear_error(facts: Facts, tmp_path: Path) -> None:
    kept = snapshot.write(facts, tmp_path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SnapshotError, match="check the permissions"):
            snapshot.write(facts, tmp_path)
        assert snapshot.current(tmp_path) == kept
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read anything")
def test_a_snapshot_without_permission_is_a_clear_error(facts: Facts, tmp_path: Path) -> None:
    path = snapshot.write(facts, tmp_path)
    path.chmod(0)
    with pytest.raises(SnapshotError, match=r"cannot be read \(Permission denied\); check its permissions"):
        Catalog.open(path)


# --- Many processes ---------------------------------------------------------------------------------------------------

# Opens the current snapshot, says so, and holds it open until it is told to go on; then opens what is current by then.
READER = """
import sys
from pathlib import Path
from greatrouter_catalog import snapshot
from greatrouter_catalog.catalog import Catalog

folder = Path(sys.argv[1])
with snapshot.read(snapshot.current(folder)) as connection:
    print(connection.execute("SELECT count(*) FROM models").fetchone()[0], flush=True)
    sys.stdin.readline()
    print(connection.execute("SELECT count(*) FROM models").fetchone()[0], flush=True)
print(len(Catalog.open(snapshot.current(folder))), flush=True)
"""


def test_two_processes_read_while_a_third_writes_the_next_snapshot(facts: Facts, tmp_path: Path) -> None:
    snapshot.write(facts, tmp_path)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(2)
    ]  # fmt: skip
    for reader in readers:
        assert reader.stdout is not None
        assert int(reader.stdout.readline()) == len(facts.models)  # both hold the old snapshot open
    snapshot.write(facts_of(offers("litellm", text_offer(), text_offer("b"))), tmp_path)
    for reader in readers:
        out, err = reader.communicate("go on\n", timeout=60)
        assert (out.split(), err) == ([str(len(facts.models)), "2"], "")
        assert reader.returncode == 0


# Opens the snapshot as nobody should, says so, and holds it until told to go on.
INTRUDER = """
import sys
import duckdb

connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
connection.close()
"""


def test_a_snapshot_that_somebody_opened_for_writing_is_not_called_corrupt(facts: Facts, tmp_path: Path) -> None:
    path = snapshot.write(facts, tmp_path)
    command = [sys.executable, "-c", INTRUDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as intruder:
        assert intruder.stdout is not None
        assert intruder.stdout.readline() == "open\n"
        with pytest.raises(SnapshotError, match=r"open for writing elsewhere; .*read_only=True"):
            Catalog.open(path)
        intruder.communicate("go on\n", timeout=60)
    assert len(Catalog.open(path)) == len(facts.models)


def test_many_writers_at_once_all_succeed_and_one_is_current(facts: Facts, tmp_path: Path) -> None:
    small = facts_of(offers("litellm", text_offer()))
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda content: snapshot.write(content, tmp_path), [facts, small] * 4))
    assert len(set(paths)) == 8
    assert snapshot.current(tmp_path) in paths
    assert files(tmp_path) == {snapshot.POINTER, *(path.name for path in paths)}
    assert [len(Catalog.open(path)) for path in paths] == [len(facts.models), 1] * 4


def test_every_error_of_a_snapshot_is_an_error_of_the_catalog() -> None:
    assert issubclass(SnapshotError, CatalogError)
    assert issubclass(ImportFailed, CatalogError)


def test_a_markup_raises_what_every_providers_model_costs_and_nothing_else(tmp_path: Path) -> None:
    path = snapshot.write(facts_of(offers("litellm", text_offer("openai", "gpt-4o"))), tmp_path)
    own = Model(
        id="local/own",
        provider="local",
        upstream_model="own",
        task_type="embeddings",
        category="embeddings",
        tasks=("embeddings",),
        name="own",
        canonical="own",
        family="embeddings/local--own",
        pricing=Pricing(input_per_million_tokens=Decimal(2)),
        hosted=True,
    )
    plain, dearer = Catalog.open(path, [own]), Catalog.open(path, [own], markup=Decimal("0.05"))
    for before, after in zip(plain, dearer, strict=True):
        for name in PRICE_FIELDS:
            rate = getattr(before.pricing, name)
            assert getattr(after.pricing, name) == (rate if rate is None or before.hosted else rate * Decimal("1.05"))
    assert dearer.arrays.price.sum() > plain.arrays.price.sum()
