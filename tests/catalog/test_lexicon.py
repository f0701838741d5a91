"""What words, numbers and refusals say of a model."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_catalog import facts, snapshot
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.lexicon import read
from greatrouter_catalog.measures import Measures
from greatrouter_catalog.refusal import refused
from greatrouter_catalog.traits import PHRASES

SHIPPED = Path(__file__).parents[2] / "data" / "catalog"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a model that reads photos", {"vision", "image_to_video"}),
        ("a model that draws photos", {"image_generation"}),
        ("a model that retouches photos", {"image_edit"}),
        ("image generation", {"image_generation"}),
        ("video understanding", {"video_input"}),
        ("image to video", {"vision", "image_to_video"}),
        ("un modelo que entienda imágenes", {"vision", "image_to_video"}),
        ("ein Modell, das Bilder versteht", {"vision", "image_to_video"}),
        ("генерация видео", {"video_generation"}),
        ("画像を読めるモデル", {"vision", "image_to_video"}),
        ("图像生成模型", {"image_generation"}),
        ("Werkzeugaufrufe", {"function_calling"}),
        ("開源", {"open-weights"}),
    ],
)
def test_the_verb_beside_a_word_says_what_goes_in_and_what_comes_out(text: str, named: set[str]) -> None:
    assert set(read(text).named[0]) == named


@pytest.mark.parametrize(
    ("text", "of_a_model"),
    [
        ("a fast model", True),
        ("ein schnelles Modell", True),
        ("便宜的模型", True),
        ("needs function calling", True),
        ("Transcription of interviews", True),
        ("song generator", True),
        ("Summarize the transcription of my interview", False),
        ("Write a poem about a song", False),
        ("fast cars", False),
    ],
)
def test_a_description_of_a_model_is_told_from_work_to_be_done(text: str, of_a_model: bool) -> None:
    assert read(text).of_a_model is of_a_model


@given(st.text(max_size=200))
def test_any_text_is_read_as_known_traits(text: str) -> None:
    assert {key for keys in read(text).named for key in keys} <= PHRASES.keys()


@pytest.mark.parametrize(
    ("text", "unwanted", "left"),
    [
        ("vision, not from google", ["google"], "vision, "),
        ("no openai, deepseek or qwen", ["openai", "deepseek", "qwen"], ""),
        ("non-reasoning chat", ["reasoning"], " chat"),
        ("ohne openai, billig", ["openai"], ", billig"),
        ("不要openai的模型", ["openai"], "的模型"),
        ("no web search please", ["web search"], " please"),
        ("no matter what", [], "no matter what"),
        ("pas cher", [], "pas cher"),
    ],
)
def test_what_is_refused_is_taken_out(text: str, unwanted: list[str], left: str) -> None:
    known = {"google", "openai", "deepseek", "qwen", "reasoning", "web search"}
    assert refused(text, known.__contains__) == (unwanted, left)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog.open(snapshot.write(facts.load(SHIPPED), tmp_path_factory.mktemp("catalog")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a context of 128k", "has a context of 128,000 tokens or more"),
        ("1m tokens", "has a context of 1,000,000 tokens or more"),
        ("300,000 token prompts", "has a context of 300,000 tokens or more"),
        ("a 70b model", "has about 70 billion parameters"),
        ("under 10 billion parameters", "has 10 billion parameters or fewer"),
        ("8b or smaller", "has 8 billion parameters or fewer"),
        ("at least 30b", "has 30 billion parameters or more"),
        ("under $1 per million tokens", "costs $1 per million tokens or less"),
        ("5 cents per image", "costs $0.05 per image or less"),
        ("$0.20/second", "costs $0.2 per second or less"),
    ],
)
def test_numbers_are_read_with_their_unit(catalog: Catalog, text: str, said: str) -> None:
    [measure], left = Measures(catalog).find(text)
    assert measure.text == said
    assert not any(character.isdigit() for character in left)
    assert measure.met.any()
    assert not measure.met.all()


@pytest.mark.parametrize("text", ["a 70 kg person", "5 seconds of video", "top 10 models", "in 2024", "3 tokens", ""])
def test_other_numbers_say_nothing(catalog: Catalog, text: str) -> None:
    assert Measures(catalog).find(text) == ([], text)


def test_a_measure_is_met_by_what_the_catalog_says(catalog: Catalog) -> None:
    measures = Measures(catalog)
    [long], _ = measures.find("200k tokens")
    assert np.array_equal(long.met, catalog.arrays.context >= 200_000)
    [size], _ = measures.find("70b")
    names = [catalog.model(row).upstream_model.casefold() for row in np.flatnonzero(size.met).tolist()]
    assert any("llama-3.3-70b" in name for name in names)
    assert not any("8b" in name.split("-") for name in names)
    [cheap], _ = measures.find("under $1 per million tokens")
    for row in np.flatnonzero(cheap.met).tolist()[:200]:
        pricing = catalog.model(row).pricing
        assert max(pricing.input_per_million_tokens or 0, pricing.output_per_million_tokens or 0) <= 1
