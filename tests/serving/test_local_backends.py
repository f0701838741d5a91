"""What every backend promises. A new one joins by entering the `any_backend` fixture."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.local.backend import Backend

TEXTS = ["The cat sat on the mat.", "Zürich, 東京 and naïve café", "word " * 500, "x", "!?"]


def test_vectors_are_unit_float32_of_the_stated_size(any_backend: Backend) -> None:
    traits = any_backend.traits
    encoded = any_backend.forward(any_backend.tokenize(TEXTS, traits.max_tokens), want_tokens=False)
    assert encoded.pooled.shape == (len(TEXTS), traits.dimensions)
    assert encoded.pooled.dtype == np.float32
    assert np.linalg.norm(encoded.pooled, axis=1) == pytest.approx(1, abs=1e-5)
    assert encoded.tokens is None


def test_token_vectors_come_one_for_each_token_without_padding(any_backend: Backend) -> None:
    ids = any_backend.tokenize(TEXTS, 40)
    encoded = any_backend.forward(ids, want_tokens=True)
    assert encoded.tokens is not None
    for text, vectors in zip(ids, encoded.tokens, strict=True):
        assert vectors.shape == (len(text), any_backend.traits.dimensions)
        content = ~np.isin(text, list(any_backend.traits.marker_ids))
        assert np.linalg.norm(vectors[content], axis=1) == pytest.approx(1, abs=1e-5)


def test_a_texts_vectors_do_not_depend_on_its_batch(any_backend: Backend) -> None:
    ids = any_backend.tokenize(TEXTS, 64)
    together = any_backend.forward(ids, want_tokens=True)
    assert together.tokens is not None
    for row, text in enumerate(ids):
        alone = any_backend.forward([text], want_tokens=True)
        assert alone.tokens is not None
        assert alone.pooled[0] == pytest.approx(together.pooled[row], abs=1e-5)
        assert alone.tokens[0] == pytest.approx(together.tokens[row], abs=1e-4)


def test_the_same_batch_gives_the_same_bits(any_backend: Backend) -> None:
    ids = any_backend.tokenize(TEXTS, 64)
    first, second = (any_backend.forward(ids, want_tokens=False).pooled for _ in range(2))
    assert np.array_equal(first, second)


def test_several_threads_may_use_it_at_once(any_backend: Backend) -> None:
    ids = any_backend.tokenize(TEXTS, 32)
    expected = any_backend.forward(ids, want_tokens=False).pooled
    with ThreadPoolExecutor(4) as threads:
        for vectors in threads.map(lambda _: any_backend.forward(ids, want_tokens=False).pooled, range(8)):
            assert vectors == pytest.approx(expected, abs=1e-6)


def test_related_texts_are_nearer_than_unrelated_ones(any_backend: Backend) -> None:
    texts = ["how do I reset my password", "steps to reset a password", "bananas are yellow"]
    pooled = any_backend.forward(any_backend.tokenize(texts, 64), want_tokens=False).pooled
    assert pooled[0] @ pooled[1] > pooled[0] @ pooled[2] + 0.2


@pytest.mark.parametrize("limit", [2, 3, 7])
def test_cut_texts_keep_their_start_and_their_closing_marker(any_backend: Backend, limit: int) -> None:
    [whole] = any_backend.tokenize(["one two three four five six seven eight"], 256)
    [cut] = any_backend.tokenize(["one two three four five six seven eight"], limit)
    assert len(cut) == limit
    assert list(cut[:-1]) == list(whole[: limit - 1])
    assert cut[-1] == whole[-1]


def test_no_text_exceeds_the_models_limit(any_backend: Backend) -> None:
    limit = any_backend.traits.max_tokens
    assert [len(ids) for ids in any_backend.tokenize(["word " * 5000], limit)] == [limit]


def test_order_is_kept_over_many_texts(any_backend: Backend) -> None:
    texts = [f"text number {i}" for i in range(100)]
    together = any_backend.tokenize(texts, 32)
    assert [list(ids) for ids in together] == [list(any_backend.tokenize([text], 32)[0]) for text in texts]


def test_an_empty_text_is_its_markers_and_still_runs(any_backend: Backend) -> None:
    [ids] = any_backend.tokenize([""], 16)
    assert set(ids.tolist()) <= any_backend.traits.marker_ids
    assert len(ids) == any_backend.traits.markers_per_text
    assert np.isfinite(any_backend.forward([ids], want_tokens=True).pooled).all()


def test_a_callers_token_ids_mean_what_the_text_means(any_backend: Backend) -> None:
    [framed] = any_backend.tokenize(["token ids of a short text"], 32)
    bare = [int(i) for i in framed if int(i) not in any_backend.traits.marker_ids]
    assert list(any_backend.admit(framed.tolist(), 32)) == list(framed)
    assert list(any_backend.admit(bare, 32)) == list(framed)
    assert len(any_backend.admit(bare * 100, 32)) == 32


@pytest.mark.parametrize("wrong", [-1, 10**7])
def test_a_token_id_outside_the_vocabulary_is_refused(any_backend: Backend, wrong: int) -> None:
    with pytest.raises(InvalidInput, match=r"0\.\."):
        any_backend.admit([5, wrong], 32)
