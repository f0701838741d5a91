"""Every setting, from `greatrouter.toml` and the environment. This is the only module that reads the environment."""

import os
import re
from decimal import Decimal
from fnmatch import translate
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from greatrouter_api import mistakes

TaskName = Literal["text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings"]
QuantizationName = Literal["int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32"]
Rate = Decimal | None


class SettingsInvalid(Exception):
    """A setting has a wrong name, type or value; the message says which and where it comes from."""


def _two_parts(model_id: str) -> str:
    if not re.fullmatch(r"[^/\s]+/\S*[^/\s]", model_id):
        raise ValueError("a model's id is provider/name, as in lab/small, without blanks")
    return model_id


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:  # a port or a host name that cannot be
        known = False
    if not known:
        raise ValueError("an address is http:// or https:// and a host, with its port if need be, as in " + OPENAI_URL)
    return url


def _variable(name: str) -> str:
    """Keys of all issuers have small letters or hyphens: one that is put here by mistake must not end in a log."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        raise ValueError(
            "this is not the key itself but the name of the environment variable that holds it: capital letters, "
            "digits and underscores, as in OPENAI_API_KEY"
        )
    return name


def _redis_address(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss"):
        raise ValueError("the address of a Redis is redis://HOST:PORT/0, or rediss:// where it speaks TLS")
    return url


def _pattern(pattern: str) -> str:
    if not pattern or re.search(r"\s", pattern) or MATCHES_NOTHING in translate(pattern):
        raise ValueError("this matches no model at all; a pattern of model ids is like openai/* or lab/small")
    return pattern


def _bookable(dollars: Decimal) -> Decimal:
    if dollars != round(dollars, DECIMALS):
        raise ValueError(f"at most {DECIMALS} decimals of a dollar are kept")
    return dollars


ModelId = Annotated[str, AfterValidator(_two_parts)]
Pattern = Annotated[str, AfterValidator(_pattern)]
# What `fnmatch` makes of a range that is empty, as [z-a].
MATCHES_NOTHING = "(?!)"
DECIMALS = 10  # of a dollar, as the ledger keeps them
MOST_DOLLARS = 10_000_000
MOST_COUNTED = 10**12
Limit = Annotated[int | None, Field(gt=0, le=MOST_COUNTED)]
SpendingLimit = Annotated[Decimal, Field(ge=0, le=MOST_DOLLARS), AfterValidator(_bookable)] | None

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_URLS = {
    "anthropic": "https://api.anthropic.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta",
    "cohere": "https://api.cohere.com",
    "replicate": "https://api.replicate.com",
}


class Strict(BaseModel):
    """A misspelt name is an error: a key that is silently not sent, or a price silently not used, costs more."""

    model_config = ConfigDict(extra="forbid")


class ModelSettings(Strict):
    """A model of one's own provider, or a price unlike the catalog's. Prices are US dollars per native unit."""

    id: ModelId = Field(description="The catalog id, `provider/model`.")
    task: TaskName = Field(default="text", description="The router task it answers.")
    upstream_model: str | None = Field(
        default=None, description="What the provider calls it; the id's last part by default."
    )
    name: str | None = None
    context_window: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    capabilities: list[str] = []
    quantization: QuantizationName | None = Field(default=None, description="The precision of its weights.")
    supported_parameters: list[str] | None = Field(
        default=None, description="All parameters that it takes, by OpenRouter's names; by its capabilities if absent."
    )
    data_collection: Literal["allow", "deny"] | None = Field(
        default=None, description="Whether prompts may be kept and trained on; the provider's if absent."
    )
    zero_data_retention: bool | None = Field(
        default=None, description="Whether nothing of a prompt is kept; the provider's if absent."
    )
    input_per_million_tokens: Rate = Field(default=None, ge=0)
    cached_input_per_million_tokens: Rate = Field(default=None, ge=0)
    cache_write_input_per_million_tokens: Rate = Field(default=None, ge=0)
    output_per_million_tokens: Rate = Field(default=None, ge=0)
    price_per_image: Rate = Field(default=None, ge=0)
    price_per_second: Rate = Field(default=None, ge=0)
    price_per_million_characters: Rate = Field(default=None, ge=0)
    price_per_document: Rate = Field(default=None, ge=0)
    price_per_search: Rate = Field(default=None, ge=0)
    price_per_request: Rate = Field(default=None, ge=0)


class ProviderSettings(Strict):
    """One server that models are reached through; the table's name is the `provider` of catalog rows."""

    kind: Literal["openai", "anthropic", "gemini", "cohere", "replicate"] = Field(
        default="openai", description="The wire protocol; `openai` is any compatible server."
    )
    base_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None,
        description="Up to and including the version, as in `https://api.openai.com/v1`; the maker's own if absent.",
    )
    api_key_env: Annotated[str, AfterValidator(_variable)] | None = Field(
        default=None, description="The environment variable that holds the key."
    )
    data_collection: Literal["allow", "deny"] | None = Field(
        default=None, description="Whether it may keep prompts and train on them; absent: nobody knows."
    )
    zero_data_retention: bool | None = Field(
        default=None, description="Whether it keeps nothing of a prompt; absent: nobody knows."
    )
    models: list[ModelSettings] = []

    @model_validator(mode="after")
    def _known_address(self) -> Self:
        if self.base_url is None and self.kind == "openai":
            raise ValueError("base_url is missing; a compatible server has no default, OpenAI's is " + OPENAI_URL)
        return self

    @property
    def url(self) -> str:
        return self.base_url or DEFAULT_URLS[self.kind]


