"""A model's many spellings read as one name, its creator and its line. The spellings are published ids."""

import doctest
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog import identity
from greatrouter_catalog.identity import canonical_name, creator, family, identify

# canonical name, creator, family, spellings
MODELS = [
    (
        "claude-sonnet-3-5 anthropic claude-sonnet",
        "anthropic.claude-3-5-sonnet-20241022-v2:0 | apac.anthropic.claude-3-5-sonnet-20240620-v1:0 | "
        "claude-3-5-sonnet-20240620 | claude-3-5-sonnet-latest | anthropic/claude-3.5-sonnet | "
        "claude-3.5-sonnet-v2 | vertex_ai/claude-3-5-sonnet-v2@20241022 | anthropic--claude-3.5-sonnet | "
        "Claude-3.5-Sonnet-20241022",
    ),
    (
        "claude-opus-4-6 anthropic claude-opus",
        "us.anthropic.claude-opus-4-6-v1 | claude-opus-4-6 | claude-opus-4.6 | claude-opus-4-6-high | "
        "claude-opus-4-6@default | claude-opus4-6 | anthropic/claude-opus-4.6:thinking | "
        "anthropic/claude-opus-4.6:thinking:max | databricks-claude-opus-4-6 | claude-4.6-opus | "
        "anthropic/claude-opus-4.6-fast | claude-opus-4-6-search",
    ),
    (
        "claude-sonnet-4 anthropic claude-sonnet",
        "claude-sonnet-4 | claude-4-sonnet | claude-4.0-sonnet | claude-sonnet-4-0 | claude-sonnet-4-20250514 | "
        "claude-sonnet-4@20250514 | claude-sonnet-4-thinking:32768 | claude-4-sonnet-20250514-base",
    ),
    ("claude-sonnet-4-5 anthropic claude-sonnet", "vertex_ai/claude-sonnet-4-5@20250929 | claude-4.5-sonnet"),
    (
        "gpt-4o openai gpt-4o",
        "azure/gpt-4o-2024-11-20 | gpt-4o-2024-05-13 | azure/global-standard/gpt-4o-2024-08-06 | "
        "openai-gpt-4o | azure-gpt-4o",
    ),
    ("gpt-4o-mini openai gpt-4o", "gpt-4o-mini-2024-07-18 | openai/gpt-4o-mini | azure/us/gpt-4o-mini-2024-07-18"),
    ("chatgpt-4o openai gpt-4o", "chatgpt-4o-latest | chatgpt-4o-latest-20250326 | openai/chatgpt-4o-latest"),
    ("gpt-3-5-turbo openai gpt-3.5", "azure/gpt-35-turbo | gpt-3.5-turbo-0125 | openai/gpt-3.5-turbo"),
    ("gpt-5-2 openai gpt-5.2", "openai-gpt-52 | gpt-5.2-2025-12-11 | databricks-gpt-5-2 | gpt-5.2-high"),
    (
        "gpt-oss-120b openai gpt-oss",
        "openai.gpt-oss-120b-1:0 | @cf/openai/gpt-oss-120b | gpt-oss:120b | gpt-oss-120b-maas",
    ),
    (
        "gpt-image-1-5 openai gpt-image-1.5",
        "high/1024-x-1024/gpt-image-1.5-2025-12-16 | gpt-image-1.5-high-fidelity",
    ),
    ("o3-mini openai o3", "o3-mini-2025-01-31 | openai/o3-mini-high | azure-o3-mini"),
    ("llama-3-1-405b-instruct meta llama-3.1", "Llama-3.1-405B-Instruct | Meta-Llama-3.1-405B-Instruct-Turbo"),
    (
        "llama-3-1-8b-instruct meta llama-3.1",
        "accounts/fireworks/models/llama-v3p1-8b-instruct | groq/llama-3.1-8b-instant | "
        "meta.llama3-1-8b-instruct-v1:0 | @cf/meta/llama-3.1-8b-instruct-awq | "
        "meta-llama-3_1-8b-instruct-gguf | llama3.1-8b-instruct",
    ),
    ("llama-3-1-8b meta llama-3.1", "cerebras/llama3.1-8b"),
    ("llama-3-70b-instruct meta llama-3", "bedrock/us-gov-west-1/meta.llama3-70b-instruct-v1:0"),
    (
        "llama-3-3-70b meta llama-3.3",
        "meta-llama/Llama-3.3-70B-Instruct | llama-3.3-70b-versatile | llama-3.3-70b | "
        "meta.llama3-3-70b-instruct-v1:0 | llama-3.3-70b-instruct-fp8-fast | "
        "Llama-3.3-70B-Instruct-Turbo-Free",
    ),
    (
        "llama-4-maverick meta llama-4-maverick",
        "Llama-4-Maverick-17B-128E-Instruct-FP8 | llama4-maverick-instruct-basic",
    ),
    ("gemini-3-pro google gemini-3-pro", "gemini-3-pro | gemini-3-pro-preview | google/gemini-3.0-pro-preview"),
    ("gemini-2-5-flash google gemini-2.5-flash", "gemini-2.5-flash-preview-05-20:thinking | gemini-2-5-flash"),
    ("gemini-2-5-flash-lite google gemini-2.5-flash", "gemini-2.5-flash-lite-preview-09-2025-no-thinking"),
    ("gemini-2-flash google gemini-2-flash", "gemini-2.0-flash-001 | google/gemini-2.0-flash"),
    ("gemini-embedding-001 google gemini-embedding", "gemini/gemini-embedding-001"),
    ("gemma-4-31b google gemma-4", "gemma-4-31b | google/gemma-4-31b-it | gemma4:31b | gemma-4-31b-it:free"),
    ("veo-3-1 google veo-3.1", "gemini/veo-3.1-generate-preview | google/veo3.1 | veo-3.1-audio-1080p"),
    ("imagen-4-ultra google imagen-4", "imagen-4.0-ultra-generate-001 | imagen-ultra-4.0-generate-001"),
    ("deepseek-v3 deepseek deepseek-v3", "accounts/fireworks/models/deepseek-v3 | deepseek.v3-v1:0 | DeepSeek-V3"),
    (
        "deepseek-v3-0324 deepseek deepseek-v3",
        "deepseek-chat-v3-0324 | DeepSeek V3 (0324) | deepseek-ai/DeepSeek-V3-0324",
    ),
    (
        "deepseek-v3-2 deepseek deepseek-v3.2",
        "deepseek.v3.2 | deepseek-3.2 | deepseek-v3.2-251201 | deepseek-v3.2:thinking",
    ),
    (
        "qwen3-235b qwen qwen3",
        "Qwen/Qwen3-235B-A22B | qwen-3-235b | qwen3-235b-a22b-fp8 | qwen3-235b-a22b-no-thinking",
    ),
    ("qwen3-235b-2507 qwen qwen3", "qwen3-235b-a22b-instruct-2507-maas | qwen/qwen3-235b-a22b-2507"),
    ("qwen3-235b-thinking-2507 qwen qwen3", "qwen3-235b-a22b-thinking-2507 | qwen3-235b-a22b-thinking-2507-tee"),
    (
        "qwen3-coder qwen qwen3-coder",
        "qwen3-coder:480b | qwen3-coder-480b-a35b-instruct | qwen3-coder-480b-a35b-v1:0",
    ),
    ("qwen2-5-0-5b-instruct qwen qwen2.5", "qwen2p5-0p5b-instruct | Qwen2.5-0.5B-Instruct"),
    ("qwen3-embedding-0-6b qwen qwen3-embedding", "qwen3-embedding-0p6b | Qwen/Qwen3-Embedding-0.6B"),
    (
        "minimax-m2-7 minimax minimax-m2.7",
        "MiniMax-M2.7 | minimax/minimax-m2.7:free | minimax-m27 | minimax-m2.7-highspeed",
    ),
    ("glm-4-6 zai glm-4.6", "zai-org/GLM-4.6 | zai-glm-4.6 | glm-4p6 | z-ai/glm-4.6:exacto"),
    (
        "kimi-k2 moonshotai kimi-k2",
        "moonshotai/Kimi-K2-Instruct | kimi-k2-0711-preview | kimi-k2:1t | kimi-k2-instruct-fp4",
    ),
    ("kimi-k2-thinking moonshotai kimi-k2", "moonshot.kimi-k2-thinking | kimi-k2-thinking-turbo"),
    ("kimi-k2-5 moonshotai kimi-k2.5", "kimi-k2p5 | kimi-k2.5-thinking | kimi-k2.5-instant | moonshotai.kimi-k2.5"),
    ("grok-4 xai grok-4", "xai/grok-4-0709 | x-ai/grok-4 | grok-4-latest | grok-4 (high)"),
    ("mistral-large-3 mistral mistral-large", "mistral-large-2512 | mistral-large-3:675b | mistral-large-3-fp8"),
    ("mistral-small-3-2 mistral mistral-small", "mistral-small-2506 | Mistral-Small-3.2-24B-Instruct-2506"),
    ("mistral-medium-3-1 mistral mistral-medium", "mistral-medium-2508 | mistralai/mistral-medium-3.1"),
    ("mistral-nemotron nvidia mistral-nemotron", "nvidia/mistral-nemotron"),
    ("nemotron-3-super nvidia nemotron-3", "nvidia.nemotron-super-3-120b | nvidia-nemotron-3-super-120b-a12b-nvfp4"),
    ("command-r-plus cohere command-r", "Command R+ | command-r-plus-08-2024 | cohere.command-r-plus-v1:0"),
    (
        "embed-english-v3 cohere embed",
        "cohere-embed-v3-english | embed-english-v3.0 | Cohere/Cohere-embed-english-v3.0",
    ),
    ("embed-v4 cohere embed-v4", "cohere.embed-v4:0 | embed-v-4-0 | Cohere/Cohere-embed-v4.0"),
    ("nova-pro amazon nova", "us.amazon.nova-pro-v1:0 | amazon-nova-pro-v1.0 | amazon/nova-pro"),
    (
        "titan-embed-text-v2 amazon titan-embed-text-v2",
        "amazon.titan-embed-text-v2:0 | bedrock/amazon-titan-embed-text-v2",
    ),
    ("flux-1-1-pro-ultra black-forest-labs flux-1.1", "fal_ai/fal-ai/flux-pro/v1.1-ultra | flux-pro-1.1-ultra"),
    ("flux-1-dev black-forest-labs flux-1", "aiml/flux/dev | black-forest-labs/FLUX.1-dev | flux-1-dev-fp8"),
    (
        "stable-diffusion-3-5-large stability stable-diffusion-3.5",
        "stability.sd3-5-large-v1:0 | stable-diffusion-v35-large",
    ),
    ("seedance-2 bytedance seedance-2", "dreamina-seedance-2.0-720p | bytedance/seedance-2.0"),
    ("seed-1-6 bytedance seed-1.6", "doubao-seed-1-6-250615 | bytedance-seed/seed-1.6"),
    ("text-embedding-3-large openai text-embedding-3", "azure/text-embedding-3-large"),
    ("nomic-embed-text-v1-5 nomic nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v1.5"),
]
CASES = [(spelling, *facts.split()) for facts, text in MODELS for spelling in text.split(" | ")]


