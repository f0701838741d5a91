"""`POST /v1/models/recommend`: models for a task, or for a need in one's own words. Nothing is run or charged."""

import asyncio
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
from greatrouter_api.typical import kind_asked, priced_for, typical
from greatrouter_catalog.arrays import TASKS
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_catalog.wish import Description
from greatrouter_catalog.wish_search import WishSearch
from greatrouter_classifier.classification import Classification, ContentMode, Task
from greatrouter_classifier.classification import Decision as Stage
from greatrouter_ranking import recommendation
from greatrouter_ranking.ranker import Optimization
from greatrouter_ranking.recommendation import Recommendation

NAMED_TASKS = tuple(dict.fromkeys((*TASKS, *TASK_TYPES)))
# So many of the ranker's best are looked through (2 ms), or all of them (5 ms) where a model is described: what is
# asked for by name or in numbers may stand anywhere.
CANDIDATES, EVERY = 400, 10_000
# A task that was only guessed gives way to one that the words surely ask for; rules know prompts, not descriptions.
GUESSES = frozenset({Stage.DEFAULT, Stage.KNN})
GUESSES_OF_A_MODEL = GUESSES | {Stage.REGEX}
SURE = 0.9


_NAME = BeforeValidator(lambda value: None if value == "" else value)


class RecommendRequest(BaseModel):
    """`POST /v1/models/recommend`"""

    model_config = STRICT

    task: Literal[NAMED_TASKS] | None = Field(  # type: ignore[valid-type]  # the vocabularies, in one place
        default=None, description="A router task, or a registry task type such as speech_to_text."
    )
    prompt: str | None = Field(
        default=None,
        description="What the model is for, what it must do (`cheap vision model, 128k context, no openai`), or the "
        "prompt itself; models are searched by its meaning.",
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
        description = await self._description(request)
        depth = EVERY if description is not None and description.of_a_model else CANDIDATES
        decision = await self._decide(request, request.task, caller, depth)
        if kind := self._surer_kind(decision, description):
            decision = await self._instead(decision, request, kind, caller, depth)
        wishes = description.wishes(self._kind(decision)) if description else ()
        found = recommendation.recommend(decision.ranking.choices, wishes, request.limit)
        first = replace(decision.ranking, choices=tuple(one.choice for one in found))
        answer: dict[str, Any] = {
            "data": [self._shown(decision, one) for one in found],
            "classification": present.classification(decision.classification),
            "optimization": decision.optimization.value,
            "priced_for": priced_for(decision.profile.expected, is_typical=not request.described),
            "catalog_version": self.planner.catalog.version,
        }
        if not decision.available:
            answer["note"] = self.planner.advice(replace(decision, ranking=first))
        elif caller.test:
            answer |= present.sandbox_note(self.view, [one.choice.row for one in found])
        return orjson.dumps(answer)

    async def _decide(self, request: RecommendRequest, named: str | None, caller: Caller, depth: int) -> Decision:
        prompt = request.prompt if request.prompt and request.described else ""
        kind = TASK_TYPES.get(named or "")
        task = Task(kind.tasks[0]) if kind else Task(named) if named else None
        if kind is None and not prompt:
            asked = Asked(task=task, taxonomy=request.taxonomy, catalog_family=request.catalog_family)
            kind = TASK_TYPES[kind_asked(asked, self.planner.catalog)]
            task = task or Task(kind.tasks[0])
        matter = typical(kind.name, prompt) if kind else Matter(prompt, {})
        asked = Asked(
            task=task,
            content_mode=request.content_mode,
            optimization=request.optimization,
            budget_dollars=request.budget_dollars,
            provider=request.provider,
            taxonomy=request.taxonomy,
            catalog_family=request.catalog_family,
        )
        return await self.planner.decider.decide(asked, matter, caller, depth)

    async def _description(self, request: RecommendRequest) -> Description | None:
        if request.prompt is None or not request.described:
            return None
        await asyncio.to_thread(self.search.prepare)
        return await asyncio.get_running_loop().run_in_executor(self.executor, self.search.find, request.prompt)

    def _kind(self, decision: Decision) -> str:
        """The registry task type that was ranked."""
        if decision.classification.task is Task.WEB_SEARCH:
            return "web_search"
        return self.planner.catalog.model(decision.ranking.choices[0].row).task_type

    def _surer_kind(self, decision: Decision, description: Description | None) -> str | None:
        """The task type that the words ask for, where the classifier guessed another."""
        if description is None or decision.classification.decision not in _guesses(description):
            return None
        kind = description.kind(_chances(decision.classification))
        return None if kind == self._kind(decision) else kind

    async def _instead(
        self, guessed: Decision, request: RecommendRequest, kind: str, caller: Caller, depth: int
    ) -> Decision:
        try:
            decision = await self._decide(request, kind, caller, depth)
        except ApiError:  # its filters leave nothing of that kind, and something of the guessed one
            return guessed
        guess, found = guessed.classification, decision.classification
        told = replace(
            found,
            decision=guess.decision,
            confidence=guess.confidence,
            probabilities=guess.probabilities,
            reasoning=f"{guess.reasoning}; but {kind} models are what the words describe",
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


def _chances(found: Classification) -> dict[str, float]:
    """How likely each registry task type is by the classifier."""
    of_task = found.probabilities or {found.task: found.confidence}
    return {kind.name: sum(of_task.get(Task(task), 0.0) for task in kind.tasks) for kind in TASK_TYPES.values()}


def _guesses(description: Description) -> frozenset[Stage]:
    """The stages whose opinion gives way to what the words ask for."""
    if description.of_a_model:
        return GUESSES_OF_A_MODEL
    return GUESSES if description.said and description.said[0][0].wish.weight >= SURE else frozenset()
