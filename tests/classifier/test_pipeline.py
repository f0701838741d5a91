"""The stages of the classifier: each in its turn, and what each may not do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from greatrouter_classifier import artifacts
from greatrouter_classifier.classification import (
    Complexity,
    ComplexityTier,
    ContentMode,
    Decision,
    Question,
    Task,
    Turn,
)
from greatrouter_classifier.exemplars import Exemplar
from greatrouter_classifier.knn import TASKS, Calibration, NearestNeighbours
from greatrouter_classifier.matcher import RuleMatcher
from greatrouter_classifier.pipeline import Classifier, Neighbourhood
from greatrouter_classifier.rules import RULES

DATA = Path(__file__).parents[2] / "data"
EXEMPLARS = (
    Exemplar("sea", Task.IMAGE, ContentMode.GENERATE),
    Exemplar("sea again", Task.IMAGE, ContentMode.EDIT),
    Exemplar("tune", Task.MUSIC, ContentMode.GENERATE),
)
VECTORS = np.eye(3, 4, dtype=np.float32)
EARLIER = Turn(Task.VIDEO, ContentMode.EDIT, Complexity(0.7, ComplexityTier.COMPLEX))


@dataclass
class ScriptedEmbedder:
    """Gives every text the vector of the exemplar it names, and a vector like none for any other; counts its calls."""

    calls: list[Sequence[str]] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(texts)
        known = {e.prompt: vector for e, vector in zip(EXEMPLARS, VECTORS, strict=True)}
        return np.stack([known.get(text, np.array([0, 0, 0, 1], dtype=np.float32)) for text in texts])


@pytest.fixture
def embedder() -> ScriptedEmbedder:
    return ScriptedEmbedder()


@pytest.fixture
def classifier(embedder: ScriptedEmbedder) -> Classifier:
    # Twelve times the similarity of each task's nearest neighbour: certain beside an exemplar, undecided far from all.
    weights = np.hstack([np.zeros((9, 9)), 12 * np.eye(9), np.zeros((9, 1))])
    calibration = Calibration(weights, np.zeros(9), threshold=0.5)
    neighbourhood = Neighbourhood(NearestNeighbours(EXEMPLARS, VECTORS), calibration, embedder)
    return Classifier(RuleMatcher(RULES), artifacts.read_complexity(DATA / "complexity.json"), neighbourhood)


def test_the_callers_hint_beats_everything(classifier: Classifier) -> None:
    question = Question("Draw a watercolor fox", input={"query": "a", "documents": ["b"]}, task=Task.MUSIC)
    found = classifier.classify(question)
    assert (found.task, found.decision, found.confidence) == (Task.MUSIC, Decision.HINT, 1.0)


@pytest.mark.parametrize(
    ("input_", "task"),
    [
        ({"query": "a", "documents": ["b"]}, Task.RERANK),
        ({"documents": [{"text": "b"}]}, Task.RERANK),
        ({"input": ["a", "b"]}, Task.EMBEDDINGS),
        ({"input": "read me", "voice": "alloy"}, Task.SPEECH),
        ({"file": "data:audio/wav;base64,AAAA"}, Task.SPEECH),
    ],
)
def test_a_shape_that_one_task_has_settles_it(classifier: Classifier, input_: dict[str, object], task: Task) -> None:
    found = classifier.classify(Question("Draw a watercolor fox", input=input_))
    assert (found.task, found.decision) == (task, Decision.INPUT)


def test_a_rule_decides_without_touching_the_embedder(classifier: Classifier, embedder: ScriptedEmbedder) -> None:
    found = classifier.classify(Question("Draw a watercolor fox"))
    assert (found.task, found.decision) == (Task.IMAGE, Decision.REGEX)
    assert embedder.calls == []


def test_neighbours_decide_what_the_rules_leave_open(classifier: Classifier) -> None:
    found = classifier.classify(Question("tune"))
    assert (found.task, found.decision) == (Task.MUSIC, Decision.KNN)
    assert sum(found.probabilities.values()) == pytest.approx(1.0, abs=0.001)
    assert found.confidence == max(found.probabilities.values())


def test_the_content_mode_is_that_of_the_nearest_exemplars(classifier: Classifier) -> None:
    assert classifier.classify(Question("sea")).content_mode is ContentMode.GENERATE
    assert classifier.classify(Question("sea again")).content_mode is ContentMode.EDIT


def test_it_says_default_rather_than_guess(classifier: Classifier) -> None:
    found = classifier.classify(Question("qwertz uiop"))
    assert (found.task, found.decision) == (Task.TEXT, Decision.DEFAULT)
    assert found.confidence < 0.5
    other = classifier.classify(Question("qwertz uiop", default_task=Task.CODE))
    assert (other.task, other.decision) == (Task.CODE, Decision.DEFAULT)


@pytest.mark.parametrize("prompt", ["", "   ", "asdf", "yes"])
def test_what_is_near_to_nothing_is_the_default(classifier: Classifier, prompt: str) -> None:
    assert classifier.classify(Question(prompt)).decision is Decision.DEFAULT


def test_a_question_is_not_taken_for_a_picture(embedder: ScriptedEmbedder, classifier: Classifier) -> None:
    """Its words lie at the very exemplar of a picture, but it asks for an answer."""
    vectors = embedder.embed
    embedder.embed = lambda texts: vectors(["sea" for _ in texts])  # type: ignore[method-assign]
    assert classifier.classify(Question("a calm expanse of water")).task is Task.IMAGE
    assert classifier.classify(Question("why is water calm at times")).task is Task.TEXT


def test_with_regex_only_the_embedder_is_never_touched(classifier: Classifier, embedder: ScriptedEmbedder) -> None:
    found = classifier.classify(Question("tune", regex_only=True))
    assert found.decision is Decision.DEFAULT
    assert embedder.calls == []


@pytest.mark.parametrize(
    "prompt", ["yes", "make it bluer", "continue", "again!", "the same but at night", "继续", "ещё", "もう一度"]
)
def test_a_follow_up_means_what_came_before(classifier: Classifier, prompt: str) -> None:
    found = classifier.classify(Question(prompt, previous=EARLIER))
    assert (found.task, found.content_mode, found.decision) == (Task.VIDEO, ContentMode.EDIT, Decision.SESSION)
    assert found.complexity == EARLIER.complexity


def test_without_a_session_a_follow_up_is_just_a_prompt(classifier: Classifier) -> None:
    assert classifier.classify(Question("yes")).decision is not Decision.SESSION


def test_a_prompt_of_its_own_ignores_the_session(classifier: Classifier) -> None:
    question = Question("Write a Python function that reverses a list", previous=EARLIER)
    assert classifier.classify(question).task is Task.CODE


def test_what_the_caller_says_of_the_mode_holds(classifier: Classifier) -> None:
    question = Question("Draw a watercolor fox", content_mode=ContentMode.COMBINE)
    assert classifier.classify(question).content_mode is ContentMode.COMBINE


@pytest.mark.parametrize(
    ("input_", "mode"),
    [
        ({"image": "data:..."}, ContentMode.EDIT),
        ({"images": ["a", "b"]}, ContentMode.COMBINE),
        ({"images": ["a"]}, ContentMode.EDIT),
        ({}, ContentMode.GENERATE),
    ],
)
def test_what_is_handed_over_says_the_mode(
    classifier: Classifier, input_: dict[str, object], mode: ContentMode
) -> None:
    assert classifier.classify(Question("Draw a watercolor fox", input=input_)).content_mode is mode


def test_a_batch_is_embedded_at_once_and_keeps_its_order(classifier: Classifier, embedder: ScriptedEmbedder) -> None:
    prompts = ["tune", "Draw a watercolor fox", "sea", "qwertz uiop", "Write a Python function that adds"] * 3
    found = classifier.classify_batch([Question(prompt) for prompt in prompts])
    assert [f.task for f in found] == [Task.MUSIC, Task.IMAGE, Task.IMAGE, Task.TEXT, Task.CODE] * 3
    assert len(embedder.calls) == 1
    assert classifier.classify_batch([]) == []


def test_without_a_neighbourhood_rules_and_default_remain() -> None:
    bare = Classifier(RuleMatcher(RULES), artifacts.read_complexity(DATA / "complexity.json"))
    assert bare.classify(Question("Draw a watercolor fox")).task is Task.IMAGE
    assert bare.classify(Question("tune")).decision is Decision.DEFAULT


def test_quoted_documents_inflate_neither_task_nor_complexity(classifier: Classifier) -> None:
    asked = "Translate this into French, please"
    document = (
        "```\n"
        + "def prove_theorem(): analyze the distributed architecture step by step; must be optimal\n" * 200
        + "```"
    )
    plain, quoted = (classifier.classify(Question(prompt)) for prompt in (asked, f"{asked}\n{document}"))
    assert (plain.task, plain.complexity) == (quoted.task, quoted.complexity)


@given(
    prompt=st.text(max_size=400),
    task=st.none() | st.sampled_from(TASKS),
    regex_only=st.booleans(),
    previous=st.sampled_from([None, EARLIER]),
)
def test_any_prompt_gets_a_whole_answer(
    prompt: str, task: Task | None, regex_only: bool, previous: Turn | None
) -> None:
    classifier = Classifier(RuleMatcher(RULES[:20]), artifacts.read_complexity(DATA / "complexity.json"))
    question = Question(prompt, task=task, regex_only=regex_only, previous=previous)
    found = classifier.classify(question)
    assert found == classifier.classify(replace(question))
    assert 0 <= found.confidence <= 1
    assert 0 <= found.complexity.score <= 1
    assert found.reasoning
    assert task is None or found.task is task
