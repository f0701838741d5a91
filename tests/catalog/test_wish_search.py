"""What descriptions of models ask for, by words alone and with a made-up encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from greatrouter_catalog import facts, snapshot
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.traits import TRAITS, traits_of
from greatrouter_catalog.wish import Wish
from greatrouter_catalog.wish_search import WishSearch

SHIPPED = Path(__file__).parents[2] / "data" / "catalog"


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


def texts(wishes: Sequence[Wish]) -> list[str]:
    return [wish.text for wish in wishes]


@pytest.mark.parametrize(
    ("text", "phrase", "kind"),
    [
        ("a model that reads PDF files", "reads PDF documents and files", "text_generation"),
        ("cheap and fast model", "cheap, inexpensive, low cost", "text_generation"),
        ("embeddings for legal contracts", "law: legal texts and contracts", "embeddings"),
        (
            "speech model for podcasts",
            "transcribes speech: recordings, podcasts, dictation, subtitles",
            "speech_to_text",
        ),
        ("claude for summaries", 'is called "claude"', "text_generation"),
        ("stable diffusion", 'is called "stable diffusion"', "image_generation"),
    ],
)
def test_a_description_is_understood_by_its_words(by_words: WishSearch, text: str, phrase: str, kind: str) -> None:
    found = {wish.text: wish for wish in by_words.find(text)}
    assert found[phrase].kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France?",
        "Write a sonnet about love and a brave queen",
        "plan three days in Lisbon",
        "",
        "!? -",
        "a",
        "read a PDF of " + " ".join(f"word{i}" for i in range(40)),
    ],
)
def test_what_describes_no_model_asks_for_nothing(by_words: WishSearch, text: str) -> None:
    assert by_words.find(text) == []


def test_a_word_that_is_a_name_as_well_counts_beside_a_name(by_words: WishSearch, catalog: Catalog) -> None:
    [wish] = by_words.find("claude sonnet")
    best = [catalog.model(row) for row in np.flatnonzero(wish.met >= 1).tolist()]
    assert best
    assert all("sonnet" in model.name.lower() + model.canonical for model in best)
    assert not any("claudius" in catalog.model(row).name.lower() for row in np.flatnonzero(wish.met).tolist())


def test_meaning_finds_what_shares_no_word(catalog: Catalog) -> None:
    law = "law: legal texts and contracts"
    assert law in texts(WishSearch(catalog, Topics()).find("something an attorney would want"))
    assert law not in texts(WishSearch(catalog, None).find("something an attorney would want"))


def test_wishes_are_shares_the_surest_first_and_few(catalog: Catalog) -> None:
    for search in (WishSearch(catalog, None), WishSearch(catalog, Topics())):
        found = search.find("a cheap, fast and multilingual claude model with vision for music, law and PDF files")
        weights = [wish.weight for wish in found]
        assert weights == sorted(weights, reverse=True)
        assert 0 < len(found) <= 5
        for wish in found:
            assert 0 < wish.weight <= 1
            assert wish.met.shape == (len(catalog),)
            assert 0 <= wish.met.min() <= wish.met.max() <= 1


def test_every_trait_is_had_by_some_model_that_is_routed_to_or_may_be_one_day(catalog: Catalog) -> None:
    had = {trait for model in catalog if model.routable for trait in traits_of(model)}
    assert set(TRAITS) - had == {"runs on this machine, private", "free of charge", "edits videos"}