@pytest.mark.parametrize(("spelling", "name", "maker", "line"), CASES)
def test_a_spelling_is_read_as_its_model(spelling: str, name: str, maker: str, line: str) -> None:
    assert canonical_name(spelling) == name
    assert creator(spelling, None) == maker
    assert family(spelling) == line


def test_the_table_is_wide_enough_to_mean_something() -> None:
    assert len({spelling for spelling, *_ in CASES}) == len(CASES) >= 120


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("llama-3.1-8b", "llama-3.1-8b-instruct"),
        ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct"),
        ("deepseek-v3", "deepseek-v3-0324"),
        ("deepseek-v3.2", "deepseek-v3.2-exp"),
        ("kimi-k2", "kimi-k2-thinking"),
        ("qwen3-235b-a22b-instruct-2507", "qwen3-235b-a22b-thinking-2507"),
        ("qwen3-max", "qwen3-max-preview"),
        ("grok-4-fast-reasoning", "grok-4-fast-non-reasoning"),
        ("gpt-4-turbo", "gpt-4"),
        ("veo-3-fast", "veo-3"),
        ("mistral-large-2407", "mistral-large-2512"),
        ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"),
        ("anthropic.claude-v1", "anthropic.claude-v2:1"),
        ("gpt-5", "gpt-5-search-api"),
        ("gpt-4o", "ft:gpt-4o-2024-08-06"),
        ("exa_ai/search", "tavily/search"),
        ("stability/sd3-large", "stability/sd3.5-large"),
        ("text-embedding-004", "text-embedding-005"),
        ("minimax-m2", "minimax-m2.5"),
    ],
)
def test_what_makes_another_model_is_kept(one: str, other: str) -> None:
    assert canonical_name(one) != canonical_name(other)


