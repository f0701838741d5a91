"""Every way to run a model, by the name that catalog rows use: the configured servers, this process, the sandbox."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import aiohttp

from greatrouter_api.configured import LOCAL
from greatrouter_api.local_provider import LocalProvider
from greatrouter_api.plan import SANDBOX
from greatrouter_api.settings import Settings
from greatrouter_serving.call import Provider
from greatrouter_serving.local.engine import Engine
from greatrouter_serving.providers.anthropic import AnthropicProvider
from greatrouter_serving.providers.cohere import CohereProvider
from greatrouter_serving.providers.gemini import GeminiProvider
from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.replicate import ReplicateProvider
from greatrouter_serving.providers.sandbox import SandboxProvider
from greatrouter_serving.providers.session import open_session

ADAPTERS: Mapping[str, Callable[..., Provider]] = {
    "openai": OpenAIProvider,
    "anthropic": AnthropicProvider,
    "gemini": GeminiProvider,
    "cohere": CohereProvider,
    "replicate": ReplicateProvider,
}


async def open_providers(settings: Settings, engine: Engine, stack: AsyncExitStack) -> dict[str, Provider]:
    """`stack` closes them, and then the connections that they share."""
    providers: dict[str, Provider] = {LOCAL: LocalProvider(engine), SANDBOX: SandboxProvider()}
    if settings.providers:
        session = open_session()
        stack.push_async_callback(session.close)
        for name in settings.providers:
            providers[name] = _open(settings, name, session)
    for provider in providers.values():
        stack.push_async_callback(provider.close)
    return providers


def _open(settings: Settings, name: str, session: aiohttp.ClientSession) -> Provider:
    provider = settings.providers[name]
    return ADAPTERS[provider.kind](name, provider.url, settings.provider_keys.get(name), session)
