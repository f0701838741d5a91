"""Estimating tokens by script."""

import doctest
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_ranking import tokens
from greatrouter_ranking.tokens import estimate_tokens

any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates included


def test_the_examples_hold() -> None:
    assert doctest.testmod(tokens).failed == 0


@settings(deadline=None)
@given(any_text)
def test_any_text_has_a_token_and_none_has_many_for_a_character(text: str) -> None:
    assert bool(text) <= estimate_tokens(text) <= max(1, 2 * len(text))


@settings(deadline=None)
@given(any_text, any_text)
def test_more_text_is_never_fewer_tokens(first: str, second: str) -> None:
    assert estimate_tokens(first + second) >= max(estimate_tokens(first), estimate_tokens(second))


@settings(deadline=None)
@given(any_text, any_text)
def test_the_parts_add_up_to_about_the_whole(first: str, second: str) -> None:
    assert abs(estimate_tokens(first + second) - estimate_tokens(first) - estimate_tokens(second)) <= 2


@pytest.mark.parametrize(
    ("character", "per_hundred"),
    [
        ("a", 25),
        ("\n", 25),
        ("é", 40),
        ("ж", 40),
        ("ع", 40),
        ("中", 70),
        ("か", 70),
        ("한", 70),
        ("ह", 70),
        ("😀", 200),
    ],
)
def test_the_script_decides(character: str, per_hundred: int) -> None:
    assert estimate_tokens(character * 100) == per_hundred


def test_a_megabyte_of_chinese_does_not_hold_up_the_event_loop() -> None:
    text = "法国的首都是哪里" * 42_000
    started = time.thread_time()

    estimate_tokens(text)

    assert time.thread_time() - started < 0.1  # 3 ms; a loop over the bytes took 30
