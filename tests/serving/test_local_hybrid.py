"""The hybrid reranker: what a score depends on, and what it does not."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_serving.local import hybrid
from greatrouter_serving.local.backend import Backend
from greatrouter_serving.local.fake import FakeBackend

WORDS = ["router", "routers", "model", "price", "the", "what", "is", "of", "cheap", "ocean"]
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def score(backend: Backend, query: str, documents: list[str]) -> list[float]:
    """What the engine does, without its queue: every text alone."""
    limit = backend.traits.max_tokens
    [asked] = backend.tokenize([query], limit)
    encoded = backend.forward([asked], want_tokens=True)
    assert encoded.tokens is not None
    meaning = hybrid.meaning(backend, asked, encoded.pooled[0], encoded.tokens[0])
    likeness = []
    for ids in backend.tokenize(documents, limit):
        one = backend.forward([ids], want_tokens=True)
        assert one.tokens is not None
        likeness.append(meaning.likeness(ids, one.pooled[0], one.tokens[0]))
    shared = hybrid.wording(backend, query).shared(documents, None)
    return hybrid.relevance(np.array(likeness, dtype=np.float32), shared)


@settings(deadline=None, max_examples=50)
@given(texts.filter(bool), st.lists(texts, min_size=1, max_size=6), st.randoms())
def test_a_score_depends_on_the_query_and_its_document_alone(query: str, documents: list[str], random: Random) -> None:
    backend = FakeBackend(dimensions=32)
    together = score(backend, query, documents)
    shuffled = random.sample(range(len(documents)), len(documents))
    assert score(backend, query, [documents[i] for i in shuffled]) == [together[i] for i in shuffled]
    assert [score(backend, query, [document])[0] for document in documents] == together
    assert all(0 <= value <= 1 for value in together)


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0, 1)), min_size=2, max_size=20))
def test_relevance_rises_with_the_points(rows: list[tuple[float, float]]) -> None:
    likeness, shared = (np.array(column, dtype=np.float32) for column in zip(*rows, strict=True))
    points = likeness + hybrid.LEXICAL * shared
    scores = np.array(hybrid.relevance(likeness, shared))
    order = np.argsort(points, kind="stable")
    assert (np.diff(scores[order]) >= 0).all()


@given(texts | st.text(), st.lists(texts | st.text(), min_size=1, max_size=6))
def test_shared_wording_lies_between_nothing_and_everything(query: str, documents: list[str]) -> None:
    shared = hybrid.wording(FakeBackend(), query).shared(documents, None)
    assert shared.shape == (len(documents),)
    assert ((shared >= 0) & (shared < 1)).all()


def test_word_forms_count_as_the_same_word() -> None:
    wording = hybrid.wording(FakeBackend(), "reset passwords")
    same, other = wording.shared(["resetting a password", "banana bread"], None)
    assert same > 0.5
    assert other == 0


def test_words_beyond_the_cut_are_not_seen() -> None:
    wording = hybrid.wording(FakeBackend(), "ocean")
    assert wording.shared(["far far away lies the ocean"], 3).tolist() == [0]
    assert wording.shared(["far far away lies the ocean"], 6)[0] > 0


def test_a_document_is_read_up_to_a_bound() -> None:
    wording = hybrid.wording(FakeBackend(), "ocean")
    padding = "." * hybrid.MAX_CHARACTERS
    assert wording.shared([padding + "ocean"], None).tolist() == [0]
    assert wording.shared(["ocean" + padding], None).tolist() == wording.shared(["ocean"], None).tolist()


def test_an_empty_document_is_irrelevant() -> None:
    assert score(FakeBackend(), "ocean", ["", "ocean"])[0] < 0.001


def test_a_query_without_words_still_ranks() -> None:
    assert all(math.isfinite(value) for value in score(FakeBackend(), "?!", ["what?!", "nothing"]))


def test_question_words_say_less_than_subject_words(onnx_backend: Backend) -> None:
    [ids] = onnx_backend.tokenize(["what is the capital of kyrgyzstan"], 64)
    weights = hybrid.informativeness(onnx_backend, ids)
    the, capital, country = weights[2], weights[3], weights[5]
    assert the < capital < country
    assert weights.argmin() == 2


QUESTIONS = [
    (
        "how do I change my password",
        "Open the account page and choose Reset credentials to set a new password.",
        "Invoices are sent on the first day of every month.",
    ),
    (
        "what is the boiling point of water at high altitude",
        "Water boils at lower temperatures as you climb, because air pressure falls.",
        "The museum is closed on Mondays.",
    ),
    (
        "python function to read a csv file",
        "Use the csv module: open the file and iterate over csv.reader rows.",
        "Bake the bread for forty minutes until golden.",
    ),
]


@pytest.mark.parametrize(("query", "right", "wrong"), QUESTIONS)
def test_one_document_alone_gets_a_score_that_means_something(
    onnx_backend: Backend, query: str, right: str, wrong: str
) -> None:
    assert score(onnx_backend, query, [right])[0] > 0.5
    assert score(onnx_backend, query, [wrong])[0] < 0.15
