"""What is asked (`Question`) and what the classifier says of it (`Classification`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from greatrouter_classifier.overlay import Overlay


class Task(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    MUSIC = "music"
    SPEECH = "speech"
    CODE = "code"
    WEB_SEARCH = "web_search"
    RERANK = "rerank"
    EMBEDDINGS = "embeddings"


class ContentMode(StrEnum):
    GENERATE = "generate"
    EDIT = "edit"
    COMBINE = "combine"


class Decision(StrEnum):
    """Which stage decided."""

    HINT = "hint"
    INPUT = "input"
    REGEX = "regex"
    KNN = "knn"
    SESSION = "session"
    DEFAULT = "default"


class ComplexityTier(StrEnum):
    SIMPLE = "SIMPLE"
    MEDIUM = "MEDIUM"
    COMPLEX = "COMPLEX"
    REASONING = "REASONING"


@dataclass(frozen=True, slots=True)
class Complexity:
    """`score` is in 0..1: how likely a cheap model is to fail where a strong one succeeds."""

    score: float
    tier: ComplexityTier


@dataclass(frozen=True, slots=True)
class Turn:
    """The session's latest classified prompt, from which a follow-up takes its meaning."""

    task: Task
    content_mode: ContentMode
    complexity: Complexity


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt to classify, with whatever the caller already said of it, and of earlier prompts (`overlay`).
    `because` says why `task` is settled, where the caller did not say it in so many words."""

    prompt: str
    input: Mapping[str, Any] = field(default_factory=dict)
    task: Task | None = None
    because: str | None = None
    content_mode: ContentMode | None = None
    previous: Turn | None = None
    regex_only: bool = False
    default_task: Task = Task.TEXT
    default_mode: ContentMode = ContentMode.GENERATE
    overlay: "Overlay | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Classification:
    """`confidence` and `probabilities` are in 0..1; `reasoning` is one sentence a person can read."""

    task: Task
    confidence: float
    content_mode: ContentMode
    decision: Decision
    complexity: Complexity
    reasoning: str
    probabilities: Mapping[Task, float] = field(default_factory=dict)


class Embedder(Protocol):
    """Turns texts into unit vectors. The classifier is handed one; it never loads a model itself."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns shape (len(texts), dimensions), rows of length 1."""
        ...
