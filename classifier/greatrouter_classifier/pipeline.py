"""The stages in their order: hint, shape of the input, session, what the organization said of prompts like this one,
rules, nearest neighbours, default.

The session comes before the rules because it only speaks for prompts that mean nothing by themselves ("yes, again",
"make it bluer"): whatever a rule or a neighbour reads into those is wrong more often than the session is.

The stages before the neighbours need no model and take microseconds; `decide` runs them alone, so that a caller only
leaves the event loop for an embedding where they do not settle the question.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_classifier import knn, shape
from greatrouter_classifier.classification import (
    Classification,
    Complexity,
    ContentMode,
    Decision,
    Embedder,
    Question,
    Task,
    Turn,
)
from greatrouter_classifier.complexity import ComplexityModel
from greatrouter_classifier.focus import focus
from greatrouter_classifier.matcher import Rule, RuleMatcher
from greatrouter_classifier.overlay import Opinion, Recollection
from greatrouter_classifier.session import is_follow_up

# A shape that only one task takes is as good as a statement; a follow-up is a guess, and the default is less than one.
# Neighbours farther away than this say nothing, and of a single short word ("asdf", "yes": 0.26 to 0.32) only near ones
# do. At 0.35 for all, a third of the captions of pictures and clips on unseen sources became text.
FARTHEST, FARTHEST_OF_A_WORD, LONGEST_WORD = 0.25, 0.5, 12
# A question that no rule took asks for an answer, whatever pictures its words are near to ("why is the sky blue").
QUESTION = re.compile(
    r"(what|who|whose|when|where|which|why|how)\b|(qué|quién|cuándo|dónde|cuál|cómo|qui|que|quand|où|pourquoi|comment|was|wer|wann|"
    r"wo|warum|wie|quem|quando|onde|qual|perché|dove|chi|что|кто|когда|где|почему|как)\b|क्या|कौन|कब|क्यों|कैसे|ما |من |متى|أين|لماذا",
    re.IGNORECASE,
)
ANSWERS = (Task.TEXT, Task.CODE, Task.WEB_SEARCH, Task.RERANK, Task.EMBEDDINGS)
# A search costs a fee of about a cent, which a wrong guess wastes: a model answers most plain questions of fact itself.
SEARCH_THRESHOLD = 0.6
# Of an organization's earlier prompts, at most so many are embedded with a question (1 ms each): the newest first.
MOST_READ_ALONG = 32
INPUT_CONFIDENCE, SESSION_CONFIDENCE, DEFAULT_CONFIDENCE = 0.99, 0.8, 0.3


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Everything the kNN stage needs."""

    index: knn.NearestNeighbours
    calibration: knn.Calibration
    embedder: Embedder


class Classifier:
    """Without a `neighbourhood` the kNN stage is left out. Safe to share between threads."""

    def __init__(
        self, matcher: RuleMatcher, complexity: ComplexityModel, neighbourhood: Neighbourhood | None = None
    ) -> None:
        self._matcher = matcher
        self._complexity = complexity
        self._neighbourhood = neighbourhood

    def classify(self, question: Question) -> Classification:
        return self.classify_batch([question])[0]

    def classify_batch(self, questions: Sequence[Question]) -> list[Classification]:
        """As `classify`, with one call of the embedder for all that need it; the order is kept."""
        decided = [self.decide(question) for question in questions]
        waiting = [i for i, classification in enumerate(decided) if classification is None]
        for i, classification in zip(waiting, self.decide_by_neighbours([questions[i] for i in waiting]), strict=True):
            decided[i] = classification
        return [classification for classification in decided if classification is not None]

    def decide(self, question: Question) -> Classification | None:
        """What the stages before the neighbours say; None where the neighbours have to be asked."""
        words = focus(question.prompt)
        complexity = self._complexity.assess(words)
        # Where the caller says both, no rule can add anything: 60 us less.
        settled = question.task is not None and question.content_mode is not None
        rule = None if settled else self._matcher.match(question.prompt)
        if question.task is not None:
            return _by_hint(question, question.task, rule, complexity)
        if (task := shape.task_of(question.input)) is not None:
            reasoning = f"The input has the shape of a {task.value} request"
            return _answer(question, task, INPUT_CONFIDENCE, Decision.INPUT, complexity, reasoning)
        if question.previous is not None and is_follow_up(question.prompt):
            return _by_session(question, question.previous, complexity)
        recollection, rule = self._recall(question, rule)
        if recollection is not None:
            return _by_recollection(question, recollection, rule, complexity)
        if rule is not None:
            reasoning = f"Matched the rule {rule.name}"
            return _answer(
                question, rule.task, rule.confidence, Decision.REGEX, complexity, reasoning, rule.content_mode
            )
        by_rules_alone = question.regex_only or self._neighbourhood is None
        return _by_default(question, complexity) if by_rules_alone else None

    def decide_by_neighbours(self, questions: Sequence[Question]) -> list[Classification]:
        """The remaining stages, for questions that `decide` left open. Embeds: milliseconds of CPU for each."""
        if not questions or self._neighbourhood is None:
            return []
        words = [focus(question.prompt) for question in questions]
        vectors = _read_along(self._neighbourhood.embedder, words, questions)
        found = []
        for question, text, vector, near in zip(
            questions, words, vectors, self._neighbourhood.index.neighbours(vectors), strict=True
        ):
            recollection = question.overlay.nearest(question.prompt, vector=vector) if question.overlay else None
            if recollection is None or recollection.lesson.opinion is Opinion.REFUSED:
                refused = recollection.lesson.task if recollection else None
                found.append(self._by_neighbours(question, text, near, self._neighbourhood.calibration, refused))
            else:
                found.append(_by_recollection(question, recollection, None, self._complexity.assess(text)))
        return found

    def _recall(self, question: Question, rule: Rule | None) -> tuple[Recollection | None, Rule | None]:
        """What the organization said such a prompt is; and the rule, or the next best where it said what it is not."""
        if not question.overlay:
            return None, rule
        recollection = question.overlay.nearest(question.prompt, rule.task if rule else None)
        if recollection is None or recollection.lesson.opinion is not Opinion.REFUSED:
            return recollection, rule
        others = [other for other in self._matcher.fired(question.prompt) if other.task is not recollection.lesson.task]
        return None, max(others, key=lambda other: other.confidence, default=None)

    def _by_neighbours(
        self,
        question: Question,
        words: str,
        near: knn.Neighbours,
        calibration: knn.Calibration,
        refused: Task | None,
    ) -> Classification:
        complexity = self._complexity.assess(words)
        one_word = len(words) < LONGEST_WORD and len(words.split()) < 2
        # Where the default itself was refused, any other guess is better than none.
        must_guess = refused is not None and refused is question.default_task
        if not must_guess and (not words or near.similarity[0] < (FARTHEST_OF_A_WORD if one_word else FARTHEST)):
            return _by_default(question, complexity)
        probabilities = knn.by_task(calibration.probabilities(near.features))
        allowed = ANSWERS if QUESTION.match(words) and not must_guess else probabilities.keys()
        task = max((each for each in allowed if each is not refused), key=lambda t: probabilities[t])
        least = max(calibration.threshold, SEARCH_THRESHOLD if task is Task.WEB_SEARCH else 0.0)
        if probabilities[task] < least and not must_guess:
            return _by_default(question, complexity, probabilities)
        return _answer(
            question,
            task,
            probabilities[task],
            Decision.KNN,
            complexity,
            f"The most similar examples ask for {task.value} ({float(near.similarity[0]):.2f} alike)",
            knn.content_mode(near, task),
            probabilities,
        )


