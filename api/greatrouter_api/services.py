"""The composition root: every part, put together from the settings, opened and closed in one place."""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.limits import Limits
from greatrouter_api import configured, present
from greatrouter_api.answer_cache import AnswerCache
from greatrouter_api.chat import Chat
from greatrouter_api.decision import Decider, Rankers
from greatrouter_api.direct import Direct
from greatrouter_api.feedback import FeedbackDesk
from greatrouter_api.flow import Flow
from greatrouter_api.outcomes import Outcomes
from greatrouter_api.plan import Planner
from greatrouter_api.plan_models import PlanModels
from greatrouter_api.preview import Preview
from greatrouter_api.providers import open_providers
from greatrouter_api.pulse import Pulse
from greatrouter_api.recommend import Recommender
from greatrouter_api.runner import Runner
from greatrouter_api.sessions import Sessions
from greatrouter_api.settings import PlanSettings, Settings, SettingsInvalid
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
SECRET_BYTES = 32  # of the key of the hashes of API keys


@dataclass(frozen=True, slots=True)
class Services:
    """What a running server consists of."""

    settings: Settings
    catalog: Catalog
    available: NDArray[np.bool_]
    view: present.ModelView
    engine: Engine
    accounts: Accounts
    health: Health
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
        plans=PlanModels(catalog, {name: plan.models for name, plan in settings.plans.items()}),
        hosted_tasks=frozenset(
            Task(task) for model in configured.models(settings) if model.hosted for task in model.tasks
        ),
        executor=encoder,
        pulse=Pulse(catalog, health, time.monotonic),
        feedback=feedback,
    )
    view = present.ModelView(catalog, hosted_facts(settings, engine), available, health)
    planner = Planner(catalog, decider, settings.fallback_models, settings.unset_keys)
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
        batch_share={model.id: model.batch_discount for model in settings.local_models},
        timeout_s=settings.upstream_timeout_s,
    )
    return Services(
        settings,
        catalog,
        available,
        view,
        engine,
        accounts,
        health,
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


def make_home(settings: Settings) -> bytes:
    """The home, for its owner's eyes only, and the server's secret in it. Raises `SettingsInvalid`."""
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = server_secret(settings.home / "secret")
    except OSError as error:
        problem = f"cannot write to {settings.home} ({error.strerror}); set GREATROUTER_HOME to a folder of yours"
        raise SettingsInvalid(problem) from error
    if len(secret) != SECRET_BYTES:
        raise SettingsInvalid(
            f"{settings.home / 'secret'} is damaged: it has {len(secret)} bytes instead of {SECRET_BYTES}; restore it, "
            "or delete it and make every API key anew"
        )
    return secret


def open_accounts(settings: Settings, *, shared: bool = False) -> Accounts:
    """`shared` says that other processes of this machine serve the same accounts."""
    secret, redis = make_home(settings), settings.redis_url
    return Accounts(
        settings.accounts_database,
        secret,
        plans={name: _plan(plan) for name, plan in settings.plans.items()},
        shared=shared or settings.database_url is not None,
        redis_url=None if redis is None else redis.get_secret_value(),
    )


def _plan(plan: PlanSettings) -> Plan:
    daily, monthly = plan.daily_budget_dollars, plan.monthly_budget_dollars
    return Plan(
        Limits(plan.requests_per_minute, plan.tokens_per_minute, plan.concurrent_requests),
        None if daily is None else daily * 100,
        None if monthly is None else monthly * 100,
    )


def server_secret(path: Path) -> bytes:
    """32 random bytes that key the hashes of API keys; made at first use, readable by the owner alone.

    Of several processes that start at once, one's secret is linked into place whole and all read that one.
    """
    if not path.exists():
        pending = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        with suppress(FileExistsError):
            os.link(pending, path)
        pending.unlink()
    return path.read_bytes()
