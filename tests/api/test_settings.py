"""Settings: where they come from, which wins, and that the documentation has them all."""

from decimal import Decimal
from pathlib import Path

import pytest

from greatrouter_api.settings import Settings, SettingsInvalid, load

ROOT = Path(__file__).parents[2]
TOML = """
max_body_bytes = 1000
[providers.lab]
base_url = "http://127.0.0.1:9001/v1"
api_key_env = "LAB_KEY"
models = [{ id = "lab/small", task = "text", input_per_million_tokens = 0.1 }]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GREATROUTER_HOME", str(tmp_path))
    return tmp_path


def test_the_file_in_the_home_is_read(home: Path) -> None:
    (home / "greatrouter.toml").write_text(TOML)
    settings = load()
    assert settings.max_body_bytes == 1000
    assert settings.providers["lab"].models[0].input_per_million_tokens == Decimal("0.1")


def test_the_file_may_lie_elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text("max_body_bytes = 7")
    monkeypatch.setenv("GREATROUTER_CONFIG", str(elsewhere))
    assert load().max_body_bytes == 7


def test_the_environment_wins_also_over_nested_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "greatrouter.toml").write_text(TOML)
    monkeypatch.setenv("GREATROUTER_MAX_BODY_BYTES", "2000")
    monkeypatch.setenv("GREATROUTER_PROVIDERS__LAB__BASE_URL", "http://127.0.0.1:9002/v1")
    settings = load()
    assert settings.max_body_bytes == 2000
    assert settings.providers["lab"].base_url.endswith("9002/v1")
    assert settings.providers["lab"].models[0].id == "lab/small"


def test_a_provider_without_its_key_is_not_reachable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "greatrouter.toml").write_text(TOML)
    assert load().reachable_providers == set()
    assert load().unset_keys == {"lab": "LAB_KEY"}
    monkeypatch.setenv("LAB_KEY", "secret")
    settings = load()
    assert settings.reachable_providers == {"lab"}
    assert settings.unset_keys == {}
    assert "secret" not in repr(settings)


def test_a_wrong_value_names_the_setting() -> None:
    with pytest.raises(SettingsInvalid, match="max_body_bytes"):
        load(max_body_bytes=0)


LAB = "[providers.lab]\nbase_url = 'http://x/v1'\n"
KEY = "sk-never-to-be-seen-0123456789"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("max_body_bytes = 'many'", ["max_body_bytes in FILE: 'many' was given; allowed: a whole number, more than 0"]),
        (
            "fallback_models = 99\nupstream_timeout_s = 0",
            [
                "upstream_timeout_s in FILE: 0 was given; allowed: a number, more than 0",
                "fallback_models in FILE: 99 was given; allowed: a whole number, at least 1, at most 10",
            ],
        ),
        ("fallback_model = 2", ["fallback_model in FILE: there is no such setting; did you mean fallback_models?"]),
        ("cors_origins = 'x'", ["cors_origins in FILE: 'x' was given; allowed: a list of texts"]),
        ("providers = 3", ["providers in FILE: 3 was given; allowed: a table"]),
        (
            "[providers.local]\nkind = 'cohere'",
            ["providers in FILE: local is built in; give the provider another name"],
        ),
        (LAB + "models = 'x'", ["providers.lab.models in FILE: 'x' was given; allowed: a list of tables"]),
        (
            LAB + "kind = 'openapi'",
            ["providers.lab.kind in FILE: 'openapi' was given; allowed: openai, anthropic, gemini, cohere, replicate"],
        ),
        (
            LAB + "models = [{ id = 'small', input_per_million_tokens = -1, zero_data_retention = 'maybe' }]",
            [
                "providers.lab.models[0].id in FILE: 'small' was given; "
                "a model's id is provider/name, as in lab/small, without blanks",
                "providers.lab.models[0].zero_data_retention in FILE: 'maybe' was given; allowed: true or false",
                "providers.lab.models[0].input_per_million_tokens in FILE: -1 was given; allowed: a number, at least 0",
            ],
        ),
        ("[[local_models]]\nbackend = 'fake'", ["local_models[0].id in FILE: is missing; allowed: a text in quotes"]),
        ("[[local_models]]\nid = 'a'", ["local_models[0].id in FILE: 'a' was given; a model's id is provider/name"]),
        (
            LAB + f"api_key = '{KEY}'",
            ["providers.lab.api_key in FILE: there is no such setting; did you mean api_key_"],
        ),
        (
            LAB + f"api_key_env = '{KEY}'",
            ["providers.lab.api_key_env in FILE: this is not the key itself but the name"],
        ),
        (f"[providers.lab]\nbase_url = 'ftp://me:{KEY}@x'", ["providers.lab.base_url in FILE: an address is http://"]),
        ("[providers.lab]\nbase_url = 'http://a..b/v1'", ["providers.lab.base_url in FILE: an address is http://"]),
        ("[providers.lab]\nbase_url = 'http://x:99999'", ["providers.lab.base_url in FILE: an address is http://"]),
    ],
)
def test_each_mistake_is_a_line_of_our_own(home: Path, content: str, lines: list[str]) -> None:
    """Its name, what was given (no secret) and what is allowed; not a word of pydantic's."""
    (home / "greatrouter.toml").write_text(content)
    with pytest.raises(SettingsInvalid) as caught:
        load()
    head, *found = str(caught.value).splitlines()
    assert head == "the settings are wrong (see docs/settings.md)"
    assert len(found) == len(lines)
    for line, expected in zip(found, lines, strict=True):
        assert line.startswith("  " + expected.replace("FILE", str(home / "greatrouter.toml")))
    said = f"{caught.value} {caught.value!r}"
    assert "pydantic" not in said
    assert "Input should" not in said
    assert KEY not in said


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("GREATROUTER_MAX_BODY_BYTES", "x", "GREATROUTER_MAX_BODY_BYTES: 'x' was given; allowed: a whole number"),
        ("GREATROUTER_PROVIDERS__LAB__KIND", "x", "GREATROUTER_PROVIDERS__LAB__KIND: 'x' was given; allowed: openai,"),
        ("GREATROUTER_PROVIDERS", '{"lab": {"kind": "x"}}', "providers.lab.kind in GREATROUTER_PROVIDERS: 'x' was"),
        ("GREATROUTER_PROVIDERS__LAB__KIND", "openai", "GREATROUTER_PROVIDERS__LAB: base_url is missing"),
        ("GREATROUTER_PROVIDERS", "abc", "GREATROUTER_PROVIDERS is not JSON"),
        ("GREATROUTER_PROVIDERS__LAB__MODELS", "abc", "GREATROUTER_PROVIDERS__LAB__MODELS is not JSON"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    assert not (home / "greatrouter.toml").exists()
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as caught:
        load()
    assert line in str(caught.value)


def test_a_file_that_is_no_toml_is_named(home: Path) -> None:
    (home / "greatrouter.toml").write_text("not toml")
    with pytest.raises(SettingsInvalid, match=r"greatrouter\.toml is not TOML: .*line 1"):
        load()


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"`{name}`" not in documented]
    assert missing == []
