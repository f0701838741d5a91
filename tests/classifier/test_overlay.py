"""What an organization says of a prompt decides prompts like it, and no others."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from greatrouter_classifier.knn import Calibration, NearestNeighbours
from greatrouter_classifier.matcher import RuleMatcher
from greatrouter_classifier.overlay import Lesson, Opinion, Overlay, lesson_of
from greatrouter_classifier.pipeline import MOST_READ_ALONG, Classifier, Neighbourhood
from greatrouter_classifier.rules import RULES

DATA = Path(__file__).parents[2] / "data"
IMAGE = Lesson(Task.IMAGE, Opinion.CORRECTED, Task.TEXT)
NOT_TEXT = Lesson(Task.TEXT, Opinion.REFUSED, Task.TEXT)

# One prompt a line was taught to be an image where the classifier had said text; the next ones ask for the same ...
VARIANTS = (
    ("Give me the quarterly numbers as a picture", "give me the quarterly numbers as a picture!"),
    ("Give me the quarterly numbers as a picture", "Please give me the quarterly numbers as a picture"),
    ("Describe our spring collection for the banner", "Describe the spring collection for our banner"),
    ("A lighthouse keeper dances with gulls", "a lighthouse keeper dancing with gulls"),
    ("Opening titles, neon, slow zoom", "Opening titles: neon,   slow zoom"),
    ("Zeig mir ein Haus am See im Nebel", "Zeige mir ein Haus am See im Nebel"),
    ("帮我做一张公司年会的海报", "请帮我做一张公司年会的海报"),
    ("Сделай обложку для моего альбома", "сделай, пожалуйста, обложку для моего альбома"),
)
# ... and these, near in letters, for something else.
STRANGERS = (
    ("Give me the quarterly numbers as a picture", "Write a Python function that reads the quarterly numbers"),
    ("Give me the quarterly numbers as a picture", "Give me the names of the people in the quarterly report"),
    ("A lighthouse keeper dances with gulls", "Write a poem where a lighthouse keeper dances with gulls"),
    ("Describe our spring collection for the banner", "Describe the Spring framework's collection mapping"),
    ("Opening titles, neon, slow zoom", "Suggest opening titles for a slow novel"),
    ("Zeig mir ein Haus am See im Nebel", "Schreib mir ein Gedicht über ein Haus am See im Nebel"),
    ("帮我做一张公司年会的海报", "帮我写一份公司年会的发言稿"),
    ("Draw the sea", "Why is the sky blue?"),
)
LETTERS = np.eye(26, dtype=np.float32)


@dataclass
class LetterEmbedder:
    """Prompts that begin with the same letter have the same vector; remembers what it was asked."""

    calls: list[Sequence[str]] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(texts)
        return np.stack([LETTERS[ord(text[0].lower()) % 26] for text in texts])


@pytest.fixture
def embedder() -> LetterEmbedder:
    return LetterEmbedder()


@pytest.fixture
def classifier(embedder: LetterEmbedder) -> Classifier:
    """Its neighbours say music of what begins with m, video of what begins with v, text of what begins with t."""
    exemplars = (Exemplar("m", Task.MUSIC), Exemplar("v", Task.VIDEO, ContentMode.EDIT), Exemplar("t", Task.TEXT))
    vectors = embedder.embed([exemplar.prompt for exemplar in exemplars])
    embedder.calls.clear()
    calibration = Calibration(np.hstack([np.zeros((9, 9)), 12 * np.eye(9), np.zeros((9, 1))]), np.zeros(9), 0.5)
    neighbourhood = Neighbourhood(NearestNeighbours(exemplars, vectors), calibration, embedder)
    return Classifier(RuleMatcher(RULES), artifacts.read_complexity(DATA / "complexity.json"), neighbourhood)


@pytest.fixture(scope="module")
def rules_alone() -> Classifier:
    return Classifier(RuleMatcher(RULES), artifacts.read_complexity(DATA / "complexity.json"))


def taught(*lessons: tuple[str, Lesson]) -> Overlay:
    overlay = Overlay()
    for prompt, lesson in lessons:
        overlay.learn(prompt, lesson)
    return overlay


# -- what is similar ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prompt", "variant"), VARIANTS)
def test_a_variant_is_like_what_was_taught(rules_alone: Classifier, prompt: str, variant: str) -> None:
    found = rules_alone.classify(Question(variant, overlay=taught((prompt, IMAGE))))
    assert (found.task, found.decision) == (Task.IMAGE, Decision.KNN)
    assert 0.85 <= found.confidence <= 0.99
    assert found.reasoning == "Like a prompt that your organization corrected: image"


@pytest.mark.parametrize(("prompt", "stranger"), STRANGERS)
def test_what_is_only_near_in_letters_is_not(rules_alone: Classifier, prompt: str, stranger: str) -> None:
    with_overlay = rules_alone.classify(Question(stranger, overlay=taught((prompt, IMAGE))))
    assert with_overlay == rules_alone.classify(Question(stranger))


def test_the_same_words_count_whatever_a_rule_hears(rules_alone: Classifier) -> None:
    prompt = "Write a Python function that reverses a list"
    assert rules_alone.classify(Question(prompt)).task is Task.CODE
    lesson = Lesson(Task.SPEECH, Opinion.CORRECTED, Task.TEXT)
    assert rules_alone.classify(Question(prompt, overlay=taught((prompt, lesson)))).task is Task.SPEECH
    varied = "Write a Python function that reverses the list"
    assert rules_alone.classify(Question(varied, overlay=taught((prompt, lesson)))).task is Task.CODE


@given(st.text(min_size=1, max_size=200))
def test_a_prompt_is_always_like_itself(prompt: str) -> None:
    recollection = taught(("something else entirely", NOT_TEXT), (prompt, IMAGE)).nearest(prompt)
    assert recollection is not None
    assert (recollection.lesson, recollection.similarity) == (IMAGE, 1.0)


@pytest.mark.parametrize("variant", ["DRAW  the\n fox?!", " draw the fox ", "ｄｒａｗ the fox", "«Draw the fox»…"])
def test_case_spaces_and_marks_make_no_difference(variant: str) -> None:
    recollection = taught(("Draw the fox.", IMAGE)).nearest(variant)
    assert recollection is not None
    assert recollection.similarity == 1.0


@given(st.lists(st.text("abcde ", min_size=1, max_size=30), max_size=30), st.text("abcde ", max_size=30))
def test_similarity_is_in_its_range(prompts: list[str], asked: str) -> None:
    recollection = taught(*((prompt, IMAGE) for prompt in prompts)).nearest(asked)
    assert recollection is None or 0.85 <= recollection.similarity <= 1.0


def test_the_nearest_of_many_is_found() -> None:
    names = ["heron", "badger", "kestrel", "lobster", "marmot", "ocelot", "puffin", "quokka", "stoat", "walrus"]
    overlay = Overlay()
    for i in range(1_000):
        overlay.learn(f"the {names[i % 10]} of street number {i} in the old harbour town", NOT_TEXT)
    overlay.learn("a portrait of the walrus who keeps the harbour office", IMAGE)
    recollection = overlay.nearest("a portrait of the walrus that keeps the harbour office")
    assert recollection is not None
    assert recollection.lesson is IMAGE


def test_a_pasted_document_does_not_matter(rules_alone: Classifier) -> None:
    overlay = taught((f"Show me this one as a scene:\n```\n{'one long text ' * 300}\n```", IMAGE))
    asked = f"Show me this one as a scene:\n```\n{'another document ' * 300}\n```"
    assert rules_alone.classify(Question(asked, overlay=overlay)).task is Task.IMAGE


# -- what is taught -------------------------------------------------------------------------------------------------


def test_what_feedback_teaches() -> None:
    assert lesson_of(Task.CODE, None, correct=True) == Lesson(Task.CODE, Opinion.CONFIRMED, Task.CODE)
    assert lesson_of(Task.CODE, Task.TEXT, correct=False) == Lesson(Task.TEXT, Opinion.CORRECTED, Task.CODE)
    assert lesson_of(None, Task.TEXT, correct=False) == Lesson(Task.TEXT, Opinion.CORRECTED, None)
    assert lesson_of(Task.CODE, None, correct=False) == Lesson(Task.CODE, Opinion.REFUSED, Task.CODE)
    assert lesson_of(None, None, correct=False) is None
    assert lesson_of(None, None, correct=True) is None


def test_later_feedback_replaces_earlier(rules_alone: Classifier) -> None:
    overlay = taught(("waves at night", IMAGE), ("Waves at night!", Lesson(Task.MUSIC, Opinion.CORRECTED, Task.IMAGE)))
    assert len(overlay) == 1
    assert rules_alone.classify(Question("waves at night", overlay=overlay)).task is Task.MUSIC


def test_the_newer_of_two_that_are_equally_near() -> None:
    overlay = taught(("waves in the night, calm", IMAGE), ("calm waves, in the night", NOT_TEXT))
    recollection = overlay.nearest("in the night calm waves")
    assert recollection is not None
    assert recollection.lesson is NOT_TEXT


def test_the_oldest_lessons_are_forgotten() -> None:
    overlay = Overlay(capacity=3)
    for prompt in ("alpha", "beta", "gamma", "alpha", "delta", "epsilon"):
        overlay.learn(prompt, IMAGE)
    remembered = [prompt for prompt in ("alpha", "beta", "gamma", "delta", "epsilon") if overlay.nearest(prompt)]
    assert remembered == ["alpha", "delta", "epsilon"]
    assert len(overlay) == 3


def test_what_was_confirmed_holds_against_a_rule(rules_alone: Classifier) -> None:
    overlay = taught(("Draw a conclusion from these numbers", Lesson(Task.TEXT, Opinion.CONFIRMED, Task.TEXT)))
    found = rules_alone.classify(Question("Draw a conclusion from these numbers", overlay=overlay))
    assert (found.task, found.reasoning) == (Task.TEXT, "Like a prompt that your organization confirmed: text")


def test_the_reasoning_quotes_nothing(rules_alone: Classifier) -> None:
    found = rules_alone.classify(Question("project zephyr teaser", overlay=taught(("project zephyr teaser", IMAGE))))
    assert "zephyr" not in found.reasoning


# -- what is refused ------------------------------------------------------------------------------------------------


def test_a_refused_rule_gives_way_to_the_neighbours(classifier: Classifier) -> None:
    prompt = "Make a video of the harbour"
    assert classifier.classify(Question(prompt)).task is Task.VIDEO
    refused = taught((prompt, Lesson(Task.VIDEO, Opinion.REFUSED, Task.VIDEO)))
    found = classifier.classify(Question(prompt, overlay=refused))
    assert (found.task, found.decision) == (Task.MUSIC, Decision.KNN)
    assert classifier.classify(Question(prompt, overlay=refused, regex_only=True)).decision is Decision.DEFAULT


def test_a_refused_neighbour_gives_way_to_the_next(classifier: Classifier) -> None:
    prompt = "muffled steps"
    assert classifier.classify(Question(prompt)).task is Task.MUSIC
    overlay = taught((prompt, Lesson(Task.MUSIC, Opinion.REFUSED, Task.MUSIC)))
    assert classifier.classify(Question(prompt, overlay=overlay)).task is Task.TEXT


def test_where_the_default_is_refused_the_most_probable_other_task_is_said(classifier: Classifier) -> None:
    prompt = "tidal murmurs over the harbour wall"
    assert classifier.classify(Question(prompt)).task is Task.TEXT
    found = classifier.classify(Question(prompt, overlay=taught((prompt, NOT_TEXT))))
    assert found.task is not Task.TEXT
    assert found.task is max(
        (task for task in found.probabilities if task is not Task.TEXT), key=lambda task: found.probabilities[task]
    )


def test_a_refusal_can_be_taken_back(rules_alone: Classifier) -> None:
    prompt = "Draw a watercolor fox"
    overlay = taught((prompt, Lesson(Task.IMAGE, Opinion.REFUSED, Task.IMAGE)))
    assert rules_alone.classify(Question(prompt, overlay=overlay)).task is Task.TEXT
    overlay.learn(prompt, Lesson(Task.IMAGE, Opinion.CONFIRMED, Task.IMAGE))
    assert rules_alone.classify(Question(prompt, overlay=overlay)).task is Task.IMAGE


# -- its place among the stages -------------------------------------------------------------------------------------


def test_hint_shape_and_session_come_first(rules_alone: Classifier) -> None:
    overlay = taught(("again", IMAGE), ("find it", IMAGE))
    earlier = Turn(Task.VIDEO, ContentMode.EDIT, Complexity(0.7, ComplexityTier.COMPLEX))
    assert rules_alone.classify(Question("again", overlay=overlay, task=Task.CODE)).decision is Decision.HINT
    asked = Question("find it", overlay=overlay, input={"query": "q", "documents": ["d"]})
    assert rules_alone.classify(asked).decision is Decision.INPUT
    assert rules_alone.classify(Question("again", overlay=overlay, previous=earlier)).decision is Decision.SESSION
    assert rules_alone.classify(Question("again", overlay=overlay)).task is Task.IMAGE


def test_what_is_handed_over_still_says_the_mode(rules_alone: Classifier) -> None:
    overlay = taught(("as on the beach", IMAGE))
    found = rules_alone.classify(Question("as on the beach", overlay=overlay, input={"messages": [], "image": "x"}))
    assert (found.task, found.content_mode) == (Task.IMAGE, ContentMode.EDIT)


def test_the_encoder_is_not_asked_where_the_letters_suffice(classifier: Classifier, embedder: LetterEmbedder) -> None:
    question = Question("murmur of the tide", overlay=taught(("the murmur of the tide", IMAGE)))
    assert classifier.decide(question) is not None
    assert embedder.calls == []


def test_where_the_encoder_is_asked_vectors_count(classifier: Classifier, embedder: LetterEmbedder) -> None:
    overlay = taught(("zither and bells", IMAGE), ("xylem", NOT_TEXT))
    found = classifier.classify(Question("zinc roofs in the rain", overlay=overlay))
    assert (found.task, found.decision) == (Task.IMAGE, Decision.KNN)
    assert embedder.calls == [["zinc roofs in the rain", "xylem", "zither and bells"]]
    classifier.classify(Question("zebra crossings", overlay=overlay))
    assert embedder.calls[1:] == [["zebra crossings"]]


def test_a_few_prompts_at_a_time_are_read_along(classifier: Classifier, embedder: LetterEmbedder) -> None:
    """Whoever loads two thousand lessons must not wait for two thousand embeddings."""
    overlay = taught(*((f"{'abcdefgh'[i % 8]}{i} quiet corner", NOT_TEXT) for i in range(MOST_READ_ALONG + 5)))
    for _ in range(3):
        classifier.classify(Question("zinc roofs in the rain", overlay=overlay))
    assert [len(texts) - 1 for texts in embedder.calls] == [MOST_READ_ALONG, 5, 0]


def test_a_batch_keeps_its_organizations_apart(classifier: Classifier) -> None:
    first, second = taught(("zither", IMAGE)), taught(("zither", Lesson(Task.SPEECH, Opinion.CORRECTED, Task.TEXT)))
    questions = [Question("zinc roofs", overlay=overlay) for overlay in (first, second, None, Overlay())]
    alone = classifier.classify(Question("zinc roofs"))
    found = classifier.classify_batch(questions)
    assert [each.task for each in found] == [Task.IMAGE, Task.SPEECH, alone.task, alone.task]


def test_many_threads_may_teach_and_ask() -> None:
    overlay, failures = Overlay(capacity=50), list[BaseException]()

    def work(name: int) -> None:
        try:
            for i in range(150):
                overlay.learn(f"prompt {i} of thread {name}", IMAGE)
                overlay.nearest(f"prompt {i} of thread {name + 1}", vector=LETTERS[0])
                unread = overlay.unread(3)
                overlay.read([key for key, _ in unread], LETTERS[: len(unread)])
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(overlay) == 50