@pytest.mark.parametrize(
    ("published", "name", "effort", "snapshot"),
    [
        ("claude-opus-4-6", "claude-opus-4-6", None, None),
        ("GPT 5.6 Sol (xHigh)", "gpt-5-6-sol", "xhigh", None),
        ("gpt-5.5-xhigh (codex-harness)", "gpt-5-5", "xhigh", None),
        ("claude-opus-4-20250514-thinking-16k", "claude-opus-4", "thinking-16k", "2025-05-14"),
        ("claude-opus-4-5-20251101-high-32k", "claude-opus-4-5", "high-32k", "2025-11-01"),
        ("claude-3-7-sonnet-20250219 (32k thinking tokens)", "claude-sonnet-3-7", "thinking-32k", "2025-02-19"),
        ("claude-sonnet-4-20250514 (no thinking)", "claude-sonnet-4", "no-thinking", "2025-05-14"),
        ("o1-2024-12-17 (temperature=1, reasoning=medium)", "o1", "medium", "2024-12-17"),
        ("gpt-5.1-2025-11-13-nothinking", "gpt-5-1", "no-thinking", "2025-11-13"),
        ("kimi-k2.5-instant", "kimi-k2-5", "no-thinking", None),
        ("kimi-k3-max", "kimi-k3", "max", None),
        ("gpt-image-2 (medium)", "gpt-image-2", "medium", None),
        ("gemini-3-pro-image-2k (nano-banana-pro)", "gemini-3-pro-image", "2k", None),
        ("grok-imagine-video-720p", "grok-imagine-video", "720p", None),
        ("ppl-sonar-pro-high", "sonar-pro", "high", None),
        ("GPT-4-Turbo (April 2024)", "gpt-4-turbo", None, "2024-04-01"),
        ("gemini-2.5-pro-preview-05-06", "gemini-2-5-pro", None, "0000-05-06"),
        # Words that are settings elsewhere and names here.
        ("mistral-medium", "mistral-medium", None, None),
        ("qwen3.8-max", "qwen3-8-max", None, None),
        ("gpt-5.1-codex-max", "gpt-5-1-codex-max", None, None),
        ("gpt-5.1-codex-max-high", "gpt-5-1-codex-max", "high", None),
        ("stable-diffusion-3.5-medium", "stable-diffusion-3-5-medium", None, None),
        ("gpt-5.5-instant", "gpt-5-5-instant", None, None),
    ],
)
def test_settings_and_dates_are_parted_from_the_name(
    published: str, name: str, effort: str | None, snapshot: str | None
) -> None:
    assert identify(published) == identity.Identity(name, effort, snapshot)


