"""Full-text search: what is found, in which order, and that it stays small work."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_catalog.search import TextSearch, words_of

MODELS = (
    "GPT-4o mini openai/gpt-4o-mini, text generation, vision",
    "Llama 3.3 70B groq/llama-3.3-70b, open weights",
    "Llama 3.1 8B groq/llama-3.1-8b, open weights",
    "claude-3-5-sonnet anthropic/claude-3-5-sonnet, reasoning",
    "Embed multilingual v3 cohere/embed-multilingual-v3.0, embeddings",
    "MiniMax M2 minimax/m2, text generation",
)


def found(text: str) -> list[int]:
    """The documents that have every word, best first."""
    scores = TextSearch(MODELS).scores(text, every_word=True)
    return [int(row) for row in np.argsort(-scores, kind="stable") if scores[row] > 0]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("gpt-4o", [0]),
        ("GPT 4o MINI", [0]),
        ("llama", [1, 2]),
        ("llama 3.3", [1]),
        ("llama3.3", [1]),
        ("llama-3-3", [1]),
        ("llama 3", [1, 2]),
        ("claude 3.5", [3]),
        ("claude sonn", [3]),
        ("embedding", [4]),
        ("reasons", [3]),
        ("the llama of groq with open weights", [1, 2]),
        ("llama sonnet", []),
        ("zzz", []),
        ("the", []),
        ("", []),
        ("!? -", []),
    ],
)
def test_every_word_must_occur(text: str, rows: list[int]) -> None:
    assert sorted(found(text)) == rows


def test_a_whole_word_comes_before_one_that_only_begins_so() -> None:
    assert found("mini") == [0, 5]


def test_any_word_finds_and_the_rarer_counts_more() -> None:
    hits = TextSearch(MODELS).find("weights sonnet", limit=10)
    assert [hit.row for hit in hits] == [3, 1, 2]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(TextSearch(MODELS).find("weights sonnet", limit=1)) == 1


def test_nothing_to_search_finds_nothing() -> None:
    assert TextSearch([]).find("llama", 5) == []
    assert TextSearch(["", ""]).find("llama", 5) == []


@given(st.text(max_size=60))
def test_any_text_can_be_asked(text: str) -> None:
    search = TextSearch(MODELS)
    scores, strict = search.scores(text), search.scores(text, every_word=True)
    assert np.all(np.isfinite(scores))
    assert np.all(scores >= 0)
    assert np.all((strict == 0) | (strict == scores))


@given(st.lists(st.text(alphabet="ab3 .-x", max_size=12), min_size=1, max_size=8))
def test_a_document_is_found_by_its_own_words(documents: list[str]) -> None:
    search = TextSearch(documents)
    for row, document in enumerate(documents):
        for word in words_of(document):
            if word not in ("a", "b") and len(word) > 1:
                assert search.scores(word)[row] > 0


@given(st.permutations(range(len(MODELS))), st.sampled_from(["llama open", "text generation", "mini", "gpt sonnet"]))
def test_the_order_of_the_documents_changes_no_score(order: list[int], text: str) -> None:
    shuffled = TextSearch([MODELS[place] for place in order]).scores(text)
    assert shuffled == pytest.approx(TextSearch(MODELS).scores(text)[order])


def test_a_long_question_is_cut_off() -> None:
    words = ["".join(letters) for letters in product("bcdfghjk", repeat=3)]
    search = TextSearch(words)
    assert len(search.find(" ".join(words), limit=500)) == 64


def test_it_starts_no_thread() -> None:
    """A library's progress bar left one running; in a process of its own, since others of this one may come and go."""
    program = (
        "import threading; from greatrouter_catalog.search import TextSearch; "
        "TextSearch(['a b'] * 1000).find('b', 5); print(threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("1", "")
