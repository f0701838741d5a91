"""The four public feed shapes and the supplement: what is read from each, and what is refused how."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog import feeds, providers
from greatrouter_catalog.errors import FeedError
from greatrouter_catalog.feeds.task_names import task_type_of
from greatrouter_catalog.offer import SCHEMA, day, decimal, epoch_day, integer, per_million
from tests.catalog.examples import (
    FILES,
    GENAI_PRICES,
    LITELLM,
    MODELSDEV,
    OPENROUTER,
    READ_ON,
    SUPPLEMENT,
    litellm,
    modelsdev,
    openrouter,
    rates,
    read,
)

# --- Every feed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feed", FILES)
def test_each_feed_is_read_into_the_common_table(feed: str, tmp_path: Path) -> None:
    offers = read(feed, FILES[feed], tmp_path)
    assert dict(offers.schema) == SCHEMA
    assert offers["feed"].unique().to_list() == [feed]
    assert offers["observed_on"].unique().to_list() == [READ_ON]
    assert all(rates(row) for row in offers.iter_rows(named=True))


@pytest.mark.parametrize("feed", FILES)
def test_a_feed_is_known_by_its_shape_whatever_its_file_is_called(feed: str, tmp_path: Path) -> None:
    path = tmp_path / "download.bin"
    path.write_bytes(FILES[feed])
    assert feeds.detect(path) == feed


def test_the_live_answer_of_modelsdev_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_text(json.dumps({"groq": {"id": "groq", "models": {"m": MODELSDEV}}}, indent=2))
    assert feeds.detect(path) == "modelsdev"


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\n",
            b"{",
            b"\xff\xfe\x00",
            b"[]",
            b"{}",
            b"null",
            b"3",
            b'"text"',
            b'{"data": 3}',
            b"[" * 5000,
            b"[[]]",
        ),
        *(b'{"a": {"b": 1}}', b'[{"models": []}]'),
    ],
)
def test_what_is_no_feed_is_not_detected_as_one(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(FeedError, match=r"file\.json.*expected one of"):
        feeds.detect(path)


def test_a_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    for read_it in (feeds.detect, lambda path: feeds.read("litellm", path, READ_ON)):
        with pytest.raises(FeedError, match=r"cannot read .*nowhere\.json.*check the path"):
            read_it(tmp_path / "nowhere.json")
    with pytest.raises(FeedError, match="cannot read"):
        feeds.read("litellm", tmp_path, READ_ON)


ENTRY = LITELLM["gpt-4o"]
LISTED = OPENROUTER["data"][0]
WRONG: list[tuple[str, object]] = [
    # Not the shape at all.
    *((feed, wrong) for feed in FILES for wrong in (b"", b"{", b"\xff", b"[" * 5000, b"\x00", b"NaN", b'{"a": NaN}')),
    *((feed, wrong) for feed in FILES for wrong in ([], {}, None, 1, "text", [1], {"a": 1}, {"a": None})),
    ("litellm", [ENTRY]),
    ("openrouter", {"data": None}),
    ("openrouter", {"data": {"a": 1}}),
    ("openrouter", [LISTED]),
    ("genai-prices", {"deepseek": []}),
    ("modelsdev", {"groq": {"models": [MODELSDEV]}}),
    # Empty of models.
    ("litellm", {"sample_spec": ENTRY}),
    ("openrouter", {"data": []}),
    ("genai-prices", [{"id": "deepseek", "models": []}]),
    ("modelsdev", {"groq": {"models": {}}}),
    # Wrong types within.
    ("litellm", {"gpt-4o": ENTRY | {"litellm_provider": 7}}),
    ("litellm", {"gpt-4o": ENTRY | {"supported_modalities": "text"}}),
    ("litellm", {"gpt-4o": ENTRY | {"supported_modalities": [1]}}),
    ("litellm", {"gpt-4o": {"mode": "chat"}}),
    ("litellm", {"gpt-4o": [ENTRY]}),
    ("litellm", {"gpt\x00-4o": ENTRY}),
    ("litellm", {"": ENTRY}),
    ("openrouter", {"data": [LISTED, None]}),
    ("openrouter", {"data": [LISTED | {"id": None}]}),
    ("openrouter", {"data": [LISTED | {"id": 4}]}),
    ("openrouter", {"data": [LISTED | {"name": ["x"]}]}),
    ("openrouter", {"data": [LISTED | {"pricing": None}]}),
    ("openrouter", {"data": [LISTED | {"architecture": "text->text"}]}),
    ("openrouter", {"data": [LISTED | {"canonical_slug": 1}]}),
    ("openrouter", {"data": [LISTED | {"top_provider": [1]}]}),
    ("modelsdev", MODELSDEV | {"provider": 3}),
    ("modelsdev", MODELSDEV | {"model": None}),
    ("modelsdev", MODELSDEV | {"cost": [1]}),
    ("modelsdev", MODELSDEV | {"open_weights": "yes"}),
    ("modelsdev", MODELSDEV | {"modalities": {"input": "text", "output": ["text"]}}),
    ("modelsdev", json.dumps(MODELSDEV).encode() + b"\n{broken\n"),
    ("genai-prices", [{"id": "deepseek"}]),
    ("genai-prices", [{"id": "deepseek", "models": [{"id": "m"}]}]),
    ("genai-prices", [{"id": "deepseek", "models": [{"id": "m", "prices": 3}]}]),
    ("genai-prices", [{"id": "deepseek", "models": [{"id": "m\n", "prices": {"input_mtok": 1}}]}]),
    ("supplement", SUPPLEMENT | {"task_type": "poetry"}),
    ("supplement", SUPPLEMENT | {"prices": [1]}),
    ("supplement", {name: value for name, value in SUPPLEMENT.items() if name != "read_on"}),
]


@pytest.mark.parametrize(("feed", "content"), WRONG)
def test_a_malformed_file_is_refused_with_one_clear_error(feed: str, content: object, tmp_path: Path) -> None:
    with pytest.raises(FeedError) as refused:
        read(feed, content, tmp_path)
    message = str(refused.value)
    assert str(tmp_path / f"{feed}.json") in message
    assert "\n" not in message
    assert len(message) < 700


def test_the_entry_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"litellm\.json: entry 'gpt-9' .*: 'litellm_provider' is missing"):
        read("litellm", LITELLM | {"gpt-9": {"mode": "chat"}}, tmp_path)
    lines = b"\n".join(json.dumps(row).encode() for row in (MODELSDEV, MODELSDEV | {"open_weights": "yes"}))
    with pytest.raises(FeedError, match=r"modelsdev\.json: entry 'line 2' .*expected true or false, found 'yes'"):
        read("modelsdev", lines, tmp_path)
    with pytest.raises(FeedError, match=r"modelsdev\.json: line 2 is not valid JSON"):
        read("modelsdev", FILES["modelsdev"] + b"{broken", tmp_path)
    with pytest.raises(FeedError, match=r"entry 'deepseek/m' .*: 'prices' is missing"):
        read("genai-prices", [{"id": "deepseek", "models": [{"id": "m"}]}], tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("feed", FILES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_value_in_any_field_of_any_feed_gives_another_error(
    feed: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A feed with one field replaced by anything is read, or refused with a FeedError; never a traceback."""
    content = json.loads(FILES[feed])
    spot: Any = content
    while isinstance(spot, dict | list) and spot:
        keys = sorted(spot) if isinstance(spot, dict) else range(len(spot))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(spot[key], dict | list) or not spot[key] or data.draw(st.booleans()):
            spot[key] = data.draw(json_values)
            break
        spot = spot[key]
    try:
        offers = read(feed, content, tmp_path_factory.getbasetemp())
    except FeedError:
        return
    assert dict(offers.schema) == SCHEMA
    assert all(price >= 0 for row in offers.iter_rows(named=True) for price in rates(row).values())