class LocalModelSettings(Strict):
    """A model served by this process."""

    id: ModelId
    backend: Literal["onnx", "fake"] = "onnx"
    path: Path | None = Field(
        default=None, description="A folder with the model's files; found by its id where absent."
    )
    embeddings_per_million_tokens: Decimal = Field(default=Decimal("0.01"), ge=0)
    rerank_per_document: Decimal = Field(default=Decimal("0.00001"), ge=0)
    batch_discount: Decimal = Field(
        default=Decimal("0.5"), ge=0, le=1, description="Share of the price that `X-Tier: batch` pays."
    )


EVERY_MODEL = "*"
# Plans whether or not the settings have a table for them.
KNOWN_PLANS = ("free", "premium", "max", "ultra")


class PlanSettings(Strict):
    """What each organization of a plan may use; the table's name is the plan's. What is absent is not limited."""

    requests_per_minute: Limit = Field(default=None, description="In any sixty seconds.")
    tokens_per_minute: Limit = Field(default=None, description="Of prompts and answers together.")
    concurrent_requests: Limit = Field(default=None, description="Under way at the same time.")
    daily_budget_dollars: SpendingLimit = Field(default=None, description="Of a day of UTC.")
    monthly_budget_dollars: SpendingLimit = Field(default=None, description="Of a month of UTC.")
    models: list[Pattern] = Field(default=[EVERY_MODEL], description="Patterns of model ids, such as `openai/*`.")


# Read by our clients, which may share a shell with the server.
CLIENTS_KEY = "GREATROUTER_API_KEY"
# Polar's own name for it, as its documentation has it.
POLAR_VARIABLE = "POLAR_WEBHOOK_SECRET"
BUILT_IN = frozenset({"local", "sandbox"})
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


