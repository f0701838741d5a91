"""The terms on which an endpoint serves: from its name, its provider, its capabilities or the settings."""

from typing import Any

import pytest

from greatrouter_catalog.arrays import ModelArrays, mask
from greatrouter_catalog.catalog import Catalog, with_models
from greatrouter_catalog.model import Model
from greatrouter_catalog.taxonomy import CAPABILITIES
from greatrouter_catalog.terms import COMMON, PARAMETERS, PARAMETERS_OF_CAPABILITY, QUANTIZATIONS, WORDS, Terms
from tests.catalog.examples import facts_of, offers, text_offer
from tests.catalog.test_catalog import configured


def catalog(*extra: Model, name: str = "m-1", terms: dict[str, Terms] | None = None, **fields: Any) -> Catalog:
    facts = facts_of(offers("litellm", text_offer("acme", name, **fields)))
    return Catalog(with_models(facts.models, extra, terms), facts.scores, "v", facts.report)


def supported(arrays: ModelArrays, row: int = 0) -> set[str]:
    return {name for i, name in enumerate(PARAMETERS) if arrays.parameters[row] >> i & 1}


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("llama-3.1-8b-instruct-FP8", "fp8"),
        ("@cf/meta/llama-2-7b-chat-int8", "int8"),
        ("qwen3-32b-awq", "int4"),
        ("nemotron-nvfp4", "fp4"),
        ("gemma-4-MLX-4bit", "int4"),
        ("m-bf16-fast", "bf16"),
        ("m-1", None),
        ("afp8-model", None),
        ("m-fp80", None),
    ],
)
def test_a_name_may_carry_the_quantization(name: str, quantization: str | None) -> None:
    found = catalog(name=name)

    assert found.model(0).quantization == quantization
    assert QUANTIZATIONS[found.arrays.quantization[0]] == (quantization or "unknown")


def test_what_nobody_has_stated_is_not_known() -> None:
    found = catalog()
    model = found.model(0)

    assert (model.data_collection, model.zero_data_retention, model.supported_parameters) == (None, None, None)
    assert not found.arrays.no_collection[0]
    assert not found.arrays.zero_retention[0]


def test_parameters_follow_from_the_capabilities_where_nobody_has_listed_them() -> None:
    assert supported(catalog().arrays) == set(COMMON)
    able = catalog(capabilities=["function_calling", "reasoning"])
    implied = (*PARAMETERS_OF_CAPABILITY["function_calling"], *PARAMETERS_OF_CAPABILITY["reasoning"])
    assert supported(able.arrays) == {*COMMON, *implied}


def test_a_provider_promises_for_all_its_models() -> None:
    private = Terms(data_collection="deny", zero_data_retention=None)

    assert catalog(terms={"acme": private}).model(0).data_collection == "deny"
    assert catalog(terms={"acme": private}).arrays.no_collection[0]
    assert not catalog(terms={"acme": private}).arrays.zero_retention[0]
    assert catalog(terms={"other": private}).model(0).data_collection is None
    assert not catalog(terms={"acme": Terms(data_collection="allow")}).arrays.no_collection[0]


def test_whoever_keeps_nothing_collects_nothing() -> None:
    found = catalog(terms={"acme": Terms(zero_data_retention=True)})

    assert found.arrays.zero_retention[0]
    assert found.arrays.no_collection[0]


def test_a_configured_model_states_its_own_terms() -> None:
    stated = {
        "quantization": "fp8",
        "data_collection": "deny",
        "zero_data_retention": True,
        "supported_parameters": ("temperature", "seed", "not-known-here"),
    }
    found = catalog(configured(**stated))

    assert {name: getattr(found.model(1), name) for name in stated} == stated
    assert supported(found.arrays, 1) == {"temperature", "seed"}
    assert supported(catalog(configured(supported_parameters=())).arrays, 1) == set()
    assert found.arrays.zero_retention.tolist() == [False, True]


def test_a_configured_price_keeps_what_is_known_of_the_terms() -> None:
    own = configured("acme/m-fp8", "acme")
    promised = {"acme": Terms(zero_data_retention=True)}

    kept = catalog(own, name="m-fp8", terms=promised).model(0)
    assert (kept.quantization, kept.zero_data_retention) == ("fp8", True)
    changed = catalog(configured("acme/m-fp8", "acme", zero_data_retention=False), name="m-fp8", terms=promised)
    assert changed.model(0).zero_data_retention is False


def test_what_is_served_here_keeps_nothing_and_takes_everything() -> None:
    arrays = catalog(configured(hosted=True)).arrays

    assert (arrays.zero_retention[1], arrays.no_collection[1]) == (True, True)
    assert supported(arrays, 1) == set(PARAMETERS)


def test_the_vocabularies_are_sound() -> None:
    assert len(set(PARAMETERS)) == len(PARAMETERS) <= 32
    assert set(WORDS.values()) < set(QUANTIZATIONS)
    assert set(PARAMETERS_OF_CAPABILITY) < set(CAPABILITIES)
    assert mask(PARAMETERS, PARAMETERS) == 2 ** len(PARAMETERS) - 1