# --- Prices that say something else -----------------------------------------------------------------------------------


@pytest.mark.parametrize("price", ["abc", None, True, [1], {"a": 1}, "NaN", "Infinity", 1e300, 10**12, 1e-30, "1e-20"])
def test_a_price_that_is_no_number_or_that_nobody_charges_is_not_known(price: object, tmp_path: Path) -> None:
    """A rate too small for its column would be stored as zero: as free."""
    for feed, content in {
        "litellm": litellm("m", "chat", input_cost_per_token=price, output_cost_per_token=1e-06),
        "modelsdev": modelsdev("acme", "m", cost={"input": price, "output": 1}),
        "openrouter": openrouter("m", {"prompt": price, "completion": "0.000001"}),
    }.items():
        (row,) = read(feed, content, tmp_path).to_dicts()
        assert row["input_per_million_tokens"] is None, feed
        assert row["output_per_million_tokens"] == 1, feed


def test_a_zero_price_means_not_known_unless_the_id_says_free(tmp_path: Path) -> None:
    nothing = {"prompt": "0", "completion": "0"}
    free = {"input_per_million_tokens": Decimal(0), "output_per_million_tokens": Decimal(0)}
    for model, expected in (("z-ai/glm-4.5-air", {}), ("z-ai/glm-4.5-air:free", free), ("acme/glm-free", free)):
        (row,) = read("openrouter", openrouter(model, nothing), tmp_path).to_dicts()
        assert rates(row) == expected, model
    (row,) = read("modelsdev", modelsdev("acme", "m", cost={"input": 0, "output": 0}), tmp_path).to_dicts()
    assert rates(row) == {}


