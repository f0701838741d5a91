"""What descriptions of models ask for, by words alone and with a made-up encoder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from greatrouter_catalog import facts, snapshot
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.traits import PHRASES, TRAITS, traits_of
from greatrouter_catalog.wish import KINDS, Description, Meaning, Wish
from greatrouter_catalog.wish_search import WishSearch

SHIPPED = Path(__file__).parents[2] / "data" / "catalog"
GUESSES_TEXT = {"text_generation": 0.3}


class Topics:
    """An encoder that only knows whether a text is about law, music or neither."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array(
            [[float("law" in t or "attorney" in t), float("music" in t), 0.1] for t in texts], dtype=np.float32
        )


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog.open(snapshot.write(facts.load(SHIPPED), tmp_path_factory.mktemp("catalog")))


@pytest.fixture(scope="module")
def by_words(catalog: Catalog) -> WishSearch:
    return WishSearch(catalog, None)


def understood(
    search: WishSearch, text: str, chances: Mapping[str, float] = GUESSES_TEXT
) -> tuple[str | None, set[str]]:
    """The kind of model, and what is asked of it."""
    description = search.find(text)
    kind = description.kind(chances)
    return kind, {wish.text for wish in description.wishes(kind)} if kind else set()


@pytest.mark.parametrize(
    ("text", "phrase", "kind"),
    [
        ("a model that reads PDF files", "reads PDF documents and files", "text_generation"),
        ("cheap and fast model", "cheap, inexpensive, low cost", "text_generation"),
        ("embeddings for legal contracts", "law: legal texts and contracts", "embeddings"),
        ("speech recognition for podcasts", PHRASES["speech_to_text"], "speech_to_text"),
        ("claude for summaries", 'is called "claude"', "text_generation"),
        ("stable diffusion", 'is called "stable diffusion"', "image_generation"),
        ("video model that animates a picture", PHRASES["image_to_video"], "video_generation"),
        ("model with web search", PHRASES["web_search"], "web_search"),
        ("a model with at least 500k tokens", "has a context of 500,000 tokens or more", "text_generation"),
    ],
)
def test_a_description_is_understood_by_its_words(by_words: WishSearch, text: str, phrase: str, kind: str) -> None:
    found, wishes = understood(by_words, text)
    assert found == kind
    assert phrase in wishes


def test_a_word_means_what_models_of_the_kind_can_do(by_words: WishSearch) -> None:
    assert understood(by_words, "video model with audio") == (
        "video_generation",
        {PHRASES["video_generation"], PHRASES["sound"]},
    )
    assert understood(by_words, "model that watches video with audio and calls tools") == (
        "text_generation",
        {PHRASES["video_input"], PHRASES["audio_input"], PHRASES["function_calling"]},
    )


def test_of_a_model_the_words_count_more_than_the_guess_and_of_nothing_named_the_guess(by_words: WishSearch) -> None:
    sure_of_pictures = {"image_generation": 0.95, "text_generation": 0.02}
    assert understood(by_words, "a model that reads screenshots", sure_of_pictures)[0] == "text_generation"
    assert understood(by_words, "image model", sure_of_pictures)[0] == "image_generation"


def test_what_is_not_wanted_must_not_be_there(by_words: WishSearch, catalog: Catalog) -> None:
    wishes = by_words.find("a model that is not from openai, without reasoning").wishes("text_generation")
    must = [wish for wish in wishes if wish.must]
    assert {wish.text for wish in must} == {'not "openai"', f"without: {PHRASES['reasoning']}"}
    left = np.flatnonzero(np.all([wish.met > 0 for wish in must], axis=0) & catalog.arrays.routable).tolist()
    assert left
    for model in map(catalog.model, left):
        assert "openai" not in (model.creator, model.provider)
        assert "reasoning" not in model.capabilities


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France?",
        "Write a sonnet about love and a brave queen",
        "plan three days in Lisbon",
        "No, I do not want apples",
        "",
        "!? -",
        "a",
        "read a PDF of " + " ".join(f"word{i}" for i in range(40)),
    ],
)
def test_what_describes_no_model_asks_for_nothing(by_words: WishSearch, text: str) -> None:
    assert understood(by_words, text) == (None, set())


def test_a_word_that_is_a_name_as_well_counts_beside_a_name(by_words: WishSearch, catalog: Catalog) -> None:
    [wish] = by_words.find("claude sonnet").wishes("text_generation")
    best = [catalog.model(row) for row in np.flatnonzero(wish.met >= 1).tolist()]
    assert best
    assert all("sonnet" in model.name.lower() + model.canonical for model in best)
    assert not any("claudius" in catalog.model(row).name.lower() for row in np.flatnonzero(wish.met).tolist())


def test_meaning_finds_what_shares_no_word(catalog: Catalog) -> None:
    law = "law: legal texts and contracts"
    assert law in understood(WishSearch(catalog, Topics()), "something an attorney would want")[1]
    assert law not in understood(WishSearch(catalog, None), "something an attorney would want")[1]


def test_wishes_are_shares_the_surest_first_and_few(catalog: Catalog) -> None:
    for search in (WishSearch(catalog, None), WishSearch(catalog, Topics())):
        described = search.find("a cheap, fast and multilingual claude model with vision for music, law and PDF files")
        for kind in KINDS:
            found = described.wishes(kind)
            weights = [wish.weight for wish in found]
            assert weights == sorted(weights, reverse=True)
            assert 0 < len(found) <= 10
            for wish in found:
                assert 0 < wish.weight <= 1
                assert wish.met.shape == (len(catalog),)
                assert 0 <= wish.met.min() <= wish.met.max() <= 1


@given(text=st.text(max_size=120))
def test_any_text_is_read(by_words: WishSearch, text: str) -> None:
    kind = by_words.find(text).kind({})
    assert kind is None or kind in KINDS


SHARES = st.lists(st.floats(0, 1), min_size=len(KINDS), max_size=len(KINDS)).map(np.array)


@given(st.lists(SHARES, min_size=1, max_size=5), st.lists(st.floats(0, 1), min_size=len(KINDS), max_size=len(KINDS)))
def test_a_kind_whose_models_all_have_what_is_asked_is_never_beaten_by_one_that_has_less(
    shares: list[NDArray[np.float64]], chances: list[float]
) -> None:
    for one in shares:
        one[0] = 1.0
    said = [[Meaning(Wish(str(i), 1.0, np.zeros(1)), one)] for i, one in enumerate(shares)]
    guess = dict(zip(KINDS, chances, strict=True)) | {KINDS[0]: 1.0}
    found = Description(said, of_a_model=True).kind(guess)
    assert found is not None
    assert found == KINDS[0] or all(one[KINDS.index(found)] == 1.0 for one in shares)


def test_every_trait_is_had_by_some_model_that_is_routed_to_or_may_be_one_day(catalog: Catalog) -> None:
    had = {trait for model in catalog if model.routable for trait in traits_of(model)}
    assert set(TRAITS) - had == {"runs on this machine, private", "free of charge", "edits videos"}
