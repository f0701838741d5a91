"""Ids sort by the time they were made and never repeat."""

import threading
import uuid

from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.ids import uuid7

moments = st.integers(0, (2**48 - 1) * 1_000_000)


def test_the_ids_of_one_thread_come_in_order() -> None:
    ids = [uuid7("req_") for _ in range(5_000)]
    assert ids == sorted(ids)


@given(moments, moments)
def test_a_later_moment_sorts_later(first: int, second: int) -> None:
    early, late = sorted((first, second))
    if late - early >= 1_000:  # the time is kept in steps of a quarter of a microsecond
        assert uuid7(now_ns=early) < uuid7(now_ns=late)


@given(moments)
def test_it_is_a_valid_uuid_of_version_7_that_tells_its_time(now_ns: int) -> None:
    made = uuid.UUID(uuid7(now_ns=now_ns))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == now_ns // 1_000_000


def test_threads_never_make_the_same_id() -> None:
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda ids: ids.extend(uuid7() for _ in range(5_000)), args=(m,)) for m in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({name for ids in made for name in ids}) == 20_000


def test_ids_of_one_moment_differ() -> None:
    assert len({uuid7(now_ns=1) for _ in range(1_000)}) == 1_000
