"""`POST /v1/models/recommend`: models for a task, or for a need in one's own words. Nothing is run or charged."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, Field

from greatrouter_accounts.keys import Caller
from greatrouter_api import present
from greatrouter_api.decision import Decision, Matter
from greatrouter_api.errors import ApiError
from greatrouter_api.plan import Planner
from greatrouter_api.provider_preferences import Provider
from greatrouter_api.schemas import STRICT, WHOLE, Asked, Budget, Or, Taxonomy
from greatrouter_catalog.arrays import MODALITIES, TASKS, mask
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_catalog.wish import Wish
from greatrouter_catalog.wish_search import WishSearch
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.classification import Decision as Stage
from greatrouter_ranking import recommendation
from greatrouter_ranking.ranker import Optimization
from greatrouter_ranking.recommendation import Recommendation

NAMED_TASKS = tuple(dict.fromkeys((*TASKS, *TASK_TYPES)))
# So many of the ranker's best are looked through (2 ms). With 100, the models that a request names were often not among
# them: 76 of 100 recommendations fitted and not 88; with all thousand it were 88 again.
CANDIDATES = 400
# Where nobody says what the prompt is: a short request of the task, so that prices are those of real work.
TYPICAL = "Please help me with this small piece of work, as I need it for tomorrow morning, and keep it short. " * 3
# A recording is priced by its length, and asks for a model that hears.
RECORDING = {"file": "recording"}
# A task that was only guessed gives way to one that the words surely ask for.
GUESSES = frozenset({Stage.DEFAULT, Stage.KNN})
SURE = 0.9


_NAME = BeforeValidator(lambda value: None if value == "" else value)


class RecommendRequest(BaseModel):
    """`POST /v1/models/recommend`"""

    model_config = STRICT

    task: Literal[NAMED_TASKS] | None = Field(  # type: ignore[valid-type]  # the vocabularies, in one place
        default=None, description="A router task, or a registry task type such as speech_to_text."
    )
    prompt: str | None = Field(
        default=None, description="What the model is for, or the prompt itself; models are searched by its meaning."
    )
    limit: Annotated[int, Field(ge=1, le=50), WHOLE, Or(5)] = 5
    optimization: Optimization | None = Field(default=None, description="The organization's preference by default.")
    content_mode: ContentMode | None = None
    budget_dollars: Budget = None
    provider: Provider = Field(default=None, description="One provider's slug, or provider preferences.")
    taxonomy: Taxonomy = None
    catalog_family: Annotated[str | None, _NAME] = Field(
        default=None, description="Model line, such as llm/meta--llama-3.3."
    )

    @property
    def described(self) -> bool:
        return bool(self.prompt and self.prompt.strip())


@dataclass(frozen=True, slots=True)
class Recommender:
    """Owned by one event loop; `executor` has one thread, for the encoder."""

    planner: Planner
    view: present.ModelView
    search: WishSearch
    executor: Executor

    async def recommend(self, request: RecommendRequest, caller: Caller) -> bytes:
        """The answer of `POST /v1/models/recommend`. Raises `ApiError` where no model of the catalog fits."""
        decision = await self._decide(request, request.task, caller)
        wishes = await self._wishes(request)
        if kind := self._surer_kind(decision, wishes):
            decision = await self._instead(decision, request, kind, wishes[0], caller)
        found = recommendation.recommend(decision.ranking.choices, wishes, request.limit)
        first = replace(decision.ranking, choices=tuple(one.choice for one in found))
        answer: dict[str, Any] = {
            "data": [self._shown(decision, one) for one in found],
            "classification": present.classification(decision.classification),
            "optimization": decision.optimization.value,
            "catalog_version": self.planner.catalog.version,
        }
        if not decision.available:
            answer["note"] = self.planner.advice(replace(decision, ranking=first))
        return orjson.dumps(answer)

    async def _decide(self, request: RecommendRequest, named: str | None, caller: Caller) -> Decision:
        kind = TASK_TYPES.get(named or "")
        task = Task(kind.tasks[0]) if kind else Task(named) if named else None
        if task is None and not request.described:
            task = Task.TEXT
        hears = kind is not None and kind.input_modality == "audio"
        matter = Matter(
            request.prompt if request.prompt and request.described else TYPICAL,
            RECORDING if hears else {},
            output=mask([kind.output_modality], MODALITIES) if kind and task is Task.SPEECH else 0,
        )
        asked = Asked(
            task=task,
            content_mode=request.content_mode,
            optimization=request.optimization,
            budget_dollars=request.budget_dollars,
            provider=request.provider,
            taxonomy=request.taxonomy,
            catalog_family=request.catalog_family,
        )
        return await self.planner.decider.decide(asked, matter, caller, CANDIDATES)

    async def _wishes(self, request: RecommendRequest) -> Sequence[Wish]:
        if request.prompt is None or not request.described:
            return ()
        await asyncio.to_thread(self.search.prepare)
        return await asyncio.get_running_loop().run_in_executor(self.executor, self.search.find, request.prompt)

    def _surer_kind(self, decision: Decision, wishes: Sequence[Wish]) -> str | None:
        """The task type that the words surely ask for, where the classifier guessed another."""
        if decision.classification.decision not in GUESSES or not wishes or wishes[0].weight < SURE:
            return None
        wish, rows = wishes[0], [choice.row for choice in decision.ranking.choices]
        kinds = {self.planner.catalog.model(row).task_type for row in rows}
        return None if wish.kind in kinds or (wish.met[rows] >= 1).any() else wish.kind

    async def _instead(
        self, guessed: Decision, request: RecommendRequest, kind: str, wish: Wish, caller: Caller
    ) -> Decision:
        try:
            decision = await self._decide(request, kind, caller)
        except ApiError:  # its filters leave nothing of that kind, and something of the guessed one
            return guessed
        guess, found = guessed.classification, decision.classification
        told = replace(
            found,
            decision=guess.decision,
            confidence=guess.confidence,
            probabilities=guess.probabilities,
            reasoning=f"{guess.reasoning}; but what is asked for ({wish.text}) is found among {kind} models",
        )
        return replace(decision, classification=told)

    def _shown(self, decision: Decision, found: Recommendation) -> dict[str, Any]:
        asked = found.meets or found.lacks
        return {
            "model": self.view.short(found.choice.row),
            "score": round(found.score, 4),
            "reason": recommendation.reason(found) if asked else self.planner.reason(decision, found.choice),
            "estimated_cost_dollars": present.rounded(found.choice.cost_dollars),
            "available": decision.available,
        }
