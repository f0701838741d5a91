"""From a request to a ranked list of models: classify, profile, rank. Nothing is run and nothing is charged here."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.preferences import DEFAULTS as NO_PREFERENCES
from greatrouter_accounts.preferences import Preferences
from greatrouter_api import reasons_of_rejection
from greatrouter_api.configured import LOCAL
from greatrouter_api.errors import ApiError, unknown_model
from greatrouter_api.feedback import FeedbackDesk
from greatrouter_api.plan_models import PlanModels
from greatrouter_api.provider_preferences import ProviderNames, ProviderRequest
from greatrouter_api.schemas import Asked
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_classifier.classification import Classification, ContentMode, Question, Task, Turn
from greatrouter_classifier.classification import Decision as Stage
from greatrouter_classifier.pipeline import Classifier
from greatrouter_ranking.constraints import Constraints
from greatrouter_ranking.live import Live
from greatrouter_ranking.profile import Expected, Profile, profile
from greatrouter_ranking.provider_preferences import ProviderPreferences
from greatrouter_ranking.ranker import Choice, Optimization, Ranker, Ranking

AUTO_MODELS = frozenset({"router", "auto", "greatrouter/auto"})
ALL_TASKS = frozenset(Task)
ONE_KIND = frozenset({Task.TEXT, Task.CODE})
# OpenAI and Anthropic cache prompts from this length on, Gemini from two and four times as many.
FEWEST_CACHED_TOKENS = 1_024


@dataclass(frozen=True, slots=True)
class Answered:
    """An endpoint that may still hold a prompt of `prompt_tokens` in its cache."""

    model: str
    provider: str
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Matter:
    """What is asked about, and what the endpoint knows of it beyond the request's routing fields.

    It may only be one of `tasks`: what sounds like another is text. `capabilities` are bits that a model must have
    beside what the input shows, `max_tier` is an index into the price tiers, `output` a bit of the modality wanted.
    `answered_before` is who answered last in the same conversation. `unpaid_only` leaves free models and those served
    here.
    """

    prompt: str
    input: Mapping[str, Any]
    previous: Turn | None = None
    regex_only: bool = False
    tasks: frozenset[Task] = ALL_TASKS
    capabilities: int = 0
    max_tier: int | None = None
    output: int = 0
    answered_before: Answered | None = None
    unpaid_only: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`available` is false where nothing reachable fits and the whole routable catalog was ranked instead;
    `classified_at` is a `perf_counter` reading; `explicit` says that the caller named the model, `unpaid_only` that
    only free models and those served here were to be had."""

    classification: Classification
    profile: Profile
    ranking: Ranking
    optimization: Optimization
    available: bool
    classified_at: float
    explicit: bool = False
    unpaid_only: bool = False


class Rankers(NamedTuple):
    """`reachable` ranks what can be run now, `everything` all that is routable (a test key reaches all of it, in the
    sandbox)."""

    reachable: Ranker
    everything: Ranker


