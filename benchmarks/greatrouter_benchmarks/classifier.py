"""How right the classifier is: rules, neighbours and the whole pipeline, by source."""

import argparse
import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from greatrouter_api.services import open_classifier, open_engine
from greatrouter_api.settings import Settings, load
from greatrouter_api.tables import console, table
from greatrouter_classifier import artifacts, exemplars
from greatrouter_classifier.classification import ComplexityTier, Decision, Question, Task
from greatrouter_classifier.focus import focus
from greatrouter_classifier.knn import NearestNeighbours, by_task
from greatrouter_classifier.matcher import RuleMatcher
from greatrouter_classifier.pipeline import Classifier
from greatrouter_classifier.rules import RULES

TASKS = frozenset(task.value for task in Task)
# A label that leaves two tasks open is met by either.
EITHER: Mapping[str, frozenset[str]] = {"text_or_code": frozenset({"text", "code"})}


@dataclass(frozen=True, slots=True)
class Row:
    prompt: str
    source: str
    language: str
    quality: str
    content_mode: str
    allowed: frozenset[str]
    fitted: bool

    @property
    def task(self) -> str:
        return "/".join(sorted(self.allowed))


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=Path, help="JSONL: prompt, task, content_mode, lang, source, label_quality")
    parser.add_argument("--complexity", type=Path, nargs="*", default=[], help="JSONL: prompt, complexity")
    parser.add_argument("--per-source", type=int, default=100, help="prompts of each source for the neighbours")
    arguments = parser.parse_args()
    asyncio.run(_run(load(), arguments.tasks, arguments.complexity, arguments.per_source))


async def _run(settings: Settings, tasks: Path | None, complexity: Sequence[Path], per_source: int) -> None:
    engine = open_engine(settings)
    try:
        await engine.start()
        classifier = await open_classifier(settings, engine)
        _leave_one_out(settings)
        _own_examples()
        if tasks is not None:
            rows = _read(tasks)
            _rules(rows)
            _pipeline(classifier, _thinned(rows, per_source))
        else:
            console().print("No --tasks FILE given: the accuracy by source is left out.")
        for path in complexity:
            _complexity(settings, path)
    finally:
        await engine.close()


def _leave_one_out(settings: Settings) -> None:
    """The neighbours on the hand-written exemplars, each judged by the others. The exemplars were written to cover the
    tasks, so this says how well they hold together, not how well the classifier does on anybody else's prompts."""
    examples = exemplars.read(settings.data_folder / "exemplars.jsonl")
    vectors = exemplars.read_vectors(settings.data_folder / "exemplars.npz", examples)
    near = NearestNeighbours(examples, vectors).neighbours(vectors, leave_out_self=True)
    voted = [list(Task)[int(np.argmax(n.features[: len(Task)]))] for n in near]
    calibration = artifacts.read_calibration(settings.data_folder / "calibration.json")
    probability = [by_task(calibration.probabilities(n.features)) for n in near]
    rows = []
    for task in Task:
        mine = [i for i, e in enumerate(examples) if e.task is task]
        rows.append(
            (
                task.value,
                len(mine),
                _share(voted[i] is task for i in mine),
                _share(_top(probability[i]) is task for i in mine),
            )
        )
    every = range(len(examples))
    rows.append(
        (
            "all",
            len(examples),
            _share(voted[i] is examples[i].task for i in every),
            _share(_top(probability[i]) is examples[i].task for i in every),
        )
    )
    table(
        "Neighbours on the hand-written exemplars, leave one out",
        ("task", "exemplars", "by votes", "calibrated (fitted on these)"),
        rows,
    )
    by_language = Counter(e.language for e in examples)
    languages = [
        (language, n, _share(voted[i] is e.task for i, e in enumerate(examples) if e.language == language))
        for language, n in by_language.most_common()
    ]
    table("The same by language", ("language", "exemplars", "by votes"), languages)


def _own_examples() -> None:
    matcher = RuleMatcher(RULES)
    right = sum((found := matcher.match(rule.example)) is not None and found.task is rule.task for rule in RULES)
    languages = Counter(rule.language for rule in RULES)
    spread = ", ".join(f"{language} {n}" for language, n in languages.most_common())
    console().print(f"{len(RULES)} rules ({spread}); {right} of {len(RULES)} decide their own example\n")


