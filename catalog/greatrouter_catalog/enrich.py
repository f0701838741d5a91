"""What the catalog derives from merged offers: taxonomy, family, modalities, price tier, tags, description."""

from pathlib import PurePosixPath

import polars as pl

from greatrouter_catalog import identity, providers
from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.taxonomy import PRICE_TIERS, TASK_TYPES

LONG_CONTEXT_TOKENS = 200_000
# A model with the capability takes the modality, where a feed states the one and leaves out the other.
MODALITY_OF_CAPABILITY = {
    "vision": "image",
    "image_edit": "image",
    "audio_input": "audio",
    "video_input": "video",
    "video_edit": "video",
    "pdf_input": "file",
}


def with_identity(models: pl.DataFrame) -> pl.DataFrame:
    """Adds name, canonical, creator and first_party, the taxonomy (category, tasks, family) and complete modalities."""
    rows = list(zip(models["upstream_model"], models["provider"], strict=True))
    models = models.with_columns(
        name=pl.coalesce("name", pl.Series([readable(model) for model, _ in rows], dtype=pl.String)),
        # A name without a Latin letter or digit reads as nothing; such models are not all the same one.
        canonical=pl.Series([identity.canonical_name(model) or model.lower() for model, _ in rows], dtype=pl.String),
        creator=pl.Series([identity.creator(model, provider) for model, provider in rows], dtype=pl.String),
        line=pl.Series([identity.family(model) or model.lower() for model, _ in rows], dtype=pl.String),
    )
    own = pl.coalesce("creator", pl.lit("")) == pl.col("provider").replace(providers.FIRST_PARTY)
    return _with_modalities(_with_taxonomy(models)).with_columns(first_party=own)


def readable(upstream_model: str) -> str:
    """A name for a model whose feed gives none: the last segment of its id.

    >>> readable("accounts/fireworks/models/deepseek-v3")
    'deepseek-v3'
    """
    return PurePosixPath(upstream_model).name or upstream_model


def _with_taxonomy(models: pl.DataFrame) -> pl.DataFrame:
    kinds = TASK_TYPES.values()
    task_type = pl.col("task_type")
    taxonomy = task_type.replace_strict({k.name: k.taxonomy for k in kinds})
    tasks = task_type.replace_strict({k.name: list(k.tasks) for k in kinds}, return_dtype=pl.List(pl.String))
    searches = pl.col("capabilities").list.contains("web_search") & (task_type == "text_generation")
    return models.with_columns(
        category=task_type.replace_strict({k.name: k.category for k in kinds}),
        tasks=pl.when(searches).then(pl.concat_list(tasks, pl.lit(["web_search"]))).otherwise(tasks),
        family=taxonomy + "/" + pl.coalesce("creator", "provider") + "--" + pl.col("line"),
    ).drop("line")


def _with_modalities(models: pl.DataFrame) -> pl.DataFrame:
    """What the task type takes and gives, what the feeds state beyond that, and whatever a capability implies."""
    kinds = TASK_TYPES.values()
    takes = pl.concat_list(pl.col("task_type").replace_strict({k.name: k.input_modality for k in kinds}))
    gives = pl.concat_list(pl.col("task_type").replace_strict({k.name: k.output_modality for k in kinds}))
    implied = pl.concat_list(
        pl.when(pl.col("capabilities").list.contains(capability)).then(pl.lit(modality))
        for capability, modality in MODALITY_OF_CAPABILITY.items()
    )
    # Feeds write "text" for the numbers that embedding models and rerankers give.
    numbers = pl.col("task_type").is_in(["embeddings", "rerank"])
    inputs = pl.concat_list(takes, pl.coalesce("input_modalities", takes), implied)
    outputs = pl.concat_list(gives, pl.when(numbers).then(gives).otherwise(pl.coalesce("output_modalities", gives)))
    return models.with_columns(
        input_modalities=inputs.list.drop_nulls().list.unique().list.sort(),
        output_modalities=outputs.list.unique().list.sort(),
    )


def with_price_tier(models: pl.DataFrame) -> pl.DataFrame:
    """Fifths of the typical cost among the models of the same task type whose price is believed."""
    believed = models.filter("priced", pl.col("price_doubt").is_null())
    share = pl.col("typical_cost").rank("average").over("task_type") / pl.len().over("task_type")
    index = (share * len(PRICE_TIERS)).ceil().cast(pl.Int8).clip(1, len(PRICE_TIERS)) - 1
    names = dict(enumerate(PRICE_TIERS))
    tiers = believed.select("id", price_tier=index.replace_strict(names, return_dtype=pl.String))
    return models.join(tiers, on="id", how="left", maintain_order="left")


def with_description(models: pl.DataFrame) -> pl.DataFrame:
    models = models.with_columns(tags=_tags())
    used = ("name", "creator", "provider", "task_type", "context_window", "tags")
    return models.with_columns(
        description=pl.Series([describe(row) for row in models.select(used).iter_rows(named=True)])
    )


def _tags() -> pl.Expr:
    capability = pl.col("capabilities").list
    conditions = {
        "open-weights": pl.col("open_weights").fill_null(value=False),
        "free": pl.col("priced") & pl.all_horizontal(pl.col(name).fill_null(0) == 0 for name in PRICE_FIELDS),
        "long-context": pl.col("context_window").fill_null(0) >= LONG_CONTEXT_TOKENS,
        "reasoning": capability.contains("reasoning"),
        "tools": capability.contains("function_calling"),
        "vision": capability.contains("vision"),
    }
    return pl.concat_list(pl.when(has).then(pl.lit(tag)) for tag, has in conditions.items()).list.drop_nulls()


def describe(row: dict[str, object]) -> str:
    """One sentence of our own from the facts of the row.

    >>> describe({"name": "Llama 3.3 70B", "creator": "meta", "provider": "groq", "task_type": "text_generation",
    ...     "context_window": 131072, "tags": ["open-weights", "tools"]})
    'Llama 3.3 70B by meta, served by groq: text generation, 131,072 tokens of context, open weights, tools.'
    """
    creator, provider = row["creator"], row["provider"]
    by = f" by {creator}" if creator else ""
    where = "" if creator == provider else f", served by {provider}"
    facts = [str(row["task_type"]).replace("_", " ")]
    if row["context_window"]:
        facts.append(f"{row['context_window']:,} tokens of context")
    tags = row["tags"]
    facts += [str(tag).replace("-", " ") for tag in tags if tag != "long-context"] if isinstance(tags, list) else []
    return f"{row['name']}{by}{where}: {', '.join(facts)}."
