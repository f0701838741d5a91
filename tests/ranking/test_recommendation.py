"""What fits a described need, on made-up choices and wishes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_catalog.wish import Wish
from greatrouter_ranking.choice import Choice
from greatrouter_ranking.recommendation import Recommendation, reason, recommend

ROWS = 12
SHARES = st.floats(0, 1)
UTILITIES = st.lists(SHARES, min_size=1, max_size=ROWS)
WISHES = st.lists(
    st.builds(
        Wish,
        text=st.sampled_from(["reads PDF", "is cheap", "is fast"]),
        weight=SHARES,
        met=st.lists(SHARES, min_size=ROWS, max_size=ROWS).map(np.array),
    ),
    max_size=4,
)


def choices(utilities: list[float]) -> list[Choice]:
    """At the catalog's rows from the last one backwards, so that place and row differ."""
    return [Choice(ROWS - 1 - i, score, 0.9, 0.01, boards=3, rank=i) for i, score in enumerate(utilities)]


def wish(*met: float, weight: float = 1.0, text: str = "reads PDF") -> Wish:
    return Wish(text, weight, np.array(met))


@given(UTILITIES, WISHES, st.integers(0, ROWS + 3))
def test_each_choice_stands_there_once_best_first_up_to_the_limit(
    utilities: list[float], wishes: list[Wish], limit: int
) -> None:
    given_ = choices(utilities)
    found = recommend(given_, wishes, limit)
    assert len(found) == min(limit, len(given_))
    assert {one.choice for one in recommend(given_, wishes, ROWS)} == set(given_)
    assert found == recommend(given_, wishes, ROWS)[:limit]
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-12 for score in scores)


def score_of(found: list[Recommendation], row: int) -> float:
    return next(one.score for one in found if one.choice.row == row)


def place_of(found: list[Recommendation], row: int) -> int:
    return next(i for i, one in enumerate(found) if one.choice.row == row)


@given(UTILITIES, WISHES, st.data())
def test_whoever_meets_more_never_stands_lower(utilities: list[float], wishes: list[Wish], data: st.DataObject) -> None:
    given_ = choices(utilities)
    chosen = data.draw(st.sampled_from(given_)).row
    rows = [choice.row for choice in given_]
    asked = [one for one in wishes if one.met[rows].any()]
    if not asked:
        return
    raised = asked[0].met.copy()
    raised[chosen] = max(raised[chosen], data.draw(SHARES))
    before = recommend(given_, asked, ROWS)
    after = recommend(given_, [Wish(asked[0].text, asked[0].weight, raised), *asked[1:]], ROWS)
    assert score_of(after, chosen) >= score_of(before, chosen) - 1e-12
    assert place_of(after, chosen) <= place_of(before, chosen)


@given(UTILITIES, WISHES, st.data())
def test_whoever_is_better_or_cheaper_never_stands_lower(
    utilities: list[float], wishes: list[Wish], data: st.DataObject
) -> None:
    i = data.draw(st.integers(0, len(utilities) - 1))
    raised = [*utilities]
    raised[i] = max(raised[i], data.draw(SHARES))
    row = ROWS - 1 - i
    before, after = recommend(choices(utilities), wishes, ROWS), recommend(choices(raised), wishes, ROWS)
    assert place_of(after, row) <= place_of(before, row)


@given(UTILITIES)
def test_who_asks_for_nothing_gets_the_ranking_as_it_is(utilities: list[float]) -> None:
    ranked = choices(sorted(utilities, reverse=True))
    found = recommend(ranked, [wish(*[0.0] * ROWS)], ROWS)
    assert [one.choice for one in found] == ranked
    assert [one.score for one in found] == [choice.score for choice in ranked]
    assert all(one.meets == one.lacks == () for one in found)


def test_a_sure_wish_outweighs_a_somewhat_better_model_and_a_faint_one_does_not() -> None:
    ranked = [Choice(0, 0.95, 0.99, 0.01), Choice(1, 0.85, 0.9, 0.01)]
    assert [one.choice.row for one in recommend(ranked, [wish(0, 1)], 2)] == [1, 0]
    assert [one.choice.row for one in recommend(ranked, [wish(0, 1, weight=0.05)], 2)] == [0, 1]


def test_what_must_be_met_rules_out_the_others_as_far_as_anything_is_left() -> None:
    ranked = choices([0.9, 0.8, 0.7])  # rows 11, 10, 9
    must = Wish("not anthropic", 1.0, np.isin(np.arange(ROWS), [9, 10]).astype(float), must=True)
    assert [one.choice.row for one in recommend(ranked, [must], ROWS)] == [10, 9]
    impossible = Wish("not a model", 1.0, np.zeros(ROWS), must=True)
    contrary = Wish("of anthropic", 1.0, 1 - must.met, must=True)
    assert [one.choice.row for one in recommend(ranked, [must, impossible, contrary], ROWS)] == [10, 9]


@pytest.mark.parametrize(
    ("meets", "lacks", "words"),
    [
        (("reads PDF",), (), "Has what was asked for (reads PDF) and is"),
        (("reads PDF",), ("cheap",), "Has part of what was asked for (reads PDF; not known of it: cheap) and is"),
        ((), ("cheap",), "Is not known to have what was asked for (cheap) but is"),
    ],
)
def test_the_reason_says_what_is_there_and_what_is_not(
    meets: tuple[str, ...], lacks: tuple[str, ...], words: str
) -> None:
    said = reason(Recommendation(Choice(0, 0.9, 0.93, 0.00012), 0.9, meets, lacks))
    assert said.startswith(words)
    assert said.endswith("93% likely to answer well, judging by its price and family alone at $0.00012.")


def test_what_costs_nothing_is_called_free() -> None:
    assert reason(Recommendation(Choice(0, 0.9, 1.0, 0.0, boards=1), 0.9, ("reads PDF",))).endswith(
        "99% likely to answer well, free of charge."
    )
