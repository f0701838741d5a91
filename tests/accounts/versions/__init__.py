"""Databases as each version left them: `VERSION.DIALECT.sql`, written by that version's own program, with rows in every
table and a process that died in the middle of its requests.

`python -m tests.accounts.versions DATABASE > 3.sqlite.sql` keeps another; `DATABASE` is a file of SQLite or the URL of
PostgreSQL.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg

from greatrouter_benchmarks.postgres import FOLDERS

FOLDER = Path(__file__).parent
# PostgreSQL came with version 2.
FIRST = {"sqlite": 0, "postgresql": 2}
# What `pg_dump` says to the `psql` that would read it, and to nobody else.
TO_PSQL = ("--", "\\", "SET ", "SELECT pg_catalog.set_config")
PG_DUMP = ("--inserts", "--no-owner", "--no-privileges", "--no-sync")


def kept(dialect: str) -> list[int]:
    """The versions that there is a dump of."""
    return sorted(int(path.name.partition(".")[0]) for path in FOLDER.glob(f"*.{dialect}.sql"))


def load(database: Path | str, version: int) -> None:
    """Makes the database what it was in `version`."""
    if isinstance(database, str):
        with psycopg.connect(database) as connection:
            connection.execute((FOLDER / f"{version}.postgresql.sql").read_bytes())
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as file:
        file.executescript((FOLDER / f"{version}.sqlite.sql").read_text())


def dumped(database: Path | str) -> str:
    """The statements that make the database as it is."""
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as file:
            return "\n".join(file.iterdump()) + "\n"
    program = shutil.which("pg_dump", path=os.pathsep.join([*FOLDERS, os.environ["PATH"]])) or "pg_dump"
    command = [program, *PG_DUMP, f"--dbname={database}"]
    written = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return "".join(f"{line}\n" for line in written.splitlines() if line and not line.startswith(TO_PSQL))