def test_a_negative_price_marks_openrouters_auto_router(tmp_path: Path) -> None:
    (row,) = read(
        "openrouter", openrouter("openrouter/auto", {"prompt": "-1", "completion": "-1"}), tmp_path
    ).to_dicts()
    assert rates(row) == {}
    assert row["task_type"] == "text_generation"


@pytest.mark.parametrize(
    "provider", ["github-copilot", "zai-coding-plan", "alibaba-token-plan-cn", "ollama", "chatgpt-subscription"]
)
def test_a_subscription_has_no_price_of_a_call_even_where_one_is_stated(provider: str, tmp_path: Path) -> None:
    (row,) = read("modelsdev", modelsdev(provider, "m-free", cost={"input": 1, "output": 2}), tmp_path).to_dicts()
    assert rates(row) == {}


def test_modalities_are_in_the_catalogs_words(tmp_path: Path) -> None:
    for feed, content in {
        "modelsdev": modelsdev("a", "m", modalities={"input": ["pdf", "smell", "text"], "output": ["text", "smell"]}),
        "openrouter": {
            "data": [LISTED | {"architecture": {"input_modalities": ["pdf", "text"], "output_modalities": ["code"]}}]
        },
        "litellm": litellm(
            "m", "chat", supported_modalities=["PDF", "text"], supported_output_modalities=["code", "text"]
        ),
    }.items():
        for row in read(feed, content, tmp_path).to_dicts():
            assert row["input_modalities"] == ["file", "text"], feed
            assert row["output_modalities"] == ["text"], feed