@pytest.mark.parametrize(
    ("raw", "provider", "expected"),
    [
        ("nova-2-general", "deepgram", "deepgram"),
        ("nova-lite", None, "amazon"),
        ("amazon.rerank-v1:0", "bedrock", "amazon"),
        ("rerank-v3.5", None, "cohere"),
        ("voyage/rerank-2.5", "voyage", "voyage"),
        ("deepseek-v4-pro", "tencent", "deepseek"),
        ("nvidia/llama-3.1-nemotron-70b-instruct", "openrouter", "nvidia"),
        ("unknown-model", "SpaceXAI", "xai"),
        ("z-ai/unknown-model", "openrouter", "zai"),
        ("thedrummer/rocinante-12b", "openrouter", None),
        ("unknown-model", None, None),
    ],
)
def test_the_creator_is_the_maker_rather_than_the_server(raw: str, provider: str | None, expected: str | None) -> None:
    assert creator(raw, provider) == expected


WORDS = sorted({word for spelling, *_ in CASES for word in re.split(r"[^A-Za-z0-9.]+", spelling) if word})
MADE_UP = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(list("-./:_@ ("))), max_size=9).map(
    lambda pairs: "".join(word + mark for word, mark in pairs)
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), MADE_UP))
def test_any_text_reads_as_a_slug_that_reads_as_itself(raw: str) -> None:
    name = canonical_name(raw)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*|", name)
    assert canonical_name(name) == name
    assert re.fullmatch(r"[a-z0-9.-]*", family(raw))
    assert family(name) == family(raw)
    assert creator(raw, raw) is None or re.fullmatch(r"[a-z0-9-]+", str(creator(raw, raw)))


@given(st.sampled_from(CASES), st.sampled_from(["", "us.", "openrouter/", "a/b/"]), st.sampled_from(["", ":free"]))
def test_where_and_how_it_is_served_changes_nothing(case: tuple[str, str, str, str], before: str, after: str) -> None:
    assert canonical_name(f"{before}{case[1]}{after}") == case[1]


def test_docstring_examples_hold() -> None:
    results = doctest.testmod(identity)
    assert results.attempted > 0
    assert results.failed == 0
