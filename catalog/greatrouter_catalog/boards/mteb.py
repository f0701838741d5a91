"""MTEB: embedding models and rerankers."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from greatrouter_catalog.boards.reading import Row
from greatrouter_catalog.errors import FeedError

# One fixed list of tasks a board, so that a model's mean does not depend on which tasks somebody happened to run.
BOARDS: dict[str, tuple[str, str]] = {
    "retrieval-en": (
        "embeddings",
        "ArguAna CQADupstackGamingRetrieval CQADupstackUnixRetrieval ClimateFEVERHardNegatives FEVERHardNegatives "
        "FiQA2018 HotpotQAHardNegatives SCIDOCS TRECCOVID Touche2020Retrieval.v3",
    ),
    "retrieval-domains": (
        "embeddings",
        "AILACasedocs AILAStatutes AppsRetrieval CUREv1 ChatDoctorRetrieval DS1000Retrieval FinQARetrieval "
        "FinanceBenchRetrieval FreshStackRetrieval HC3FinanceRetrieval HumanEvalRetrieval LegalQuAD "
        "LegalSummarization MBPPRetrieval WikiSQLRetrieval",
    ),
    "retrieval-multilingual": (
        "embeddings",
        "BelebeleRetrieval CovidRetrieval MIRACLRetrievalHardNegatives MLQARetrieval StatcanDialogueDatasetRetrieval "
        "TwitterHjerneRetrieval WikipediaRetrievalMultilingual",
    ),
    "retrieval-code": (
        "embeddings",
        "AppsRetrieval CodeEditSearchRetrieval CodeFeedbackMT CodeFeedbackST CodeSearchNetCCRetrieval "
        "CodeSearchNetRetrieval CodeTransOceanContest CodeTransOceanDL CosQA StackOverflowQA SyntheticText2SQL",
    ),
    "reranking": (
        "rerank",
        "AlloprofReranking AskUbuntuDupQuestions MindSmallReranking RuBQReranking T2Reranking VoyageMMarcoReranking "
        "WebLINXCandidatesReranking WikipediaRerankingMultilingual",
    ),
    "sts-en": ("embeddings", "BIOSSES SICK-R STS12 STS13 STS14 STS15 STS17 STS22.v2 STSBenchmark"),
    "classification-en": (
        "embeddings",
        "AmazonCounterfactualClassification Banking77Classification ImdbClassification MTOPDomainClassification "
        "MassiveIntentClassification MassiveScenarioClassification ToxicConversationsClassification "
        "TweetSentimentExtractionClassification",
    ),
    "clustering-en": (
        "embeddings",
        "ArXivHierarchicalClusteringP2P ArXivHierarchicalClusteringS2S BiorxivClusteringP2P.v2 "
        "MedrxivClusteringP2P.v2 MedrxivClusteringS2S.v2 StackExchangeClustering.v2 StackExchangeClusteringP2P.v2 "
        "TwentyNewsgroupsClustering.v2",
    ),
}
ENOUGH = 0.7  # of a board's tasks


def read(path: Path) -> Iterator[Row]:
    tasks = sorted({task for _, names in BOARDS.values() for task in names.split()})
    try:
        # Settings of a model, such as "(embed_dim=512)", are left out; so is what it was trained on.
        scores = (
            pl.scan_parquet(path)
            .select("model", "task", "split", "subset", "main_score")
            .filter(
                pl.col("task").is_in(tasks),
                pl.col("main_score").is_between(-1, 1),
                ~pl.col("model").str.contains("(", literal=True),
                (pl.col("split") != "train") | (pl.col("task") == "TwitterHjerneRetrieval"),  # it has no other split
            )
            .group_by("model", "task", "subset")
            .agg(pl.col("main_score").mean())
            .collect()
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FeedError(f"{path}: not MTEB scores (model, task, split, subset, main_score): {error}") from error
    for board, (task, names) in BOARDS.items():
        for model, score, ran in _means(scores, names.split(), english=board.endswith("-en")).iter_rows():
            yield {
                "board": f"mteb-{board}",
                "metric": "mean_score_percent",
                "task": task,
                "name": model,
                # Sums of floats depend on their order, which differs between runs from the 14th digit on.
                "score": round(100 * score, 9),
                "votes": ran,
                "source": "MTEB results",
                "licence": "Apache-2.0 (mteb)",
            }


def _means(scores: pl.DataFrame, tasks: list[str], *, english: bool) -> pl.DataFrame:
    """(model, score, tasks run) of every model with enough of the tasks.

    The mean is taken of the differences to each task's mean, then lifted by the mean of these: the plain mean for a
    model that ran every task, and no advantage to one that skipped the hard ones.
    """
    chosen = scores.filter(pl.col("task").is_in(tasks))
    if english:
        chosen = chosen.filter(pl.col("subset").is_in(["default", "en", "en-en"]))
    means = chosen.group_by("model", "task").agg(pl.col("main_score").mean().cast(pl.Float64))
    enough = pl.col("task").n_unique().over("model") >= ENOUGH * len(tasks)
    means = means.filter(enough)
    level = means.group_by("task").agg(pl.col("main_score").mean().alias("level"))
    return (
        means.join(level, on="task")
        .group_by("model")
        .agg((pl.col("main_score") - pl.col("level")).mean() + (level["level"].mean() or 0.0), pl.len().alias("ran"))
        .select("model", "main_score", "ran")
        .sort("model")
    )
