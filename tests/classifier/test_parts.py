"""Focus, complexity, follow-ups, neighbours and the shipped numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_classifier import artifacts, exemplars
from greatrouter_classifier.classification import ComplexityTier, Task
from greatrouter_classifier.errors import ArtifactInvalid
from greatrouter_classifier.focus import HEAD_CHARACTERS, TAIL_CHARACTERS, focus
from greatrouter_classifier.knn import NEIGHBOURS, TASKS, NearestNeighbours
from greatrouter_classifier.session import is_follow_up

DATA = Path(__file__).parents[2] / "data"


@given(st.text(max_size=5_000))
def test_the_focus_is_bounded_and_never_lost(prompt: str) -> None:
    found = focus(prompt)
    assert len(found) <= HEAD_CHARACTERS + TAIL_CHARACTERS + 1
    assert bool(found) == bool(prompt.strip())


def test_code_quotes_and_middles_are_left_out() -> None:
    assert focus("Why does this fail?\n```python\nraise ValueError\n```\nThanks") == "Why does this fail?\n \nThanks"
    assert (
        focus("> long ago\nSummarize the quote above in one line please")
        == "Summarize the quote above in one line please"
    )
    text = "Translate this: " + "word " * 2_000 + " into Spanish"
    assert focus(text).startswith("Translate this:")
    assert focus(text).endswith("into Spanish")


@pytest.mark.parametrize("opening", ["```", '"""', "~~~", "> ", "`" * 50_000, "```a" * 20_000])
def test_hostile_prompts_are_read_in_linear_time(opening: str) -> None:
    """Quadratic patterns would take minutes on these."""
    assert focus(opening + "x" * 100_000)


@pytest.mark.parametrize(
    ("easy", "hard"),
    [
        (
            "What is the capital of France?",
            "Prove that there are infinitely many primes of the form 4k+3, and explain each step",
        ),
        ("hello", "Design a distributed rate limiter across regions and analyze its consistency trade-offs"),
        (
            "translate 'dog'",
            "Compare three database architectures for a ledger and evaluate their failure modes in depth",
        ),
    ],
)
def test_harder_prompts_score_higher(easy: str, hard: str) -> None:
    model = artifacts.read_complexity(DATA / "complexity.json")
    assert model.assess(easy).score < model.assess(hard).score
    assert model.assess(easy).tier is ComplexityTier.SIMPLE


def test_tiers_are_cut_in_ascending_order() -> None:
    model = artifacts.read_complexity(DATA / "complexity.json")
    tiers = [model.tier(score) for score in np.linspace(0, 1, 101)]
    assert tiers == sorted(tiers, key=list(ComplexityTier).index)
    assert set(tiers) == set(ComplexityTier)


@pytest.mark.parametrize(
    "prompt",
    ["yes", "ok, continue", "make it bluer", "more", "what about red?", "please make it shorter", "да", "再来"],
)
def test_follow_ups(prompt: str) -> None:
    assert is_follow_up(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "yes we can was whose slogan?",
        "more than words chords",
        "Draw a fox",
        "no country for old men review",
        "x" * 81,
    ],
)
def test_prompts_of_their_own(prompt: str) -> None:
    assert not is_follow_up(prompt)


@given(st.text(alphabet="moreagin ,.!yes", max_size=80))
def test_follow_ups_are_found_in_linear_time(prompt: str) -> None:
    assert is_follow_up(prompt) in (True, False)


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_neighbours_are_the_nearest_and_an_exemplar_does_not_vote_for_itself(size: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(size, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = [exemplars.Exemplar(str(i), TASKS[i % len(TASKS)]) for i in range(size)]
    index = NearestNeighbours(examples, vectors)
    for i, near in enumerate(index.neighbours(vectors, leave_out_self=True)):
        assert str(i) not in {e.prompt for e in near.exemplars}
        expected = np.sort(np.delete(vectors @ vectors[i], i))[::-1][:NEIGHBOURS]
        assert np.allclose(near.similarity, expected, atol=1e-5)
        assert near.features[: len(TASKS)].sum() == pytest.approx(1.0)


def test_the_shipped_numbers_fit_each_other() -> None:
    examples = exemplars.read(DATA / "exemplars.jsonl")
    vectors = exemplars.read_vectors(DATA / "exemplars.npz", examples)
    assert vectors.shape == (len(examples), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    calibration = artifacts.read_calibration(DATA / "calibration.json")
    probabilities = calibration.probabilities(
        np.stack([n.features for n in NearestNeighbours(examples, vectors).neighbours(vectors[:50])])
    )
    assert np.allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"tasks": ["a"]}'])
def test_a_damaged_artifact_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(content)
    for read in (artifacts.read_calibration, artifacts.read_complexity):
        with pytest.raises(ArtifactInvalid, match=r"numbers\.json"):
            read(path)


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"prompt": "a"}', '{"prompt": "a", "task": "painting", "content_mode": "generate", "lang": "en"}'],
)
def test_a_damaged_exemplar_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "exemplars.jsonl"
    path.write_text('{"prompt": "a", "task": "text", "content_mode": "generate", "lang": "en"}\n' + line)
    with pytest.raises(ArtifactInvalid, match="line 2"):
        exemplars.read(path)


def test_vectors_of_other_exemplars_are_refused(tmp_path: Path) -> None:
    examples = [exemplars.Exemplar("a", Task.TEXT), exemplars.Exemplar("b", Task.CODE)]

    class Embedder:
        def embed(self, texts: object) -> np.ndarray:
            return np.eye(2, 384, dtype=np.float32)

    path = tmp_path / "vectors.npz"
    exemplars.write_vectors(path, examples, Embedder())
    assert exemplars.read_vectors(path, examples).shape == (2, 384)
    with pytest.raises(ArtifactInvalid, match="other exemplars"):
        exemplars.read_vectors(path, examples[::-1])
