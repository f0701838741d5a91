"""What an operator is told of the accounts when a server starts, and where what counts the limits is gone."""

import logging
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from greatrouter_api import start_report
from greatrouter_api.home import open_accounts
from greatrouter_api.settings import PlanSettings, Settings
from tests import redis_server
from tests.api.conftest import Running, running
from tests.api.test_errors import check

CHAT = "/v1/chat/completions"
SAY = {"model": "lab/small", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="greatrouter")
    return caplog


def warnings(told: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in told.records if record.levelno == logging.WARNING]


def unlimited(server: Running) -> str:
    key = server.accounts.create_key("unlimited", plan="max")
    server.accounts.office.credit("unlimited", Decimal(100))
    return key


def test_a_redis_that_does_not_answer_is_seen_everywhere(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    port = redis_server.free_port()
    url = SecretStr(f"redis://127.0.0.1:{port}/0")
    with running(tmp_path, redis_url=url, plans={"free": PlanSettings(requests_per_minute=5)}) as server:
        [warning] = [line for line in warnings(told) if "Redis" in line]
        assert f"127.0.0.1:{port}" in warning
        assert "nobody who is limited is let in" in warning
        answer = server.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["problems"].keys() == {"limits"}
        assert str(port) not in answer.text  # which anybody may ask
        error = check(server.post(CHAT, SAY, server.live), 503, "internal_error")
        assert "limits" in error["message"]
        assert "accounts are unavailable" not in error["message"]
        assert server.post(CHAT, SAY, unlimited(server)).status_code == 200
        with redis_server.running(port):
            assert server.client.get("/readyz").status_code == 200
            assert server.post(CHAT, SAY, server.live).status_code == 200
    assert sum("answers again" in line for line in warnings(told)) == 1


def test_a_database_that_is_gone_is_seen_and_so_is_that_it_is_back(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        database = tmp_path / "accounts.sqlite3"
        away = database.rename(tmp_path / "away")
        answer = server.client.get("/readyz")
        assert (answer.status_code, answer.json()["problems"].keys()) == (503, {"accounts"})
        assert str(tmp_path) not in answer.text
        away.rename(database)
        assert server.client.get("/readyz").status_code == 200


def test_what_redis_counts_is_told_in_whole_numbers(tmp_path: Path) -> None:
    plans = {"free": PlanSettings(requests_per_minute=2, tokens_per_minute=100)}
    with redis_server.running() as url, running(tmp_path, redis_url=SecretStr(url), plans=plans) as server:
        authorization = {"Authorization": f"Bearer {server.live}"}
        answer = server.client.get("/v1/account", headers=authorization)
        assert '"requests_per_minute":{"limit":2,"left":2}' in answer.text
        assert '"tokens_per_minute":{"limit":100,"left":100}' in answer.text


def test_the_database_and_the_counter_are_named_without_their_passwords(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    with redis_server.running(password="PLANTED") as url:
        settings = Settings(home=tmp_path, redis_url=SecretStr(url))
        accounts = open_accounts(settings)
        start_report.tell(accounts, settings)
        accounts.close()
    place = url.rpartition("@")[2]
    assert told.messages == [f"accounts: SQLite in {tmp_path / 'accounts.sqlite3'}; limits: Redis at {place}"]


def test_plans_that_organizations_have_and_the_settings_have_not_are_told(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    bare = Settings(home=tmp_path)
    accounts = open_accounts(bare)
    for name, plan in (("ada", "free"), ("bob", "free"), ("cyd", "max"), ("dan", "premium")):
        accounts.create_key(name, plan=plan)
    start_report.tell(accounts, bare)
    assert warnings(told) == []
    start_report.tell(accounts, Settings(home=tmp_path, plans={"max": PlanSettings()}))
    accounts.close()
    free, premium = warnings(told)
    assert "'free', which 2 organizations have" in free
    assert "'premium', which 1 organization has" in premium


def test_a_pattern_that_no_model_matches_is_told(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    plans = {"free": PlanSettings(models=["lab/small", "openia/*"]), "max": PlanSettings(models=["*", "nobody/[ab]*"])}
    with running(tmp_path, plans=plans):
        first, second = (line for line in warnings(told) if "no model" in line)
    assert "'free' includes 'openia/*'" in first
    assert "'max' includes 'nobody/[ab]*'" in second


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({}, {}, "counts limits by itself"),
        ({"redis": True}, {}, "counted in this process here, and by the Redis"),
        ({}, {"redis": True}, "and in this process for other servers of these accounts"),
        ({"redis": True}, {"shared": True}, "counted in the accounts database here"),
        ({"redis": True}, {"redis": True}, None),
        ({"shared": True}, {"shared": True}, None),
    ],
)
def test_servers_that_count_apart_are_told(
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    first: dict[str, bool],
    second: dict[str, bool],
    words: str | None,
) -> None:
    with redis_server.running() as url, ExitStack() as stack:
        for options in (first, second):
            redis_url = SecretStr(url) if options.get("redis") else None
            accounts = open_accounts(Settings(home=tmp_path, redis_url=redis_url), shared=options.get("shared", False))
            stack.callback(accounts.close)
            assert warnings(told) == []
            start_report.join(accounts)
    if words is None:
        assert warnings(told) == []
    else:
        assert words in warnings(told)[0]


def test_a_server_that_ended_is_nobody_s_neighbour(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        accounts = open_accounts(Settings(home=tmp_path))
        start_report.join(accounts)
        accounts.close()
    assert warnings(told) == []