class Settings(BaseSettings):
    """Read once at start. Environment variables, such as `GREATROUTER_PROVIDERS__LAB__BASE_URL`, win over the file."""

    model_config = SettingsConfigDict(env_prefix="GREATROUTER_", env_nested_delimiter="__", extra="forbid")

    home: Path = Field(
        default=Path.home() / ".greatrouter", description="Holds all state; nothing is written anywhere else."
    )
    config: Path | None = Field(
        default=None, description="The settings file; `greatrouter.toml` in the home by default."
    )
    data: Path | None = Field(
        default=None, description="The shipped facts and weights, if not those of the installation."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL for accounts, `postgresql://USER:PASSWORD@HOST/NAME`; a file in the home if absent.",
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis_address)] | None = Field(
        default=None, description="A Redis that counts what plans limit, `redis://HOST:PORT/0`; the database if absent."
    )
    plans: dict[str, PlanSettings] = Field(default={}, description="What organizations may use, by their plan.")
    providers: dict[str, ProviderSettings] = Field(default={}, description="Servers that models are reached through.")
    local_models: list[LocalModelSettings] = Field(
        default=[LocalModelSettings(id=MINILM)], description="Models served here."
    )
    embedder: str | None = Field(default=MINILM, description="The local model that reads prompts for the classifier.")
    max_body_bytes: int = Field(default=8 * 1024 * 1024, gt=0, description="A larger request is a 413.")
    cors_origins: list[str] = Field(default=[], description="Origins whose web pages may call; `*` is all of them.")
    upstream_timeout_s: float = Field(default=120.0, gt=0, description="For one attempt at one provider.")
    stop_timeout_s: float | None = Field(
        default=None,
        ge=0,
        description="How long a server that is told to stop waits for what runs; `upstream_timeout_s` if absent.",
    )
    markup: Decimal = Field(
        default=Decimal(0), ge=0, le=100, description="Share added to the price of providers' models; 0.05 is 5 %."
    )
    free_credit_dollars: Decimal = Field(
        default=Decimal(0), ge=0, le=1_000_000, description="Granted with the first live key of each organization."
    )
    fallback_models: int = Field(default=3, ge=1, le=10, description="How many models one request may try.")
    session_ttl_s: float = Field(
        default=3600.0, gt=0, description="A session without a request for so long is forgotten."
    )
    max_sessions: int = Field(default=50_000, ge=1)

    @field_validator("providers")
    @classmethod
    def _not_built_in(cls, providers: dict[str, ProviderSettings]) -> dict[str, ProviderSettings]:
        """A test key's traffic ends in the sandbox: nobody may put a server of that name in its place."""
        if taken := sorted(BUILT_IN & providers.keys()):
            raise ValueError(f"{', '.join(taken)} is built in; give the provider another name")
        return providers

    @field_validator("plans")
    @classmethod
    def _plans_apart(cls, plans: dict[str, PlanSettings]) -> dict[str, PlanSettings]:
        """A table that no organization's plan is called by limits nobody."""
        for name in plans:
            if not name or not name.isprintable() or name != name.strip():
                raise ValueError(
                    f"{name!r} is no name of a plan; expected printable characters without blanks around them"
                )
            for other in (*KNOWN_PLANS, *plans):
                if name != other and name.casefold() == other.casefold():
                    raise ValueError(
                        f"a table is called {name}, and a plan {other}: capital letters count; did you mean {other}?"
                    )
        return plans

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = _settings_file(init_settings())
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    @cached_property
    def provider_keys(self) -> dict[str, str]:
        """The API keys found in the environment, by provider."""
        found = {name: os.environ.get(p.api_key_env, "") for name, p in self.providers.items() if p.api_key_env}
        return {name: key for name, key in found.items() if key}

    @cached_property
    def polar_webhook_secret(self) -> SecretStr | None:
        """What Polar signs its webhooks with; without it none is taken."""
        found = os.environ.get(POLAR_VARIABLE, "")
        return SecretStr(found) if found.strip() else None

    @property
    def patience_s(self) -> float:
        """Of a server that is told to stop."""
        return self.upstream_timeout_s if self.stop_timeout_s is None else self.stop_timeout_s

    @property
    def accounts_database(self) -> Path | str:
        """The file of SQLite or the URL of PostgreSQL."""
        return self.home / "accounts.sqlite3" if self.database_url is None else self.database_url.get_secret_value()

    @property
    def models_of_plans(self) -> dict[str, list[str]]:
        """The patterns of every plan that an organization may be given; one without a table has all models."""
        return {name: [EVERY_MODEL] for name in KNOWN_PLANS} | {name: plan.models for name, plan in self.plans.items()}

    @property
    def unset_keys(self) -> dict[str, str]:
        """The environment variables that are to hold a key and do not, by provider."""
        wanted = {name: p.api_key_env for name, p in self.providers.items() if p.api_key_env}
        return {name: variable for name, variable in wanted.items() if name not in self.provider_keys}

    @property
    def reachable_providers(self) -> set[str]:
        """Configured, and with a key where one is asked for."""
        return self.providers.keys() - self.unset_keys.keys()

    @property
    def data_folder(self) -> Path:
        """The installation's own data: inside the package when installed, beside it in a checkout."""
        packaged = Path(__file__).parent / "_data"
        return self.data or (packaged if packaged.exists() else Path(__file__).parents[2] / "data")


def load(**given: Any) -> Settings:
    """The settings of this process. Raises `SettingsInvalid` with one line a problem."""
    _refuse_unknown_variables()
    if (named := os.environ.get("GREATROUTER_CONFIG")) and not Path(named).is_file():
        raise SettingsInvalid(f"GREATROUTER_CONFIG names {named}, which is no file; correct it or unset it")
    file = _settings_file(given)
    try:
        return Settings(**given)
    except ValidationError as error:
        found = mistakes.lines(error, Settings.model_json_schema(), file, os.environ.keys())
        raise SettingsInvalid("\n  ".join(["the settings are wrong (see docs/settings.md)", *found])) from None
    except SettingsError as error:
        # pydantic-settings names the setting in its message alone.
        prefix = "GREATROUTER_" + "".join(re.findall(r'field "(\w+)"', str(error))).upper()
        names = " or ".join(sorted(name for name in os.environ if name.upper().startswith(prefix)))
        raise SettingsInvalid(
            f"{names} is not JSON; lists and tables are written as such in the environment, as in "
            """GREATROUTER_CORS_ORIGINS='["https://tools.example.com"]'"""
        ) from None
    except OSError as error:
        raise SettingsInvalid(f"the settings file {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsInvalid(f"the settings file {file} is not TOML: {error}") from error


def _settings_file(given: dict[str, Any]) -> Path:
    home = Path(given.get("home") or os.environ.get("GREATROUTER_HOME") or Path.home() / ".greatrouter")
    return Path(os.environ.get("GREATROUTER_CONFIG") or home / "greatrouter.toml")


def _refuse_unknown_variables() -> None:
    """A variable that names no setting would be silently without effect."""
    known = {f"GREATROUTER_{name.upper()}" for name in Settings.model_fields} | {CLIENTS_KEY}
    unknown = sorted(n for n in os.environ if n.startswith("GREATROUTER_") and n.partition("__")[0] not in known)
    if unknown:
        raise SettingsInvalid(f"no setting is called {', '.join(unknown)}; docs/settings.md lists them all")