def _rules(rows: Sequence[Row]) -> None:
    """Precision of every rule that fires: of the prompts it decides, the share with its task."""
    matcher = RuleMatcher(RULES)
    right: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    by_task: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        rule = matcher.match(row.prompt)
        by_task[row.task]["prompts"] += 1
        if rule is not None:
            fired[rule.name] += 1
            right[rule.name] += rule.task.value in row.allowed
            by_task[row.task]["decided"] += 1
            by_task[row.task]["right"] += rule.task.value in row.allowed
    table(
        "Rules: precision of each that fired, the worst first (development data: the rules were checked against it)",
        ("rule", "decided", "right", "precision"),
        [
            (name, n, right[name], f"{right[name] / n:.3f}")
            for name, n in sorted(fired.items(), key=lambda item: (right[item[0]] / item[1], -item[1]))
        ],
    )
    total, correct = sum(fired.values()), sum(right.values())
    console().print(
        f"all rules: {correct:,} right of {total:,} decided: precision {correct / max(1, total):.4f}, "
        f"coverage {total / len(rows):.1%}\n"
    )
    table(
        "Rules by the prompts' task",
        ("task", "prompts", "decided", "coverage", "precision"),
        [
            (
                task,
                c["prompts"],
                c["decided"],
                f"{c['decided'] / c['prompts']:.1%}",
                f"{c['right'] / max(1, c['decided']):.4f}",
            )
            for task, c in sorted(by_task.items())
        ],
    )


def _pipeline(classifier: Classifier, rows: Sequence[Row]) -> None:
    found = classifier.classify_batch([Question(row.prompt) for row in rows])
    right = [f.task.value in row.allowed for f, row in zip(found, rows, strict=True)]
    decided: Counter[Decision] = Counter(f.decision for f in found)
    by_decision = [
        (d.value, n, _share(r for r, f in zip(right, found, strict=True) if f.decision is d))
        for d, n in decided.most_common()
    ]
    table("Whole pipeline, by what decided", ("decision", "prompts", "accuracy"), by_decision)
    for fitted, title in ((False, "unseen sources"), (True, "sources whose prompts the calibration was fitted on")):
        mine = [(row, ok) for row, ok in zip(rows, right, strict=True) if row.fitted is fitted]
        _grouped(f"{title}, by source", "source", [(f"{row.source} ({row.quality})", ok) for row, ok in mine])
        _grouped(f"{title}, by task", "task", [(row.task, ok) for row, ok in mine])
        _grouped(f"{title}, by language", "language", [(row.language, ok) for row, ok in mine])
    modes = [f.content_mode.value == row.content_mode for f, row, ok in zip(found, rows, right, strict=True) if ok]
    console().print(f"content_mode right where the task is: {_share(modes)}\n")


def _grouped(title: str, heading: str, judged: Sequence[tuple[str, bool]]) -> None:
    groups: dict[str, list[bool]] = defaultdict(list)
    for name, ok in judged:
        groups[name].append(ok)
    shown = [(name, len(oks), _share(oks)) for name, oks in sorted(groups.items())]
    mean = np.mean([np.mean(oks) for oks in groups.values()]) if groups else 0.0
    table(
        f"Whole pipeline on {title}", (heading, "prompts", "accuracy"), [*shown, ("mean", len(judged), f"{mean:.3f}")]
    )


def _complexity(settings: Settings, path: Path) -> None:
    model = artifacts.read_complexity(settings.data_folder / "complexity.json")
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    tiers = list(ComplexityTier)
    truth = np.array([tiers.index(ComplexityTier(row["complexity"])) for row in rows])
    assessed = [model.assess(focus(row["prompt"])) for row in rows]
    given = np.array([tiers.index(c.tier) for c in assessed])
    scores = np.array([c.score for c in assessed])
    table(
        f"Complexity on {path.name} ({len(rows)} prompts)",
        ("exact tier", "within one tier", "correlation of score and tier"),
        [(_share(given == truth), _share(abs(given - truth) <= 1), f"{np.corrcoef(scores, truth)[0, 1]:.2f}")],
    )


def _read(path: Path) -> list[Row]:
    found = []
    for line in path.read_bytes().splitlines():
        row = orjson.loads(line)
        allowed = EITHER.get(row["task"], frozenset({row["task"]}))
        if row["label_quality"] != "X" and allowed <= TASKS:
            found.append(
                Row(
                    row["prompt"],
                    row["source"],
                    row["lang"],
                    row["label_quality"],
                    row["content_mode"],
                    allowed,
                    bool(row["open_licence"]),
                )
            )
    return found


def _thinned(rows: Sequence[Row], per_source: int) -> list[Row]:
    """Evenly spread rows of every source: all sources count the same, and embedding 20,000 prompts takes minutes."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.source].append(row)
    return [row for group in groups.values() for row in group[:: max(1, len(group) // per_source)][:per_source]]


def _top(probabilities: Mapping[Task, float]) -> Task:
    return max(probabilities, key=lambda task: probabilities[task])


def _share(values: Iterable[bool]) -> str:
    known = [bool(value) for value in values]
    return f"{sum(known) / len(known):.3f}" if known else "-"
