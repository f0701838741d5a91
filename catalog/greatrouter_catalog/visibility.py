"""Which models are routed to. `long_tail` models are kept in the catalog and reached by their id alone."""

import polars as pl

# A copy of a model that a provider serves from one region, or under one kind of deployment: the plain id is kept.
REGION = r"(^|/)(us|eu|apac|au|jp|global|us-gov|ca|sa|regional|[a-z]{2}-(gov-)?[a-z]+-\d)[./]|(^|/)global-standard/"
# A model that passes the request on to another one.
ROUTER = r"(^|/)openrouter/|(^|[/_-])router($|[:_-])|(^|[/-])auto(-beta|-model.*)?$|kilo-auto/"
# Spoken to in an open session instead of one request.
LIVE = r"realtime|(^|[/-])live(-|$)|native-audio|nova-(2-)?sonic"
# Built for one job, by names that all feeds share: they answer a prompt with a verdict, a box or a translation, need
# sound or a picture with it, or bill steps and searches that no price of a token foretells.
SPECIAL = "|".join(
    (
        r"guard|moderation|content-safety|intent-detect|reward|distilbert|sst-2|classif|detect",
        r"(^|[/_.-])(olm|rolm-|qianfan-|paddle)?ocr|deplot|parse",
        r"translat|(^|/)(qwen|hunyuan)-mt|-lora|controlnet",
        r"audio-preview|gpt-audio|deep-?research|computer-use|(^|/)(morph|relace)[/-]|autoglm|-base$",
    )
)
# Endpoints that change a picture or a clip and cannot make one.
EDITS_ONLY = (
    r"upscale|outpaint|inpaint|erase|remove-background|replace-background|search-and-re|search-re(color|place)|style-(guide"
    r"|transfer)|control-(sketch|structure)|capability|aleph|-(fill|expand)$|^(conservative|creative|fast|sketch|structure|style)$"
)


def with_visibility(models: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Adds `visibility` and, for the long tail, the first reason of `_reasons` as `long_tail_because`.

    `featured`: a first-party endpoint of a model in the upper quarter of any board.
    """
    upper = scores.filter(pl.col("score") >= pl.col("score").quantile(0.75).over("board")).select("canonical").unique()
    featured = pl.col("canonical").is_in(upper["canonical"].implode()) & pl.col("first_party")
    because = pl.coalesce(pl.when(holds).then(pl.lit(reason)) for reason, holds in _reasons().items())
    visibility = (
        pl.when(because.is_not_null())
        .then(pl.lit("long_tail"))
        .when(featured)
        .then(pl.lit("featured"))
        .otherwise(pl.lit("standard"))
    )
    return models.with_columns(visibility=visibility, long_tail_because=because)


def _reasons() -> dict[str, pl.Expr]:
    name = pl.col("upstream_model").str.to_lowercase()
    task_type = pl.col("task_type")
    text = task_type == "text_generation"
    makes = task_type.is_in(["image_generation", "video_generation"])
    return {
        "retired by its provider": pl.col("deprecated").fill_null(value=False),
        "no price for what it does": ~pl.col("priced"),
        "a copy for one region": name.str.contains(REGION),
        "a search index without a model": task_type == "web_search",
        "routes to other models": text & name.str.contains(ROUTER),
        "not served as chat": text & pl.col("interface").is_in(["completions", "responses"]),
        "spoken to in a live session": name.str.contains(LIVE),
        "built for one special job": (text | makes) & name.str.contains(SPECIAL),
        "edits only": makes & name.str.contains(EDITS_ONLY),
        # A free variant is a trial: OpenRouter's end at 20 requests a minute and 50 a day (its documentation on limits,
        # read 2026-11-20). Chosen for their price, they would win most cheap prompts and refuse most of them.
        "a free trial with a daily cap": pl.col("tags").list.contains("free"),
        "its price is not believed": pl.col("price_doubt").is_not_null(),
    }
