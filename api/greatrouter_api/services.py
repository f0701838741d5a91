"""The composition root: every part, put together from the settings, opened and closed in one place."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from greatrouter_accounts.accounts import Accounts
from greatrouter_api import configured, present, start_report
from greatrouter_api.answer_cache import AnswerCache
from greatrouter_api.chat import Chat
from greatrouter_api.decision import Decider, Rankers
from greatrouter_api.direct import Direct
from greatrouter_api.feedback import FeedbackDesk
from greatrouter_api.flow import Flow
from greatrouter_api.home import make_home, open_accounts
from greatrouter_api.outcomes import Outcomes
from greatrouter_api.plan import Planner
from greatrouter_api.plan_models import PlanModels
from greatrouter_api.preview import Preview
from greatrouter_api.providers import open_providers
from greatrouter_api.pulse import Pulse
from greatrouter_api.recommend import Recommender
from greatrouter_api.runner import Runner
from greatrouter_api.sessions import Sessions
from greatrouter_api.settings import Settings
from greatrouter_api.tiers import Tiers
from greatrouter_api.warming import Warming
from greatrouter_catalog import facts, snapshot
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.wish_search import WishSearch
from greatrouter_classifier import artifacts, exemplars
from greatrouter_classifier.classification import Task
from greatrouter_classifier.knn import NearestNeighbours
from greatrouter_classifier.matcher import RuleMatcher
from greatrouter_classifier.pipeline import Classifier, Neighbourhood
from greatrouter_classifier.rules import RULES
from greatrouter_ranking.quality import abilities
from greatrouter_ranking.ranker import Ranker
from greatrouter_serving.errors import ServingError
from greatrouter_serving.health import Health
from greatrouter_serving.local.engine import Engine, LocalEmbedder, LocalModelConfig, Shelf

log = logging.getLogger("greatrouter")


@dataclass(frozen=True, slots=True)
class Services:
    """What a running server consists of."""

    settings: Settings
    catalog: Catalog
    available: NDArray[np.bool_]
    view: present.ModelView
    engine: Engine
    accounts: Accounts
    outcomes: Outcomes
    feedback: FeedbackDesk
    flow: Flow
    preview: Preview
    recommender: Recommender
    chat: Chat
    direct: Direct


async def open_services(settings: Settings, stack: AsyncExitStack, *, shared: bool = False) -> Services:
    """Opens everything; `stack` closes it again in the opposite order. `shared` says that other processes of this
    machine serve the same accounts."""
    make_home(settings)
    engine = open_engine(settings)
    stack.push_async_callback(engine.close)
    await engine.start()
    # Side by side: the first start prepares the encoder's file for two seconds, mostly outside the interpreter's lock.
    classifier, catalog = await asyncio.gather(
        open_classifier(settings, engine), asyncio.to_thread(open_catalog, settings)
    )
    accounts = open_accounts(settings, shared=shared)
    stack.callback(accounts.close)
    await asyncio.to_thread(start_report.join, accounts)
    providers = await open_providers(settings, engine, stack)
    available = availability(catalog, settings)
    ability = abilities(catalog.arrays, catalog.scores)
    encoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")
    stack.callback(encoder.shutdown)
    health, feedback = Health(), FeedbackDesk(accounts, time.monotonic)
    decider = Decider(
        catalog,
        accounts,
        classifier,
        rankers=Rankers(
            Ranker(catalog.arrays, ability, available),
            Ranker(catalog.arrays, ability, np.ones(len(catalog), dtype=np.bool_)),
        ),
        plans=PlanModels(catalog, settings.models_of_plans),
        hosted_tasks=frozenset(
            Task(task) for model in configured.models(settings) if model.hosted for task in model.tasks
        ),
        executor=encoder,
        pulse=Pulse(catalog, health, time.monotonic),
        feedback=feedback,
    )
    view = present.ModelView(catalog, hosted_facts(settings, engine), available, health)
    tiers = Tiers({model.id: model.batch_discount for model in settings.local_models})
    planner = Planner(catalog, decider, settings.fallback_models, tiers, settings.unset_keys)
    outcomes = Outcomes(health, accounts)
    runner = Runner(planner, accounts, providers, outcomes, settings.upstream_timeout_s)
    sessions = Sessions(settings.session_ttl_s, settings.max_sessions, time.monotonic)
    flow = Flow(planner, runner, sessions, view)
    direct = Direct(
        catalog=catalog,
        decider=decider,
        attempts=settings.fallback_models,
        engine=engine,
        warming=Warming(engine),
        accounts=accounts,
        providers=providers,
        outcomes=outcomes,
        available=available,
        tiers=tiers,
        timeout_s=settings.upstream_timeout_s,
    )
    return Services(
        settings,
        catalog,
        available,
        view,
        engine,
        accounts,
        outcomes,
        feedback,
        flow,
        Preview(planner, sessions, view),
        Recommender(planner, view, WishSearch(catalog, warm_embedder(settings, engine)), encoder),
        Chat(flow, AnswerCache(time.monotonic)),
        direct,
    )


def open_catalog(settings: Settings) -> Catalog:
    """The current snapshot with the configured models; the shipped facts become the first snapshot."""
    folder = settings.home / "catalog"
    path = snapshot.current(folder) or snapshot.write(facts.load(settings.data_folder / "catalog"), folder)
    return Catalog.open(path, configured.models(settings), configured.terms(settings), settings.markup)


def availability(catalog: Catalog, settings: Settings) -> NDArray[np.bool_]:
    """Which rows can be run: served here, or by a configured provider that has its key."""
    reachable = settings.reachable_providers | {configured.LOCAL}
    codes = [i for i, name in enumerate(catalog.arrays.providers) if name in reachable]
    return np.asarray(np.isin(catalog.arrays.provider, codes))


def hosted_facts(settings: Settings, engine: Engine) -> Callable[[str], Mapping[str, Any]]:
    """What `/v1/models` says of a model of this process beyond its catalog row, as it is at the moment of asking."""
    prices = {model.id: model for model in settings.local_models}

    def facts_of(model_id: str) -> Mapping[str, Any]:
        if model_id not in prices:
            return {}
        model = next(served for served in engine.describe() if served.id == model_id)
        price = prices[model_id]
        rates = {
            "embeddings": ("million tokens", price.embeddings_per_million_tokens),
            "rerank": ("document", price.rerank_per_document),
        }
        unit, realtime = rates[model.tasks[0]]
        return {
            "state": model.state,
            "params": model.params,
            "dimensions": model.dimensions,
            "context_window": model.max_tokens,
            "backend": model.backend,
            "problem": model.problem,
            "pricing": {
                "unit": unit,
                "realtime": float(realtime),
                "batch": float(realtime * price.batch_discount),
                "input_per_million_tokens": float(price.embeddings_per_million_tokens),
                "price_per_document": float(price.rerank_per_document),
                "batch_input_per_million_tokens": float(price.embeddings_per_million_tokens * price.batch_discount),
                "batch_price_per_document": float(price.rerank_per_document * price.batch_discount),
            },
        }

    return facts_of


def open_engine(settings: Settings) -> Engine:
    """The models served here, all still cold. The caller starts and closes it."""
    models = [LocalModelConfig(model.id, str(model.path or ""), model.backend) for model in settings.local_models]
    folder = settings.home / "models"
    return Engine(models, shelf=Shelf(models_dir=folder, prepared_dir=folder))


def warm_embedder(settings: Settings, engine: Engine) -> LocalEmbedder | None:
    """The encoder, where it could be loaded."""
    warm = {model.id for model in engine.describe() if model.state == "warm"}
    return engine.embedder(settings.embedder) if settings.embedder is not None and settings.embedder in warm else None


async def open_classifier(settings: Settings, engine: Engine) -> Classifier:
    """With the kNN stage where the embedder can be loaded; without it the rules and the default remain."""
    complexity = artifacts.read_complexity(settings.data_folder / "complexity.json")
    matcher, neighbourhood = await asyncio.gather(
        asyncio.to_thread(RuleMatcher, RULES), _open_neighbourhood(settings, engine)
    )
    return Classifier(matcher, complexity, neighbourhood)


async def _open_neighbourhood(settings: Settings, engine: Engine) -> Neighbourhood | None:
    if not settings.embedder:
        return None
    try:
        await engine.warm(settings.embedder)
    except ServingError as error:
        log.warning("the classifier works without its nearest neighbours: %s", error)
        return None
    data = settings.data_folder
    examples = exemplars.read(data / "exemplars.jsonl")
    index = NearestNeighbours(examples, exemplars.read_vectors(data / "exemplars.npz", examples))
    calibration = artifacts.read_calibration(data / "calibration.json")
    return Neighbourhood(index, calibration, engine.embedder(settings.embedder))
