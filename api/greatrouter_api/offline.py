"""What the command line does without a server: the same parts as the server's, opened for one command."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import orjson

from greatrouter_accounts.keys import Caller
from greatrouter_api import present
from greatrouter_api.schemas import SuggestRequest, parse
from greatrouter_api.services import open_classifier, open_engine, open_services
from greatrouter_api.settings import Settings
from greatrouter_api.terminal import CommandFailed
from greatrouter_catalog.catalog import Catalog
from greatrouter_classifier import artifacts, exemplars
from greatrouter_classifier.classification import Classification, ComplexityTier, Question
from greatrouter_classifier.knn import NearestNeighbours
from greatrouter_serving.errors import ServingError
from greatrouter_serving.local.engine import Engine, LocalModel

BATCH = 256
OPERATOR = Caller("org_operator", "operator", "key_operator", "ultra", test=False)


def suggest(settings: Settings, prompt: str, optimization: str, limit: int) -> dict[str, Any]:
    """The answer of `/v1/auto/suggest` to a live key: over what is reachable, or with a note over the whole catalog."""

    async def run() -> bytes:
        async with AsyncExitStack() as stack:
            services = await open_services(settings, stack)
            body = orjson.dumps({"prompt": readable(prompt), "optimization": optimization, "limit": limit})
            return await services.preview.suggest(parse(SuggestRequest, body), OPERATOR)

    answer: dict[str, Any] = orjson.loads(asyncio.run(run()))
    return answer


def readable(argument: str) -> str:
    """A command line's text: bytes that are no UTF-8 become replacement characters."""
    return argument.encode("utf-8", "replace").decode()


def classify(settings: Settings, prompts: Sequence[str]) -> list[dict[str, Any]]:
    """The classification of each prompt, in their order."""

    async def run() -> list[Classification]:
        engine = open_engine(settings)
        try:
            await engine.start()
            return (await open_classifier(settings, engine)).classify_batch(
                [Question(readable(prompt)) for prompt in prompts]
            )
        finally:
            await engine.close()

    return [present.classification(found) for found in asyncio.run(run())]


def classify_lines(settings: Settings, path: Path) -> None:
    """JSONL in, JSONL out: each line's object with a `classification`, written as soon as its batch is done."""

    async def run(lines: IO[bytes]) -> None:
        engine = open_engine(settings)
        try:
            await engine.start()
            classifier = await open_classifier(settings, engine)
            for rows in _batches(_rows(lines, path)):
                found = classifier.classify_batch([Question(row["prompt"]) for row in rows])
                for row, classification in zip(rows, found, strict=True):
                    sys.stdout.buffer.write(
                        orjson.dumps(row | {"classification": present.classification(classification)}) + b"\n"
                    )
                sys.stdout.buffer.flush()
        finally:
            await engine.close()

    if str(path) == "-":
        asyncio.run(run(sys.stdin.buffer))
        return
    try:
        with path.open("rb") as lines:
            asyncio.run(run(lines))
    except BrokenPipeError:
        raise  # it is the output that is gone
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}") from error


def local_models(settings: Settings) -> list[LocalModel]:
    async def run() -> list[LocalModel]:
        engine = open_engine(settings)
        try:
            await engine.start()
            return engine.describe()
        finally:
            await engine.close()

    return asyncio.run(run())


def warm(settings: Settings, only: str | None) -> list[tuple[str, float, str | None]]:
    """Loads and probes models: id, seconds, and what went wrong."""

    async def run() -> list[tuple[str, float, str | None]]:
        engine = open_engine(settings)
        try:
            await engine.start()
            names = [model.id for model in engine.describe()] if only is None else [only]
            return [await _try(engine, name) for name in names]
        finally:
            await engine.close()

    return asyncio.run(run())


async def _try(engine: Engine, model_id: str) -> tuple[str, float, str | None]:
    started = time.perf_counter()
    try:
        await engine.probe(model_id)
    except ServingError as error:
        return model_id, time.perf_counter() - started, str(error)
    return model_id, time.perf_counter() - started, None


def train(settings: Settings, tasks: Path | None, complexity: Path | None, out: Path | None) -> Iterator[str]:
    """Writes the classifier's numbers and says what was written."""
    from greatrouter_classifier import training

    folder = out or settings.data_folder
    if not folder.is_dir():
        raise CommandFailed(f"{folder} is no folder; make it first")
    if complexity is not None:
        rows = [(row["prompt"], _tier(row, complexity)) for row in _read(complexity)]
        content = training.fit_complexity(rows)
        (folder / "complexity.json").write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
        yield f"complexity.json: {len(content['weights'])} weights from {len(rows)} prompts"
    examples = exemplars.read(settings.data_folder / "exemplars.jsonl")
    engine = open_engine(settings)
    embedder = engine.embedder(settings.embedder or "")
    vectors = exemplars.write_vectors(folder / "exemplars.npz", examples, embedder)
    yield f"exemplars.npz: {len(examples)} vectors"
    open_rows = (
        training.sample([(row["source"], row["prompt"], row["task"]) for row in _read(tasks) if row["open_licence"]])
        if tasks
        else []
    )
    if tasks is None and (folder / "calibration.json").exists():
        yield "calibration.json: left as it is; --tasks fits it anew, which exemplars alone would do worse"
        asyncio.run(engine.close())
        return
    calibration = training.fit_calibration(NearestNeighbours(examples, vectors), vectors, examples, open_rows, embedder)
    artifacts.write_calibration(folder / "calibration.json", calibration)
    yield f"calibration.json: fitted on {len(examples)} exemplars and {len(open_rows)} openly licensed prompts"
    asyncio.run(engine.close())


def describe(catalog: Catalog, row: int) -> dict[str, Any]:
    """Everything the catalog knows of one endpoint, with the model's benchmarks."""
    model = catalog.model(row)
    return {
        **{name: value for name, value in asdict(model).items() if name != "pricing"},
        "pricing": present.pricing(model.pricing),
        "benchmarks": [asdict(score) for score in catalog.scores_of(model.canonical)],
    }


def _tier(row: dict[str, Any], path: Path) -> ComplexityTier:
    try:
        return ComplexityTier(row["complexity"])
    except (KeyError, ValueError) as error:
        raise CommandFailed(f"{path}: every line needs a complexity of {', '.join(ComplexityTier)}") from error


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as lines:
            return list(_rows(lines, path))
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}") from error


def _rows(lines: IO[bytes], path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise CommandFailed(f"{path}, line {number}: not valid JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
            raise CommandFailed(f'{path}, line {number}: expected an object with a string "prompt"')
        yield row


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
