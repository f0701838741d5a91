"""Abilities from boards: which boards are believed, and what stands in where there are none."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog.arrays import TASKS
from greatrouter_ranking.quality import Abilities, abilities
from tests.ranking.made_up import Endpoint, arrays, tokens

SCHEMA = {"canonical": pl.String, "board": pl.String, "task": pl.String, "score": pl.Float64}
TEN = [f"m{i:02}" for i in range(10)]
RISING = dict(zip(TEN, range(1000, 1100, 10), strict=True))  # m00 is the weakest, m09 the strongest


def scores(*boards: tuple[str, str, Mapping[str, float | None]]) -> pl.DataFrame:
    rows = [(model, board, task, score) for board, task, listed in boards for model, score in listed.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def endpoints(models: Sequence[str], *, task: str = "text", price: float = 1.0) -> list[Endpoint]:
    """Each model in a family of its own, all at one price."""
    return [Endpoint(m, prices=tokens(price), tasks=(task,), family=f"llm/maker--{m}") for m in models]


def able(found: Abilities, catalog: Sequence[Endpoint], task: str = "text") -> dict[str, float]:
    names = arrays(catalog).canonicals
    return {name: float(found.value[i, TASKS.index(task)]) for i, name in enumerate(names)}


def judged(catalog: Sequence[Endpoint], board_rows: pl.DataFrame, task: str = "text") -> dict[str, float]:
    return able(abilities(arrays(catalog), board_rows), catalog, task)


def test_high_scores_beat_low_ones() -> None:
    found = judged(endpoints(TEN), scores(("arena-text", "text", RISING)))

    assert sorted(found, key=found.__getitem__) == TEN
    assert abs(np.mean(list(found.values()))) < 0.01
    assert 0.5 < np.std(list(found.values())) <= 1.0


def test_the_scale_of_a_board_does_not_matter() -> None:
    percent = {model: (score - 1000) / 200 for model, score in RISING.items()}

    assert judged(endpoints(TEN), scores(("arena-text", "text", percent))) == pytest.approx(
        judged(endpoints(TEN), scores(("arena-text", "text", RISING)))
    )


def test_a_board_of_another_scale_is_mapped_onto_the_anchor() -> None:
    once = judged(endpoints(TEN), scores(("arena-text", "text", RISING)))
    percent = {model: 0.1 * score for model, score in RISING.items()}
    twice = judged(endpoints(TEN), scores(("arena-text", "text", RISING), ("percent", "text", percent)))

    assert sorted(twice, key=twice.__getitem__) == TEN
    assert twice["m09"] > once["m09"]  # two boards that agree weigh more against the prior
    assert twice["m00"] < once["m00"]


def test_a_board_reversed_in_sign_is_ignored() -> None:
    errors = {model: -score for model, score in RISING.items()}
    table = arrays(endpoints(TEN))
    alone = abilities(table, scores(("arena-text", "text", RISING)))
    both = abilities(table, scores(("arena-text", "text", RISING), ("error-rate", "text", errors)))

    assert np.array_equal(both.value, alone.value)
    assert np.array_equal(both.boards, alone.boards)


@pytest.mark.parametrize(
    "other",
    [
        dict.fromkeys(TEN, 50.0),  # says nothing
        {model: RISING[model] for model in TEN[:7]},  # shares too few models
        dict(zip(TEN, (5, 1, 4, 2, 3, 3, 2, 4, 1, 5), strict=True)),  # agrees with nobody
    ],
)
def test_a_board_that_cannot_be_mapped_is_ignored(other: dict[str, float]) -> None:
    table = arrays(endpoints(TEN))
    alone = abilities(table, scores(("arena-text", "text", RISING)))

    assert np.array_equal(
        abilities(table, scores(("arena-text", "text", RISING), ("other", "text", other))).value, alone.value
    )


def test_code_and_text_borrow_from_each_other_at_half_weight() -> None:
    swapped = RISING | {"m04": RISING["m05"], "m05": RISING["m04"]}
    found = abilities(
        arrays(endpoints(TEN, task="code")), scores(("arena-text", "text", RISING), ("coding", "code", swapped))
    )
    by_code = able(found, endpoints(TEN, task="code"), "code")

    assert by_code["m04"] > by_code["m05"]  # the code board weighs twice the text board
    assert set(found.boards[:, TASKS.index("code")]) == {2}


def test_image_does_not_borrow_from_text() -> None:
    found = abilities(arrays(endpoints(TEN, task="image")), scores(("arena-text", "text", RISING)))

    assert not found.boards.any()


def test_a_model_on_more_boards_is_shrunk_less() -> None:
    half = {model: RISING[model] for model in (*TEN[:8], "m09")}
    found = judged(
        endpoints(TEN), scores(("arena-text", "text", RISING | {"m08": RISING["m09"]}), ("second", "text", half))
    )

    assert found["m09"] > found["m08"]  # the same score on the first board; the second confirms one of them


def test_a_family_lends_its_standing_to_a_member_nobody_measured() -> None:
    catalog = [
        *endpoints(TEN),
        Endpoint("m09-mini", prices=tokens(1), family="llm/maker--m09"),
        Endpoint("m00-mini", prices=tokens(1), family="llm/maker--m00"),
        Endpoint("stranger", prices=tokens(1), family="llm/nobody--stranger"),
    ]
    found = judged(catalog, scores(("arena-text", "text", RISING)))

    assert found["m09"] > found["m09-mini"] > found["m00-mini"]
    assert found["m09-mini"] > found["stranger"]


def test_an_unmeasured_model_is_below_the_average_of_its_price() -> None:
    catalog = [*endpoints(TEN), *endpoints(["stranger"])]
    found = judged(catalog, scores(("arena-text", "text", RISING)))

    assert found["stranger"] < np.mean([found[model] for model in TEN]) - 0.5


def test_a_high_price_does_not_lift_a_model_above_its_best_measured_relative() -> None:
    catalog = [Endpoint(m, prices=tokens(10.0**i), family=f"llm/maker--{m}") for i, m in enumerate(TEN)]
    catalog.append(Endpoint("m03-reseller", prices=tokens(1e9), family="llm/maker--m03"))
    found = judged(catalog, scores(("arena-text", "text", RISING)))

    assert found["m03-reseller"] < found["m03"]


def test_a_single_price_that_is_wrong_by_a_million_changes_nothing() -> None:
    three = [Endpoint("stranger", provider, tokens(1), family="llm/a--b") for provider in ("a", "b", "c")]
    wrong = [*three[:2], Endpoint("stranger", "c", tokens(1e6), family="llm/a--b")]
    board_rows = scores(("arena-text", "text", RISING))

    assert judged([*endpoints(TEN), *wrong], board_rows) == judged([*endpoints(TEN), *three], board_rows)


def test_where_dearer_is_better_price_is_a_prior() -> None:
    catalog = [Endpoint(m, prices=tokens(10.0 ** (i / 5)), family=f"llm/maker--{m}") for i, m in enumerate(TEN)]
    catalog += [
        Endpoint("cheap", prices=tokens(1.5), family="llm/x--cheap"),
        Endpoint("dear", prices=tokens(40), family="llm/x--dear"),
    ]
    found = judged(catalog, scores(("arena-text", "text", RISING)))

    assert found["dear"] > found["cheap"]


def test_a_steep_line_through_few_prices_is_not_believed() -> None:
    catalog = [Endpoint(m, prices=tokens(1 + i / 10), family=f"llm/maker--{m}") for i, m in enumerate(TEN)]
    catalog += [
        Endpoint("cheap", prices=tokens(1), family="llm/x--cheap"),
        Endpoint("dear", prices=tokens(2), family="llm/x--dear"),
    ]
    found = judged(catalog, scores(("arena-text", "text", RISING)))

    assert 0 < found["dear"] - found["cheap"] < np.log10(2)  # the line itself climbs 2.9 from 1.0 to 1.9


def test_where_dearer_is_worse_price_says_nothing() -> None:
    catalog = [Endpoint(m, prices=tokens(10.0 ** (-i / 5)), family=f"llm/maker--{m}") for i, m in enumerate(TEN)]
    catalog += [
        Endpoint("cheap", prices=tokens(0.1), family="llm/x--cheap"),
        Endpoint("dear", prices=tokens(1), family="llm/x--dear"),
    ]
    found = judged(catalog, scores(("arena-text", "text", RISING)))

    assert found["dear"] == pytest.approx(found["cheap"])
    assert found["cheap"] == pytest.approx(np.mean([found[m] for m in TEN]) - 0.9, abs=0.01)


def test_nobody_measured() -> None:
    catalog = [*endpoints(["cheap"], price=0.1), *endpoints(["dear"], price=10), *endpoints(["free"], price=0)]
    found = abilities(arrays(catalog), scores())
    by_model = able(found, catalog)

    assert not found.boards.any()
    assert by_model["dear"] > by_model["cheap"] >= by_model["free"]
    assert by_model["dear"] - by_model["free"] < 0.25  # a guess: no balanced choice pays ten times the price for it


def test_only_free_models_that_nobody_measured() -> None:
    assert set(judged(endpoints(TEN, price=0), scores()).values()) == {1.0}


@pytest.mark.parametrize("listed", [{}, {"m00": 1.0}, dict.fromkeys(TEN, 1.0), {"elsewhere": 3.0}])
def test_a_board_that_measures_nobody(listed: dict[str, float]) -> None:
    found = abilities(arrays(endpoints(TEN)), scores(("arena-text", "text", listed)))

    assert not found.boards.any()
    assert np.isfinite(found.value).all()


def test_scores_that_are_no_numbers_are_ignored() -> None:
    clean = judged(endpoints(TEN), scores(("arena-text", "text", {m: s for m, s in RISING.items() if m != "m03"})))
    for bad in (None, np.nan, np.inf, -np.inf):
        assert judged(endpoints(TEN), scores(("arena-text", "text", RISING | {"m03": bad}))) == clean


def test_an_empty_catalog() -> None:
    assert abilities(arrays([]), scores(("arena-text", "text", RISING))).value.shape == (0, len(TASKS))


def test_the_most_populated_board_stands_in_for_a_missing_anchor() -> None:
    found = judged(endpoints(TEN, task="rerank"), scores(("mteb-reranking", "rerank", RISING)), "rerank")

    assert sorted(found, key=found.__getitem__) == TEN


prices = st.sampled_from([0.0, 0.1, 1.0, 30.0])
points = st.floats(-1e3, 1e3)


@settings(deadline=None)
@given(st.lists(points, min_size=10, max_size=10), st.data())
def test_at_least_as_good_on_every_board_is_at_least_as_able(first: list[float], data: st.DataObject) -> None:
    """Of two models of one family and price, listed on the same boards."""
    more = data.draw(st.lists(st.floats(0, 100), min_size=2, max_size=2))
    second = data.draw(st.lists(points, min_size=10, max_size=10))
    lists = [dict(zip(TEN, board, strict=True)) for board in (first, second)]
    for board, extra in zip(lists, more, strict=True):
        board["m01"] = board["m00"] + extra
    family = {m: "llm/maker--twins" if m in {"m00", "m01"} else f"llm/maker--{m}" for m in TEN}
    catalog = [Endpoint(m, prices=tokens(1), family=family[m]) for m in TEN]

    found = judged(catalog, scores(("arena-text", "text", lists[0]), ("second", "text", lists[1])))

    assert found["m01"] >= found["m00"] - 1e-9


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(TEN), prices, st.sampled_from(["a", "b"]), st.sampled_from(TASKS)), max_size=20),
    st.lists(
        st.tuples(st.sampled_from(["arena-text", "b1", "b2"]), st.sampled_from(TASKS), st.sampled_from(TEN), points)
    ),
)
def test_abilities_are_always_numbers_and_the_same_for_the_same_catalog(
    rows: list[tuple[str, float, str, str]], board_rows: list[tuple[str, str, str, float]]
) -> None:
    catalog = [Endpoint(m, prices=tokens(p), family=f"llm/x--{f}", tasks=(t,)) for m, p, f, t in rows]
    frame = pl.DataFrame([(m, b, t, s) for b, t, m, s in board_rows], schema=SCHEMA, orient="row")

    found = abilities(arrays(catalog), frame)

    assert np.isfinite(found.value).all()
    again = abilities(arrays(catalog[::-1]), frame)
    assert np.allclose(again.value, found.value, atol=1e-9)