def test_what_is_written_to_a_cache_has_its_own_price_where_a_feed_states_one(tmp_path: Path) -> None:
    tokens = {"input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5}
    listed = {"prompt": "0.000003", "completion": "0.000015"}
    dated = {"input_mtok": 3, "output_mtok": 15}
    stated: dict[str, Callable[[float], Any]] = {
        "litellm": lambda rate: litellm("m", "chat", **tokens, cache_creation_input_token_cost=rate / 1e6),
        "openrouter": lambda rate: openrouter("m", {**listed, "input_cache_write": f"{rate / 1e6:.10f}"}),
        "modelsdev": lambda rate: modelsdev("a", "m", cost={"input": 3, "output": 15, "cache_write": rate}),
        "genai-prices": lambda rate: [
            {"id": "a", "models": [{"id": "m", "prices": {**dated, "cache_write_mtok": rate}}]}
        ],
    }
    for feed, content in stated.items():
        # A zero is "not said", and less than a plain token the fee of a storage that is paid beside it.
        for rate, expected in ((3.75, Decimal("3.75")), (0, None), (0.375, None)):
            (row,) = read(feed, content(rate), tmp_path).to_dicts()
            assert rates(row).get("cache_write_input_per_million_tokens") == expected, feed
            assert rates(row)["input_per_million_tokens"] == 3


# --- LiteLLM ----------------------------------------------------------------------------------------------------------


def litellm_row(tmp_path: Path, key: str, mode: str, provider: str = "acme", **fields: Any) -> dict[str, Any]:
    (row,) = read("litellm", litellm(key, mode, provider, **fields), tmp_path).to_dicts()
    return row


def test_litellm_states_tokens_context_capabilities_and_the_key_as_an_alias(tmp_path: Path) -> None:
    openai, together = read("litellm", LITELLM, tmp_path).to_dicts()
    assert (openai["provider"], openai["upstream_model"], openai["aliases"]) == ("openai", "gpt-4o", ["gpt-4o"])
    assert rates(openai) == {
        "input_per_million_tokens": Decimal("2.5"),
        "cached_input_per_million_tokens": Decimal("1.25"),
        "output_per_million_tokens": Decimal(10),
        "price_per_search": Decimal("0.035"),
    }
    assert (openai["context_window"], openai["max_output_tokens"]) == (128_000, 16_384)
    assert {"vision", "function_calling", "web_search", "text_generation"} <= set(openai["capabilities"])
    assert together["provider"] == "togetherai"
    assert together["upstream_model"] == "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    assert together["context_window"] == 131_072  # max_tokens, where nothing else is stated
    assert together["input_modalities"] is None  # not stated


@pytest.mark.parametrize(
    ("key", "mode", "fields", "task_type", "expected"),
    [
        (
            "whisper-1",
            "audio_transcription",
            {"input_cost_per_second": 1e-4},
            "speech_to_text",
            {"price_per_second": "0.0001"},
        ),
        (
            "best",
            "audio_transcription",
            {"input_cost_per_second": 0, "output_cost_per_second": 2e-4, "input_cost_per_token": 1e-6},
            "speech_to_text",
            {"price_per_second": "0.0002"},
        ),
        (
            "gpt-4o-transcribe",
            "audio_transcription",
            {"input_cost_per_token": 2.5e-6, "input_cost_per_audio_token": 6e-6, "output_cost_per_token": 1e-5},
            "speech_to_text",
            {"input_per_million_tokens": "6", "output_per_million_tokens": "10"},
        ),
        (
            "tts-1",
            "audio_speech",
            {"input_cost_per_character": 1.5e-5},
            "text_to_speech",
            {"price_per_million_characters": "15"},
        ),
        (
            "gpt-4o-mini-tts",
            "audio_speech",
            {"output_cost_per_second": 0.00025, "input_cost_per_token": 2.5e-6, "output_cost_per_token": 1e-5},
            "text_to_speech",
            {"price_per_second": "0.00025"},
        ),
        (
            "sora-2",
            "video_generation",
            {"output_cost_per_video_per_second": 0.1},
            "video_generation",
            {"price_per_second": "0.1"},
        ),
        ("veo-3", "video_generation", {"output_cost_per_second": 0.4}, "video_generation", {"price_per_second": "0.4"}),
        (
            "rerank-v3.5",
            "rerank",
            {"input_cost_per_query": 0.002, "input_cost_per_token": 0, "output_cost_per_token": 0},
            "rerank",
            {"price_per_search": "0.002"},
        ),
        (
            "rerank-2",
            "rerank",
            {"input_cost_per_token": 5e-8, "output_cost_per_token": 0},
            "rerank",
            {"input_per_million_tokens": "0.05", "output_per_million_tokens": "0"},
        ),
        ("tavily/search", "search", {"input_cost_per_query": 0.008}, "web_search", {"price_per_search": "0.008"}),
        (
            "text-embedding-3-small",
            "embedding",
            {"input_cost_per_token": 2e-8, "output_cost_per_token": 0},
            "embeddings",
            {"input_per_million_tokens": "0.02", "output_per_million_tokens": "0"},
        ),
        (
            "flux-pro",
            "image_generation",
            {"output_cost_per_image": 0.05},
            "image_generation",
            {"price_per_image": "0.05"},
        ),
        ("nova-canvas", "image_edit", {"input_cost_per_image": 0.06}, "image_generation", {"price_per_image": "0.06"}),
        (
            "sdxl",
            "image_generation",
            {"input_cost_per_pixel": 1.9e-8, "output_cost_per_pixel": 0},
            "image_generation",
            {"price_per_image": "0.019923"},
        ),
        (
            "gpt-image-2",
            "image_generation",
            {"output_cost_per_image_token": 3e-5},
            "image_generation",
            {"price_per_image": "0.03168"},
        ),
        (
            "gemini-3-pro-image",
            "image_generation",
            {"output_cost_per_image_token": 0.00012},
            "image_generation",
            {"price_per_image": "0.1344"},
        ),
        ("lyria-3-clip", "chat", {"output_cost_per_image": 0.04}, "music_generation", {"price_per_request": "0.04"}),
    ],
)
def test_litellm_prices_are_in_the_unit_a_model_is_sold_by(
    key: str, mode: str, fields: dict[str, Any], task_type: str, expected: dict[str, str], tmp_path: Path
) -> None:
    row = litellm_row(tmp_path, key, mode, **fields)
    assert row["task_type"] == task_type
    assert rates(row) == {name: Decimal(value) for name, value in expected.items()}


def test_litellm_prices_by_quality_and_size_are_one_model_at_its_standard_price(tmp_path: Path) -> None:
    def entry(price: float) -> dict[str, Any]:
        return {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": price}

    content = {
        "gpt-image-1": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 5e-6},
        "1024-x-1024/gpt-image-1": entry(0.5),
        "low/1024-x-1024/gpt-image-1": entry(0.011),
        "medium/1024-x-1024/gpt-image-1": entry(0.042),
        "high/1024-x-1024/gpt-image-1": entry(0.167),
        "medium/1536-x-1024/gpt-image-1": entry(0.063),
        "dall-e-3": entry(0.12),
        "hd/1024-x-1024/dall-e-3": entry(0.08),
        "standard/1024-x-1024/dall-e-3": entry(0.04),
        "1024-x-1024/50-steps/sdxl": entry(0.01),
        "sdxl": {"litellm_provider": "openai", "mode": "image_generation"},
    }
    found = {row["upstream_model"]: rates(row) for row in read("litellm", content, tmp_path).to_dicts()}
    assert found == {
        "gpt-image-1": {"price_per_image": Decimal("0.042")},
        "dall-e-3": {"price_per_image": Decimal("0.04")},
        "sdxl": {"price_per_image": Decimal("0.01")},
    }


def test_litellm_entries_that_are_no_models_are_left_out(tmp_path: Path) -> None:
    others = {
        "sample_spec": {"mode": "one of: chat, embedding", "litellm_provider": "one of the supported providers"},
        "fallback_generalizations": {"chat": ["gpt-4o"]},
        "fireworks_ai/accounts/fireworks/models/": ENTRY | {"mode": "embedding"},
        "ft:gpt-4o": ENTRY,
        "omni-moderation-latest": ENTRY | {"mode": "moderation"},
        "gpt-realtime": ENTRY | {"mode": "realtime"},
        "mistral-ocr": ENTRY | {"mode": "ocr"},
    }
    assert read("litellm", LITELLM | others, tmp_path)["upstream_model"].to_list() == [
        "gpt-4o",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ]


def test_litellm_tells_how_a_text_model_is_called_and_when_it_retires(tmp_path: Path) -> None:
    modes = {"chat": "chat", "completion": "completions", "responses": "responses"}
    for mode, interface in modes.items():
        row = litellm_row(tmp_path, "m", mode, deprecation_date="2026-10-15")
        assert (row["interface"], row["retired_on"]) == (interface, date(2026, 10, 15))


@pytest.mark.parametrize(
    ("mode", "fields", "edits"),
    [
        ("image_generation", {}, False),
        ("image_generation", {"supported_endpoints": ["/v1/images/generations"]}, False),
        ("image_generation", {"supported_endpoints": ["/v1/images/generations", "/v1/images/edits"]}, True),
        ("image_generation", {"supported_modalities": ["text", "image"]}, True),
        ("image_edit", {}, True),
    ],
)
def test_litellm_tells_which_image_models_edit(mode: str, fields: dict[str, Any], edits: bool, tmp_path: Path) -> None:
    assert ("image_edit" in litellm_row(tmp_path, "m", mode, **fields)["capabilities"]) == edits


def test_litellm_chat_models_that_give_no_text_are_what_they_give(tmp_path: Path) -> None:
    for outputs, task_type in (
        (["audio"], "text_to_speech"),
        (["image"], "image_generation"),
        (["video"], "video_generation"),
        (["text", "image"], "text_generation"),
    ):
        row = litellm_row(tmp_path, "m", "chat", supported_output_modalities=outputs)
        assert row["task_type"] == task_type


# --- models.dev -------------------------------------------------------------------------------------------------------


def test_modelsdev_states_dates_weights_and_modalities(tmp_path: Path) -> None:
    entry = modelsdev(
        "groq", "m", modalities={"input": ["text", "image", "pdf"], "output": ["text"]}, status="deprecated"
    )
    (row,) = read("modelsdev", entry, tmp_path).to_dicts()
    assert (row["released_on"], row["open_weights"], row["deprecated"]) == (date(2024, 12, 6), True, True)
    assert (row["context_window"], row["max_output_tokens"]) == (131_072, 32_768)
    assert row["input_modalities"] == ["file", "image", "text"]
    assert {"vision", "pdf_input", "function_calling"} <= set(row["capabilities"])
    assert rates(row) == {"input_per_million_tokens": Decimal("0.59"), "output_per_million_tokens": Decimal("0.79")}


@pytest.mark.parametrize("indent", [None, 2])
def test_the_live_answer_and_the_saved_table_of_modelsdev_say_the_same(indent: int | None, tmp_path: Path) -> None:
    entries = [modelsdev("groq", "a"), modelsdev("groq", "b/c"), modelsdev("openai", "gpt-4o")]
    live: dict[str, Any] = {}
    for entry in entries:
        bare = {name: value for name, value in entry.items() if name not in ("provider", "model")}
        live.setdefault(entry["provider"], {"id": entry["provider"], "models": {}})["models"][entry["model"]] = bare
    saved = b"\n".join(json.dumps(entry).encode() for entry in entries) + b"\n"
    expected = read("modelsdev", saved, tmp_path)
    assert len(expected) == 3
    assert read("modelsdev", json.dumps(live, indent=indent).encode() + b"\n", tmp_path).equals(expected)


def test_modelsdev_rows_whose_provider_was_overwritten_are_left_out(tmp_path: Path) -> None:
    override = {"npm": "@ai-sdk/amazon-bedrock/mantle", "shape": "responses"}
    rows = [modelsdev(override, "openai.gpt-5.4"), MODELSDEV]
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    assert read("modelsdev", lines, tmp_path)["provider"].to_list() == ["groq"]


def test_the_override_in_modelsdevs_live_answer_tells_how_the_model_is_called(tmp_path: Path) -> None:
    bare = {name: value for name, value in MODELSDEV.items() if name not in ("provider", "model")}
    models = {"openai.gpt-5.4": bare | {"provider": {"shape": "responses"}}, "other": bare}
    rows = read("modelsdev", {"amazon-bedrock": {"models": models}}, tmp_path).to_dicts()
    assert [(row["provider"], row["interface"]) for row in rows] == [
        ("amazon-bedrock", "responses"),
        ("amazon-bedrock", None),
    ]


@pytest.mark.parametrize(
    ("model", "inputs", "outputs", "task_type"),
    [
        ("gemini-2.5-flash-image", ["text", "image"], ["text", "image"], "image_generation"),
        ("some-painter", ["text"], ["image"], "image_generation"),
        ("some-voice", ["text"], ["audio"], "text_to_speech"),
        ("some-ear", ["audio"], ["text"], "speech_to_text"),
        ("some-director", ["text"], ["video"], "video_generation"),
        ("bge-m3", ["text"], ["text"], "embeddings"),
        ("lyria-3-pro-preview", ["text"], ["audio"], "music_generation"),
        ("qwen3-omni", ["text", "audio"], ["text", "audio"], "text_generation"),
    ],
)
def test_modelsdev_models_are_sorted_by_name_and_by_what_comes_out(
    model: str, inputs: list[str], outputs: list[str], task_type: str, tmp_path: Path
) -> None:
    entry = modelsdev("acme", model, modalities={"input": inputs, "output": outputs})
    (row,) = read("modelsdev", entry, tmp_path).to_dicts()
    assert row["task_type"] == task_type
    if task_type in ("image_generation", "video_generation", "music_generation"):
        assert rates(row) == {}  # a price of tokens says nothing of a picture's


# --- OpenRouter -------------------------------------------------------------------------------------------------------


def test_openrouter_states_prices_slug_and_parameters(tmp_path: Path) -> None:
    (row,) = read("openrouter", OPENROUTER, tmp_path).to_dicts()
    assert (row["provider"], row["upstream_model"]) == ("openrouter", "anthropic/claude-sonnet-4.5")
    assert row["aliases"] == ["anthropic/claude-4.5-sonnet-20250929"]
    assert rates(row) == {
        "input_per_million_tokens": Decimal(3),
        "cached_input_per_million_tokens": Decimal("0.3"),
        "output_per_million_tokens": Decimal(15),
        "price_per_search": Decimal("0.01"),
    }
    assert (row["released_on"], row["max_output_tokens"]) == (date(2025, 9, 29), 64_000)
    assert {"vision", "pdf_input", "reasoning", "web_search", "structured_output"} <= set(row["capabilities"])
    assert row["deprecated"] is False


def test_openrouter_images_are_priced_by_their_makers_tokens(tmp_path: Path) -> None:
    for model, per_token, expected in (
        ("google/gemini-2.5-flash-image", "0.00003", "0.0387"),
        ("openai/gpt-5-image", "0.00004", "0.04224"),
    ):
        content = openrouter(model, {"prompt": "0.000002", "image_output": per_token}, ["image", "text"])
        (row,) = read("openrouter", content, tmp_path).to_dicts()
        assert row["task_type"] == "image_generation"
        assert rates(row) == {"price_per_image": Decimal(expected)}


def test_openrouter_announces_when_a_model_goes(tmp_path: Path) -> None:
    pricing = {"prompt": "0.000001", "completion": "0.000002"}
    content = openrouter("a/b", pricing, expiration_date="2026-09-30", created=10**15)
    (row,) = read("openrouter", content, tmp_path).to_dicts()
    assert (row["retired_on"], row["released_on"]) == (date(2026, 9, 30), None)


# --- genai-prices -----------------------------------------------------------------------------------------------------


def genai(tmp_path: Path, prices: object, model: str = "m", provider: str = "openai") -> list[dict[str, Any]]:
    content = [{"id": provider, "models": [{"id": model, "prices": prices}]}]
    return read("genai-prices", content, tmp_path).to_dicts()


def test_genai_prices_begin_on_their_days_and_the_undated_one_before_all(tmp_path: Path) -> None:
    rows = genai(
        tmp_path,
        [
            {"prices": {"input_mtok": 10, "output_mtok": 40}},
            {"constraint": {"start_date": "2025-06-10"}, "prices": {"input_mtok": 2, "output_mtok": 8}},
        ],
    )
    assert [(row["valid_from"], int(row["input_per_million_tokens"])) for row in rows] == [
        (date(1970, 1, 1), 10),
        (date(2025, 6, 10), 2),
    ]


def test_a_price_without_any_date_holds_since_it_was_read(tmp_path: Path) -> None:
    assert [row["valid_from"] for row in genai(tmp_path, {"input_mtok": 1, "output_mtok": 2})] == [READ_ON]


def test_of_genai_prices_by_the_hour_the_dearest_stands(tmp_path: Path) -> None:
    (row,) = genai(
        tmp_path,
        [
            {"prices": {"input_mtok": 0.135, "output_mtok": 0.55}},
            {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices": {"input_mtok": 0.27}},
            {"constraint": {"start_time": "16:30:00Z"}, "prices": {"input_mtok": 0.27, "output_mtok": 1.1}},
        ],
    )
    assert rates(row) == {"input_per_million_tokens": Decimal("0.27"), "output_per_million_tokens": Decimal("1.1")}


def test_genai_tiers_count_with_their_base_price(tmp_path: Path) -> None:
    tiers = {"input_mtok": {"base": 1.25, "tiers": [{"start": 200000, "price": 2.5}]}, "output_mtok": 10}
    (row,) = genai(tmp_path, tiers)
    assert rates(row) == {"input_per_million_tokens": Decimal("1.25"), "output_per_million_tokens": Decimal(10)}


def test_genai_copies_behind_hugging_face_are_left_out(tmp_path: Path) -> None:
    content = [*GENAI_PRICES, {"id": "huggingface_groq", "models": GENAI_PRICES[0]["models"]}]
    assert read("genai-prices", content, tmp_path)["provider"].to_list() == ["deepseek"]


def test_genai_models_are_sorted_by_name(tmp_path: Path) -> None:
    for model, task_type in (
        ("voyage-3", "embeddings"),
        ("bge-m3", "embeddings"),
        ("deepseek-chat", "text_generation"),
    ):
        assert genai(tmp_path, {"input_mtok": 1}, model)[0]["task_type"] == task_type


# --- Names and values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "task_type"),
    [
        ("BAAI/bge-reranker-v2-m3", "rerank"),
        ("cohere.rerank-v3-5:0", "rerank"),
        ("workers-ai/@cf/baai/bge-base-en-v1.5", "embeddings"),
        ("intfloat/multilingual-e5-large-instruct", "embeddings"),
        ("all-mini-lm-l6-v2", "embeddings"),
        ("gemini-embedding-2-preview", "embeddings"),
        ("openai/whisper-large-v3-turbo", "speech_to_text"),
        ("gpt-4o-mini-transcribe", "speech_to_text"),
        ("qwen3-asr-flash", "speech_to_text"),
        ("gemini-2.5-flash-preview-tts", "text_to_speech"),
        ("@cf/myshell-ai/melotts", "text_to_speech"),
        ("accounts/fireworks/models/flux-1-dev", "image_generation"),
        ("google/nano-banana", "image_generation"),
        ("openai/gpt-5.4-image-2", "image_generation"),
        ("wan2.7-image-pro", "image_generation"),
        ("google/veo-3.1-generate-preview", "video_generation"),
        ("fal-ai/kling-v2.6", "video_generation"),
        ("google/lyria-3-clip-preview", "music_generation"),
        # Names that only look like one of these.
        ("thinkingmachines/inkling-small", None),
        ("Gemma-4-31B-Musica-v1", None),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", None),
        ("gpt-4o-audio-preview", None),
        ("nvidia/nemotron-3-nano-omni", None),
        ("mistral-small-latest", None),
        ("google/gemini-2.5-flash", None),
        ("openai/gpt-5-mini", None),
        ("deepseek-ai/DeepSeek-V3.2", None),
        ("moonshotai/kimi-k2.6", None),
        ("relace/relace-apply-3", None),
    ],
)
def test_a_name_gives_the_task_type_away(model: str, task_type: str | None) -> None:
    assert task_type_of(model) == task_type


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        ("vertex_ai-language-models", "google-vertex"),
        ("fireworks_ai-embedding-models", "fireworks-ai"),
        ("bedrock_converse", "amazon-bedrock"),
        ("together_ai", "togetherai"),
        ("OpenAI", "openai"),
        ("gemini", "google"),
        ("some_new_cloud", "some-new-cloud"),
    ],
)
def test_a_provider_has_one_slug_however_it_is_written(written: str, slug: str) -> None:
    assert providers.slug(written) == slug
    assert providers.slug(slug) == slug


def test_numbers_are_taken_exactly_as_written() -> None:
    assert decimal(1.9e-08) == Decimal("1.9E-8")
    assert per_million(2.5e-06) == Decimal("2.5")
    assert per_million("0.00000014") == Decimal("0.14")
    assert per_million(10**4) is None
    assert [integer(value) for value in (8192.0, "4096", 0, -1, 0.5, "many", None, True, 10**15)] == [
        8192, 4096, None, None, None, None, None, None, None,
    ]  # fmt: skip


def test_days_are_read_from_what_begins_with_one() -> None:
    assert day("2025-09-29T10:00:00Z") == date(2025, 9, 29)
    assert day("2025-09") == date(2025, 9, 1)
    assert [day(value) for value in ("2025", "soon", "2025-13-01", "", None, 20250929)] == [None] * 6
    assert [epoch_day(value) for value in (0, -5, 10**12, "1759161676", True, None)] == [None] * 6
