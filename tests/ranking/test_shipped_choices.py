"""What is chosen from the catalog that ships: choices an analyst would sign, whoever is reachable."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from greatrouter_catalog import facts, snapshot
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.profile import profile
from greatrouter_ranking.quality import abilities
from greatrouter_ranking.ranker import Optimization, Ranker, Ranking
from tests.ranking.made_up import classified

SHIPPED = Path(__file__).parents[2] / "data" / "catalog"
PROMPT = "Please help me with this small question about my work. " * 4
EASY, MEDIUM, HARD = 0.1, 0.45, 0.85
COMPLEXITIES = (EASY, MEDIUM, HARD)
REACHABLE = {
    "everything": None,
    "what is paid for": None,
    "first parties": {"openai", "anthropic", "google", "mistral", "deepseek", "xai", "cohere", "groq", "voyage"},
    "one gateway": {"openrouter"},
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog.open(snapshot.write(facts.load(SHIPPED), tmp_path_factory.mktemp("catalog")))


@pytest.fixture(scope="module")
def rankers(catalog: Catalog) -> dict[str, Ranker]:
    arrays = catalog.arrays
    measured = abilities(arrays, catalog.scores)
    paid = arrays.price.any(axis=1)

    def reachable(name: str, providers: set[str] | None) -> Any:
        if providers is None:
            return np.ones(len(catalog), dtype=np.bool_) if name == "everything" else paid
        return np.array([arrays.providers[code] in providers for code in arrays.provider], dtype=np.bool_)

    return {name: Ranker(arrays, measured, reachable(name, providers)) for name, providers in REACHABLE.items()}


def ranked(
    ranker: Ranker, task: Task, complexity: float, optimization: Optimization, input_: dict[str, Any] | None = None,
    mode: ContentMode = ContentMode.GENERATE,
) -> Ranking:  # fmt: skip
    return ranker.rank(profile(classified(task, complexity, mode), PROMPT, input_ or {}), optimization, 10)


def models(catalog: Catalog, ranking: Ranking) -> list[Model]:
    return [catalog.model(choice.row) for choice in ranking.choices]


def best_quality(ranker: Ranker, task: Task, complexity: float) -> float:
    return max(choice.quality for choice in ranked(ranker, task, complexity, Optimization.OUTPUT).choices)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("optimization", list(Optimization))
def test_every_task_has_a_choice(rankers: dict[str, Ranker], task: Task, optimization: Optimization) -> None:
    for complexity in COMPLEXITIES:
        assert ranked(rankers["everything"], task, complexity, optimization).choices


@pytest.mark.parametrize("who", REACHABLE)
@pytest.mark.parametrize("task", [Task.TEXT, Task.CODE])
def test_an_easy_prompt_goes_to_a_cheap_good_model_that_is_measured(
    rankers: dict[str, Ranker], who: str, task: Task
) -> None:
    choice = ranked(rankers[who], task, EASY, Optimization.BALANCED).choices[0]

    assert choice.boards >= 3
    assert choice.quality > 0.95
    assert choice.cost_dollars < 0.0005


@pytest.mark.parametrize("who", REACHABLE)
@pytest.mark.parametrize("task", [Task.TEXT, Task.CODE, Task.WEB_SEARCH])
@pytest.mark.parametrize("complexity", [MEDIUM, HARD])
def test_output_optimized_gives_one_of_the_strongest(
    rankers: dict[str, Ranker], who: str, task: Task, complexity: float
) -> None:
    choice = ranked(rankers[who], task, complexity, Optimization.OUTPUT).choices[0]

    assert choice.quality > best_quality(rankers[who], task, complexity) - 0.012
    assert choice.boards >= 3


@pytest.mark.parametrize("who", REACHABLE)
@pytest.mark.parametrize("task", [Task.TEXT, Task.CODE])
def test_the_goals_differ_on_a_hard_prompt(rankers: dict[str, Ranker], who: str, task: Task) -> None:
    by_goal = [ranked(rankers[who], task, HARD, goal).choices[0] for goal in Optimization]

    assert [c.cost_dollars for c in by_goal] == sorted(c.cost_dollars for c in by_goal)
    assert [c.quality for c in by_goal] == sorted(c.quality for c in by_goal)
    assert by_goal[0].cost_dollars < by_goal[2].cost_dollars / 10


# Not web search: there the fees that no feed lists are weighed as well.
@pytest.mark.parametrize(
    "task", [Task.TEXT, Task.CODE, Task.IMAGE, Task.VIDEO, Task.SPEECH, Task.RERANK, Task.EMBEDDINGS]
)
@pytest.mark.parametrize("optimization", list(Optimization))
def test_no_winner_is_dreadful_beside_one_that_costs_a_tenth_more(
    rankers: dict[str, Ranker], task: Task, optimization: Optimization
) -> None:
    for name in ("everything", "what is paid for"):
        for complexity in COMPLEXITIES:
            winner, *others = ranked(rankers[name], task, complexity, optimization).choices

            affordable = [choice.quality for choice in others if choice.cost_dollars <= 1.1 * winner.cost_dollars]
            assert winner.quality >= max(affordable, default=0.0) - 0.02


@pytest.mark.parametrize("task", [Task.TEXT, Task.CODE, Task.IMAGE, Task.EMBEDDINGS])
@pytest.mark.parametrize("complexity", [MEDIUM, HARD])
@pytest.mark.parametrize("optimization", list(Optimization))
def test_a_model_nobody_measured_does_not_win(
    rankers: dict[str, Ranker], task: Task, complexity: float, optimization: Optimization
) -> None:
    for name in ("everything", "what is paid for"):
        assert ranked(rankers[name], task, complexity, optimization).choices[0].boards > 0


@pytest.mark.parametrize("optimization", list(Optimization))
def test_only_models_that_edit_are_given_a_picture_to_edit(
    catalog: Catalog, rankers: dict[str, Ranker], optimization: Optimization
) -> None:
    picture = {"image_url": "https://example.org/a.png"}
    chosen = models(catalog, ranked(rankers["everything"], Task.IMAGE, EASY, optimization, picture, ContentMode.EDIT))

    assert len(chosen) == 10
    assert all("image_edit" in model.capabilities for model in chosen)


@pytest.mark.parametrize("optimization", list(Optimization))
def test_only_models_that_listen_transcribe_and_only_models_that_speak_speak(
    catalog: Catalog, rankers: dict[str, Ranker], optimization: Optimization
) -> None:
    heard = models(catalog, ranked(rankers["everything"], Task.SPEECH, EASY, optimization, {"file": "meeting.wav"}))
    spoken = models(catalog, ranked(rankers["everything"], Task.SPEECH, EASY, optimization))

    assert {model.task_type for model in heard} == {"speech_to_text"}
    assert {model.task_type for model in spoken} == {"text_to_speech"}


def test_a_picture_in_a_message_goes_to_a_model_that_sees(catalog: Catalog, rankers: dict[str, Ranker]) -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]}
    chosen = models(
        catalog, ranked(rankers["everything"], Task.TEXT, EASY, Optimization.BALANCED, {"messages": [message]})
    )

    assert all("image" in model.input_modalities or "vision" in model.capabilities for model in chosen)


def test_a_long_prompt_goes_to_a_model_that_holds_it(catalog: Catalog, rankers: dict[str, Ranker]) -> None:
    messages = [{"role": "user", "content": "word " * 320_000}]  # 400,000 tokens
    ranking = ranked(rankers["everything"], Task.TEXT, EASY, Optimization.PRICE, {"messages": messages})

    assert all((model.context_window or 0) >= 460_000 for model in models(catalog, ranking))
    assert len(ranking.choices) == 10
