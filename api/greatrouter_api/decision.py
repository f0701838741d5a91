"""From a request to a ranked list of models: classify, profile, rank. Nothing is run and nothing is charged here."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

from greatrouter_accounts.keys import Caller
from greatrouter_api import reasons_of_rejection
from greatrouter_api.configured import LOCAL
from greatrouter_api.errors import ApiError, unknown_model
from greatrouter_api.schemas import Asked
from greatrouter_api.sessions import Session
from greatrouter_catalog.catalog import Catalog
from greatrouter_classifier.classification import Classification, Question, Task
from greatrouter_classifier.pipeline import Classifier
from greatrouter_ranking.constraints import Constraints
from greatrouter_ranking.profile import Profile, profile
from greatrouter_ranking.ranker import Optimization, Ranker, Ranking

AUTO_MODELS = frozenset({"router", "auto", "greatrouter/auto"})


@dataclass(frozen=True, slots=True)
class Decision:
    """`available` is false where nothing reachable fits and the whole routable catalog was ranked instead;
    `classified_at` is a `perf_counter` reading."""

    classification: Classification
    profile: Profile
    ranking: Ranking
    optimization: Optimization
    available: bool
    classified_at: float


class Decider:
    """`reachable` ranks what can be run now, `everything` all that is routable (a test key reaches all of it, in the
    sandbox). `hosted_tasks` are done by this process; `executor` has one thread, for the encoder."""

    def __init__(
        self,
        catalog: Catalog,
        classifier: Classifier,
        reachable: Ranker,
        everything: Ranker,
        hosted_tasks: frozenset[Task],
        executor: Executor,
    ) -> None:
        self._catalog = catalog
        self._classifier = classifier
        self._reachable = reachable
        self._everything = everything
        self._executor = executor
        self._hosted_tasks = hosted_tasks

    async def decide(
        self,
        request: Asked,
        prompt: str,
        input_: Mapping[str, Any],
        caller: Caller,
        session: Session | None,
        limit: int,
        mode: str,
    ) -> Decision:
        """The best `limit` models for a request. Raises `ApiError` where no model of the whole catalog fits."""
        if not prompt.strip() and not input_:
            raise ApiError(400, "prompt is empty, and so is input: say what you want", param="prompt")
        rows = self._explicit(request.model)
        question = Question(
            prompt=prompt,
            input=input_,
            task=request.task,
            content_mode=request.content_mode,
            previous=session.turn if session else None,
            regex_only=mode == "regex",
        )
        classification = await self._classify_for(rows, question)
        classified_at = time.perf_counter()
        needs = profile(classification, prompt, input_)
        constraints = self._constraints(request, rows, classification.task, caller)
        ranker = self._everything if caller.test else self._reachable
        ranking = ranker.rank(needs, request.optimization, limit, constraints)
        available = bool(ranking.choices)
        if not ranking.choices and ranking.cheapest_cost_dollars is None:
            ranking = self._everything.rank(needs, request.optimization, limit, constraints)
        if not ranking.choices:
            raise reasons_of_rejection.error(ranking, needs)
        return Decision(classification, needs, ranking, request.optimization, available, classified_at)

    async def classify(self, question: Question) -> Classification:
        """Rules inline; the encoder, which takes milliseconds, off the event loop."""
        decided = self._classifier.decide(question)
        if decided is None:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._executor, self._classifier.decide_by_neighbours, [question])
            decided = found[0]
        return decided

    def _explicit(self, model: str | None) -> list[int] | None:
        if model is None or model in AUTO_MODELS:
            return None
        rows = self._catalog.find(model)
        if not rows:
            raise unknown_model(model)
        if not any(self._catalog.model(row).pricing.known for row in rows):
            message = f"{model} has no price; configure one (0 if it is free) to route to it, see docs/settings.md"
            raise ApiError(404, message, code="model_not_found", param="model")
        return rows

    async def _classify_for(self, rows: list[int] | None, question: Question) -> Classification:
        """With an explicit model the task is one of the model's own, whatever the words sound like."""
        if rows is None or question.task is not None:
            return await self.classify(question)
        tasks = [Task(task) for task in self._catalog.model(rows[0]).tasks]
        guess = self._classifier.decide(question)
        if guess is not None and guess.task in tasks:
            return guess
        return await self.classify(replace(question, task=tasks[0]))

    def _constraints(self, request: Asked, rows: list[int] | None, task: Task, caller: Caller) -> Constraints | None:
        """What the request asks for; under a test key a model served here answers for real instead of the sandbox."""
        provider = request.provider
        if provider is None and rows is None and caller.test and task in self._hosted_tasks:
            provider = LOCAL
        asked = (rows, provider, request.budget_dollars, request.taxonomy, request.catalog_family)
        if not any(value is not None for value in asked):
            return None
        return Constraints(
            budget_dollars=request.budget_dollars,
            providers=(provider,) if provider else (),
            taxonomy=request.taxonomy,
            family=request.catalog_family,
            rows=rows,
        )
