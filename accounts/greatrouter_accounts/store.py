"""A database that holds the accounts: SQLite in a file of one machine, or PostgreSQL for many."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Dialect, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from greatrouter_accounts.errors import CommitUnheard, RowRefused, StoreFailed

# Who does not say that it lives for so long is taken for dead; three times it may fail to.
LEASE = timedelta(seconds=20)
# What stands for a value in a statement that goes to the driver as it is, by SQLAlchemy's name of the database.
MARKS = {"sqlite": "?", "postgresql": "%s"}


class Owner(Protocol):
    """One opened store, as long as its process lives: what it set aside is its own until then.

    `certain` says that `alive` can be believed at once. Otherwise whoever asks must have reached the database for a
    whole lease: where nobody could, nobody said that they live.
    """

    name: str
    certain: bool

    def alive(self, connection: Connection) -> set[str]:
        """Our own name and those of the others that live. `connection` holds the write lock."""

    def renew(self, store: "Store") -> bool:
        """Says that we live. False where the others had to take us for dead meanwhile; then `name` is a new one, known
        to all of them."""

    def resign(self, connection: Connection) -> None:
        """We are no more; what may still be set aside is anybody's to give back."""


class Store(Protocol):
    """`write` is one transaction under the write lock, committed at the end and rolled back by an exception; one that
    is not `durable` may be lost with the machine, though not with the process. `read` is one moment of the database,
    whatever is written meanwhile.

    Both raise `RowRefused` where a value cannot be stored and `StoreFailed` where nothing can; `write` raises
    `CommitUnheard` of that where it may be stored all the same.
    """

    @property
    def dialect(self) -> Dialect: ...

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]: ...

    def read(self) -> AbstractContextManager[Connection]: ...

    def enrol(self) -> Owner:
        """A new owner, alive from now on. Raises `StoreFailed`."""

    def close(self) -> None: ...


def open_store(database: Path | str, lease: timedelta = LEASE) -> Store:
    """`database` is the file of SQLite or the URL of PostgreSQL. Opens and migrates it. Raises `StoreFailed`."""
    if isinstance(database, Path):
        from greatrouter_accounts.sqlite import SqliteStore

        return SqliteStore(database)
    try:
        from greatrouter_accounts.postgres import PostgresStore
    except ImportError as error:
        raise StoreFailed("accounts in PostgreSQL need psycopg: pip install 'greatrouter-server[postgres]'") from error
    return PostgresStore(database, lease)


def place(database: Path | str) -> str:
    """A database that could be opened, as it may be named to anyone: without user, password and options."""
    if isinstance(database, Path):
        return f"SQLite in {database}"
    url = make_url(database)
    host = url.host or url.query.get("host") or "its default host"
    return f"PostgreSQL at {host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def take_your_time(connection: Connection) -> None:
    """Lets this transaction take as long as it needs, in its statements and between them: one that reads a whole ledger
    does, and so does who reads what it finds."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


@contextmanager
def heard_of(
    transaction: AbstractContextManager[Connection], refused: Callable[[BaseException | None], bool]
) -> Iterator[Connection]:
    """The transaction, where a `StoreFailed` that came after its last statement is `CommitUnheard`, but for an error of
    the driver's that says that the commit was `refused`."""
    finished = False
    try:
        with transaction as connection:
            yield connection
            finished = True
    except StoreFailed as failure:
        cause = failure.__cause__
        if not finished or refused(cause.orig if isinstance(cause, DBAPIError) else cause):
            raise
        raise CommitUnheard(str(failure)) from cause


@contextmanager
def failures(
    what: str, of_the_row: Callable[[BaseException | None], bool], errors: type[Exception], remedies: dict[str, str]
) -> Iterator[None]:
    """Errors of a driver (all of them `errors`) become ours. `what` is the database as it may be named to anyone;
    `of_the_row` tells what a row is at fault for, everything else is the database's; `remedies` say what to do, by
    words of the driver's message; "" is in all of them.

    Opening a connection raises the driver's own errors, everything later SQLAlchemy's.
    """
    try:
        yield
    except (SQLAlchemyError, errors) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        # PostgreSQL's further lines, and so its error itself, quote the row.
        words = next(iter(str(cause).splitlines()), type(cause).__name__)
        if of_the_row(cause):
            raise RowRefused(f"the accounts database does not take this row: {words}") from None
        remedy = next(
            (found for part, found in remedies.items() if part in words), "check its disk and its permissions"
        )
        raise StoreFailed(f"the accounts database {what} failed ({words}): {remedy}") from error
    except (OverflowError, UnicodeError) as error:
        raise RowRefused(f"the accounts database does not take this row: {error}") from error