def _read_along(embedder: Embedder, words: Sequence[str], questions: Sequence[Question]) -> NDArray[np.float32]:
    """The vectors of the questions. In the same call earlier prompts of their organizations that have none get theirs."""
    overlays = {id(question.overlay): question.overlay for question in questions if question.overlay}
    unread = [(overlay, overlay.unread(MOST_READ_ALONG)) for overlay in overlays.values()]
    earlier = [text for _, prompts in unread for _, text in prompts]
    vectors = embedder.embed([text or " " for text in (*words, *earlier)])
    start = len(words)
    for overlay, prompts in unread:
        overlay.read([key for key, _ in prompts], vectors[start : start + len(prompts)])
        start += len(prompts)
    return vectors[: len(words)]


def _by_recollection(
    question: Question, recollection: Recollection, rule: Rule | None, complexity: Complexity
) -> Classification:
    task, opinion = recollection.lesson.task, recollection.lesson.opinion
    mode = rule.content_mode if rule is not None and rule.task is task else None
    reasoning = f"Like a prompt that your organization {opinion.value}: {task.value}"
    confidence = min(recollection.similarity, INPUT_CONFIDENCE)
    return _answer(question, task, confidence, Decision.KNN, complexity, reasoning, mode)


def _by_hint(question: Question, task: Task, rule: Rule | None, complexity: Complexity) -> Classification:
    mode = rule.content_mode if rule is not None and rule.task is task else None
    because = question.because or f"The caller asked for {task.value}"
    return _answer(question, task, 1.0, Decision.HINT, complexity, because, mode)


def _by_session(question: Question, previous: Turn, complexity: Complexity) -> Classification:
    """A follow-up is at least as hard as what it follows: so is a "yes" to a hard question."""
    harder = max(complexity, previous.complexity, key=lambda c: c.score)
    reasoning = f"A follow-up to a {previous.task.value} prompt of this session"
    return _answer(
        question, previous.task, SESSION_CONFIDENCE, Decision.SESSION, harder, reasoning, previous.content_mode
    )


def _by_default(
    question: Question, complexity: Complexity, probabilities: Mapping[Task, float] | None = None
) -> Classification:
    task = question.default_task
    reasoning = f"Nothing in the prompt says clearly what is asked for, so it is taken as {task.value}"
    confidence = max(DEFAULT_CONFIDENCE, (probabilities or {}).get(task, 0.0))
    return _answer(question, task, confidence, Decision.DEFAULT, complexity, reasoning, None, probabilities)


def _answer(
    question: Question,
    task: Task,
    confidence: float,
    decision: Decision,
    complexity: Complexity,
    reasoning: str,
    mode: ContentMode | None = None,
    probabilities: Mapping[Task, float] | None = None,
) -> Classification:
    """What the caller says of the mode comes first, then what is handed over, then what the words say."""
    content_mode = question.content_mode or shape.content_mode_of(question.input) or mode or question.default_mode
    return Classification(
        task, confidence, content_mode, decision, complexity, reasoning, probabilities or {task: confidence}
    )
