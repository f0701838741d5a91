"""The sentence that says why."""

import doctest
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_classifier.classification import Task
from greatrouter_ranking import reasons
from greatrouter_ranking.ranker import Choice, Comparison, Optimization, Why
from greatrouter_ranking.reasons import dollars, reason, trade_off
from tests.ranking.made_up import asked


def sentence(
    cost: float, highest: float = 1.0, quality: float = 0.9, rank: int = 0, boards: int = 3, task: Task = Task.TEXT,
    why: Why = Why.BEST,
) -> str:  # fmt: skip
    choice = Choice(row=0, score=0.5, quality=quality, cost_dollars=cost, boards=boards, rank=rank, why=why)
    return reason(choice, rank, asked(task), Optimization.BALANCED, Comparison(0, 0, 0, highest))


def test_the_examples_hold() -> None:
    assert doctest.testmod(reasons).failed == 0


def test_the_winner_the_runner_up_and_a_free_model() -> None:
    opening = "Best balance of price and quality for this text prompt: 90% likely to answer well"

    assert sentence(0.01) == f"{opening} at $0.010, 100 times less than the dearest candidate."
    assert sentence(0.9) == f"{opening} at $0.90."
    assert sentence(1e-8) == f"{opening} at $0.000000010, over 1,000,000 times less than the dearest candidate."
    assert sentence(0.0) == f"{opening}, free of charge."
    assert sentence(0.9, rank=2) == "Number 3 for this text prompt: 90% likely to answer well at $0.90."


def test_a_guess_is_called_one() -> None:
    assert "likely to answer well, judging by its price and family alone, free of charge." in sentence(0.0, boards=0)


def test_a_conversation_that_stays_and_a_wish_that_decides_say_so() -> None:
    assert sentence(0.9, why=Why.STAYS) == (
        "Stays with the model that answered before, as its provider may still hold this conversation in cache, "
        "for this text prompt: 90% likely to answer well at $0.90."
    )
    assert sentence(0.9, why=Why.PREFERRED).startswith("First by the provider preferences for this text prompt: ")
    assert sentence(0.9, why=Why.ELSEWHERE, rank=2).startswith(
        "Best at another provider, should the first one be out of reach, for this text prompt: "
    )


def test_nothing_is_certain() -> None:
    assert "99% likely" in sentence(1.0, quality=1.0)


def test_a_task_is_named_in_words() -> None:
    assert "for this web search prompt" in sentence(1.0, task=Task.WEB_SEARCH)


@settings(deadline=None)
@given(
    st.floats(0, 1e5), st.floats(0, 1e9), st.floats(0, 1), st.integers(0, 19), st.integers(0, 9), st.sampled_from(Task),
    st.sampled_from(Why),
)  # fmt: skip
def test_every_sentence_can_be_read(
    cost: float, highest: float, quality: float, rank: int, boards: int, task: Task, why: Why
) -> None:
    said = sentence(cost, highest, quality, rank, boards, task, why)

    assert said[0].isupper()
    assert said.endswith(".")
    assert ". " not in said
    assert "  " not in said
    assert not re.search(r"\de[-+]?\d|nan|inf\b|_|\$-|at \$0[, ]", said), said
    assert len(said) < 300


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "$0"),
        (1.2e-9, "$0.0000000012"),
        (5e-324, "$0"),
        (0.000012345, "$0.000012"),
        (0.00996, "$0.0100"),
        (0.05, "$0.050"),
        (0.999, "$1.00"),
        (1, "$1.00"),
        (1234.5, "$1,234.50"),
        (-0.5, "$0"),
    ],
)
def test_dollars(amount: float, written: str) -> None:
    assert dollars(amount) == written


@settings(deadline=None)
@given(st.floats(0, 1e12))
def test_dollars_are_near_the_amount(amount: float) -> None:
    assert float(dollars(amount).lstrip("$").replace(",", "")) == pytest.approx(amount, rel=0.051, abs=1e-12)


@pytest.mark.parametrize(
    ("optimization", "points"), [("price-optimized", "20"), ("balanced", "6"), ("output-optimized", "0.3")]
)
def test_the_trade_off_is_told(optimization: str, points: str) -> None:
    said = f"a model ten times dearer must be {points} points likelier to answer well"

    assert trade_off(Optimization(optimization)) == said
