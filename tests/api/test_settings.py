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
    monkeypatch.setenv("LAB_KEY", "secret")
    settings = load()
    assert settings.reachable_providers == {"lab"}
    assert "secret" not in repr(settings)


def test_a_wrong_value_names_the_setting() -> None:
    with pytest.raises(SettingsInvalid, match="max_body_bytes"):
        load(max_body_bytes=0)


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"`{name}`" not in documented]
    assert missing == []