class Decider:
    """`plans` say what an organization may be given. `hosted_tasks` are done by this process; `executor` has one
    thread, for the encoder."""

    def __init__(
        self,
        catalog: Catalog,
        accounts: Accounts,
        classifier: Classifier,
        rankers: Rankers,
        plans: PlanModels,
        hosted_tasks: frozenset[Task],
        executor: Executor,
        pulse: Callable[[], Live | None],
        feedback: FeedbackDesk,
    ) -> None:
        self._catalog = catalog
        self._accounts = accounts
        self._providers = ProviderNames(catalog.arrays.providers)
        self._classifier = classifier
        self._reachable, self._everything = rankers
        self._plans = plans
        self._executor = executor
        self._hosted_tasks = hosted_tasks
        self._pulse = pulse
        self._feedback = feedback

    async def decide(self, request: Asked, matter: Matter, caller: Caller, limit: int) -> Decision:
        """The best `limit` models. Raises `ApiError` where no model of the whole catalog fits."""
        rows = self._explicit(request.model, caller)
        preferred = await self._accounts.preferences(caller.organization_id)
        optimization = request.optimization or Optimization(preferred.default_optimization)
        default_mode = ContentMode(preferred.content_mode_default or ContentMode.GENERATE)
        task, mode, because = self._settled(request, rows, default_mode)
        question = Question(
            prompt=matter.prompt,
            input=matter.input,
            task=task,
            because=because,
            content_mode=mode,
            previous=matter.previous,
            regex_only=matter.regex_only,
            default_task=Task(preferred.default_task or Task.TEXT),
            default_mode=default_mode,
            overlay=await self._feedback.overlay(caller.organization_id) if rows is None else None,
        )
        classification = within(await self._classify_for(rows, question), matter.tasks)
        if rows is None and (request.taxonomy or request.catalog_family):
            classification = await self._of_branch(classification, request, question, matter.tasks)
        classified_at = time.perf_counter()
        needs = _needs(classification, matter, explicit=rows is not None)
        constraints = self._constraints(request, rows, needs.task, matter, caller, preferred)
        ranker = self._everything if caller.test else self._reachable
        live = None if caller.test else self._pulse()
        ranking = ranker.rank(needs, optimization, limit, constraints, live)
        available = bool(ranking.choices)
        if not available and not reasons_of_rejection.by_plan(ranking) and ranking.cheapest_cost_dollars is None:
            ranker = self._everything
            ranking = ranker.rank(needs, optimization, limit, constraints)
        if not ranking.choices:
            raise self._refusal(ranker, ranking, needs, constraints, caller)
        return Decision(
            classification,
            needs,
            ranking,
            optimization,
            available,
            classified_at,
            explicit=rows is not None,
            unpaid_only=matter.unpaid_only,
        )

    def _refusal(
        self, ranker: Ranker, ranking: Ranking, needs: Profile, constraints: Constraints | None, caller: Caller
    ) -> ApiError:
        """Why nothing was left; where it is the organization's plan, which plans would leave something."""
        if constraints is None or not reasons_of_rejection.by_plan(ranking):
            return reasons_of_rejection.error(ranking, needs)

        def leaves(plan: str) -> bool:
            wider = replace(constraints, included=self._plans.of(plan))
            return bool(ranker.rank(needs, Optimization.BALANCED, 1, wider).choices)

        return reasons_of_rejection.of_plan(ranking, needs, caller.plan, list(filter(leaves, self._plans.names)))

    async def endpoints(
        self,
        rows: Sequence[int],
        task: Task,
        expected: Expected,
        provider: str | ProviderRequest | None,
        caller: Caller,
        limit: int,
    ) -> Ranking:
        """Has the first `limit` endpoints to try among `rows`, those of a model that was named. Raises `ApiError` 403
        where the organization's plan includes none, 404 where the caller's provider preferences or its organization's
        leave none."""
        rows = self._plans.within(rows, caller)
        preferred = await self._accounts.preferences(caller.organization_id)
        if len(rows) == 1 and provider is None and preferred == NO_PREFERENCES:
            only = Choice(rows[0], score=0.0, quality=0.0, cost_dollars=0.0)  # to weigh it would take 14 us
            return Ranking((only,), None, 1, endpoints=(only,))
        slug, wished = self._wished(provider, ())
        constraints = Constraints(
            rows=rows, providers=(slug,) if slug else (), provider=wished, **self._held(preferred)
        )
        needs = Profile(task, ContentMode.GENERATE, 0.5, expected)
        ranker = self._everything if caller.test else self._reachable
        live = None if caller.test else self._pulse()
        ranking = ranker.rank(needs, Optimization.BALANCED, limit, constraints, live)
        if not ranking.endpoints:
            raise reasons_of_rejection.error(ranking, needs)
        return ranking

    def _held(self, preferred: Preferences) -> dict[str, Any]:
        """What an organization prefers, as fields of `Constraints`."""
        return {
            "excluded_providers": tuple(map(self._providers.of, preferred.excluded_providers)),
            "preferred_providers": tuple(map(self._providers.of, preferred.preferred_providers)),
            "excluded_rows": tuple(row for model in preferred.excluded_models for row in self._catalog.find(model)),
        }

    def _wished(
        self, provider: str | ProviderRequest | None, parameters: Iterable[str]
    ) -> tuple[str | None, ProviderPreferences | None]:
        """The one provider that a request names, or its preferences."""
        if isinstance(provider, ProviderRequest):
            return None, self._providers.preferences(provider, parameters)
        return (None if provider is None else self._providers.of(provider)), None

    async def turn(self, prompt: str) -> Turn:
        """What an earlier prompt of a conversation asked for, so that a follow-up can take its meaning from it."""
        found = await self.classify(Question(prompt))
        return Turn(found.task, found.content_mode, found.complexity)

    async def classify(self, question: Question) -> Classification:
        """Rules inline; the encoder, which takes milliseconds, off the event loop."""
        decided = self._classifier.decide(question)
        if decided is None:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._executor, self._classifier.decide_by_neighbours, [question])
            decided = found[0]
        return decided

    def _explicit(self, model: str | None, caller: Caller) -> Sequence[int] | None:
        if model is None or model in AUTO_MODELS:
            return None
        rows = self._catalog.find(model)
        if not rows:
            raise unknown_model(model)
        if not any(self._catalog.model(row).pricing.known for row in rows):
            message = f"{model} has no price; configure one (0 if it is free) to route to it, see docs/settings.md"
            raise ApiError(404, message, code="model_not_found", param="model")
        return self._plans.within(rows, caller)

    def _settled(
        self, request: Asked, rows: Sequence[int] | None, default_mode: ContentMode
    ) -> tuple[Task | None, ContentMode | None, str | None]:
        """Task and mode as far as they need no asking, and why: the request says them, or names a model of one kind,
        where prose or code makes no difference and asking takes 60 us."""
        tasks = () if rows is None else self._catalog.model(rows[0]).tasks
        if request.task is not None or not tasks or not ONE_KIND.issuperset(tasks):
            return request.task, request.content_mode, None
        return Task(tasks[0]), request.content_mode or default_mode, f"The named model is one for {tasks[0]}"

    async def _classify_for(self, rows: Sequence[int] | None, question: Question) -> Classification:
        """With an explicit model the task is the model's own, whatever the words sound like."""
        if rows is None or question.task is not None:
            return await self.classify(question)
        tasks = self._catalog.model(rows[0]).tasks
        guess = self._classifier.decide(question)
        if guess is not None and guess.task in tasks:
            return guess
        return await self.classify(replace(question, task=Task(tasks[0])))

    async def _of_branch(
        self, found: Classification, request: Asked, question: Question, tasks: frozenset[Task]
    ) -> Classification:
        """A branch or a line of the catalog says what is asked for where the words alone say something else."""
        branch = request.taxonomy or (request.catalog_family or "").partition("/")[0]
        does = [Task(task) for kind in TASK_TYPES.values() if kind.taxonomy == branch for task in kind.tasks]
        searches = {Task.WEB_SEARCH} if Task.TEXT in does else set()  # text models, some of them
        if question.task is not None or found.task in searches.union(does) or not tasks.intersection(does):
            return found
        return await self.classify(replace(question, task=does[0]))

    def _constraints(
        self,
        request: Asked,
        rows: Sequence[int] | None,
        task: Task,
        matter: Matter,
        caller: Caller,
        preferred: Preferences,
    ) -> Constraints | None:
        """What the request and its organization ask for; under a test key a model served here answers for real instead
        of the sandbox."""
        slug, wished = self._wished(request.provider, matter.input)
        named = (request.provider, rows, request.taxonomy, request.catalog_family)
        if caller.test and task in self._hosted_tasks and all(name is None for name in named):
            slug = LOCAL
        fixed = caller.test or (rows is not None and len(rows) == 1)
        incumbent = None if fixed else self._row_of(matter.answered_before)
        included = self._plans.unpaid if matter.unpaid_only else self._plans.of(caller.plan)
        asked = (rows, slug, wished, request.budget_dollars, request.taxonomy, request.catalog_family, matter.max_tier)
        if (
            preferred == NO_PREFERENCES
            and incumbent is None
            and not any(value is not None for value in (included, *asked))
        ):
            return None
        return Constraints(
            budget_dollars=request.budget_dollars,
            max_tier=matter.max_tier,
            providers=(slug,) if slug else (),
            taxonomy=request.taxonomy,
            family=request.catalog_family,
            rows=rows,
            provider=wished,
            incumbent=incumbent,
            cached_tokens=matter.answered_before.prompt_tokens if matter.answered_before else 0,
            included=included,
            **self._held(preferred),
        )

    def _row_of(self, before: Answered | None) -> int | None:
        """The endpoint that answered before, where its provider has a prompt of some length to remember."""
        if before is None or before.prompt_tokens < FEWEST_CACHED_TOKENS:
            return None
        rows = self._catalog.find(before.model)
        return next((row for row in rows if self._catalog.model(row).provider == before.provider), None)


def _needs(classification: Classification, matter: Matter, *, explicit: bool) -> Profile:
    needs = profile(classification, matter.prompt, matter.input, choosing=not explicit)
    if matter.capabilities or matter.output:
        capabilities, output = needs.capabilities | matter.capabilities, matter.output or needs.output
        return replace(needs, capabilities=capabilities, output=output)
    return needs


def within(found: Classification, tasks: frozenset[Task]) -> Classification:
    if found.task in tasks:
        return found
    reasoning = f"{found.reasoning}, but this endpoint does not do {found.task.value}, so it is taken as text"
    return replace(
        found, task=Task.TEXT, decision=Stage.DEFAULT, content_mode=ContentMode.GENERATE, reasoning=reasoning
    )
