"""Catalog rows for what the operator configured: models of one's own servers, and the models this process serves."""

from collections.abc import Iterator
from dataclasses import replace

from greatrouter_api.settings import LocalModelSettings, ModelSettings, ProviderSettings, Settings
from greatrouter_catalog import identity
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import ANTHROPIC, ANTHROPIC_CACHE_WRITE, PRICE_FIELDS, Pricing
from greatrouter_catalog.taxonomy import OWN_CAPABILITY, TASK_TYPES, TASK_TYPES_OF
from greatrouter_catalog.terms import Terms

LOCAL = "local"
# Whoever can do one of these takes pictures.
SEEING = frozenset({"vision", "image_edit"})


def models(settings: Settings) -> list[Model]:
    """Rows of configured providers first, then the models served here, one for each task they do."""
    upstreams = _upstreams(settings)
    own = [
        _proxied(name, provider, model, identity.canonical_name(upstreams[model.id]))
        for name, provider in settings.providers.items()
        for model in provider.models
    ]
    return own + [row for local in settings.local_models for row in _hosted(local)]


def terms(settings: Settings) -> dict[str, Terms]:
    """What each configured provider promises, for the models that the catalog knows of it."""
    return {
        name: Terms(provider.data_collection, provider.zero_data_retention)
        for name, provider in settings.providers.items()
    }


def doubts(settings: Settings) -> Iterator[str]:
    """What is allowed and yet hardly meant, a sentence each."""
    for name, variable in settings.unset_keys.items():
        yield (
            f"[providers.{name}] is configured but the environment variable {variable} is not set: "
            "its models are not reachable"
        )
    for name, provider in settings.providers.items():
        for model in provider.models:
            if not _pricing(model, provider.kind).known:
                yield (
                    f"{model.id} of [providers.{name}] has no price, so it is listed but never run: give it its price "
                    "in greatrouter.toml, 0 where it is free"
                )


def _pricing(model: ModelSettings, kind: str) -> Pricing:
    """By the wire protocol of its provider."""
    stated = Pricing(**{field: getattr(model, field) for field in PRICE_FIELDS})
    plain = stated.input_per_million_tokens
    if kind == ANTHROPIC and plain is not None and stated.cache_write_input_per_million_tokens is None:
        return replace(stated, cache_write_input_per_million_tokens=plain * ANTHROPIC_CACHE_WRITE)
    return stated


def _upstreams(settings: Settings) -> dict[str, str]:
    """What the first provider of each id calls it: one id is one model, whatever its other providers call it."""
    found: dict[str, str] = {}
    for provider in settings.providers.values():
        for model in provider.models:
            found.setdefault(model.id, _upstream(model))
    return found


def _upstream(model: ModelSettings) -> str:
    return model.upstream_model or model.id.partition("/")[2] or model.id


def _proxied(name: str, provider: ProviderSettings, model: ModelSettings, canonical: str) -> Model:
    kind = TASK_TYPES[TASK_TYPES_OF[model.task][0]]
    upstream = _upstream(model)
    return Model(
        id=model.id,
        provider=name,
        upstream_model=upstream,
        task_type=kind.name,
        category=kind.category,
        tasks=tuple(dict.fromkeys((model.task, *kind.tasks))) if model.task != "web_search" else ("web_search",),
        name=model.name or model.id,
        canonical=canonical,
        family=f"{kind.taxonomy}/{name}--{identity.family(upstream)}",
        creator=identity.creator(upstream, name),
        capabilities=tuple(sorted({*OWN_CAPABILITY[kind.name], *model.capabilities})),
        input_modalities=("image", "text") if SEEING.intersection(model.capabilities) else (kind.input_modality,),
        output_modalities=(kind.output_modality,),
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        description=f"{model.name or model.id}, configured for the provider {name}.",
        sources=("settings",),
        pricing=_pricing(model, provider.kind),
        quantization=model.quantization,
        data_collection=provider.data_collection if model.data_collection is None else model.data_collection,
        zero_data_retention=(
            provider.zero_data_retention if model.zero_data_retention is None else model.zero_data_retention
        ),
        supported_parameters=model.supported_parameters,
    )


def _hosted(local: LocalModelSettings) -> Iterator[Model]:
    prices = {
        "embeddings": Pricing(input_per_million_tokens=local.embeddings_per_million_tokens),
        "rerank": Pricing(price_per_document=local.rerank_per_document),
    }
    creator = local.id.partition("/")[0]
    for task, pricing in prices.items():
        kind = TASK_TYPES[task]
        yield Model(
            id=local.id,
            provider=LOCAL,
            upstream_model=local.id,
            task_type=kind.name,
            category=kind.category,
            tasks=(task,),
            name=local.id.rpartition("/")[2],
            canonical=identity.canonical_name(local.id),
            family=f"{kind.taxonomy}/{creator}--{identity.family(local.id)}",
            visibility="featured",
            price_tier="economy",
            creator=creator,
            capabilities=OWN_CAPABILITY[task],
            input_modalities=(kind.input_modality,),
            output_modalities=(kind.output_modality,),
            open_weights=True,
            tags=("local", "open-weights"),
            description=f"{local.id}, served by this process: {task}.",
            aliases=(local.id.rpartition("/")[2],) if "/" in local.id else (),
            sources=("settings",),
            pricing=pricing,
            hosted=True,
            data_collection="deny",
            zero_data_retention=True,
        )
