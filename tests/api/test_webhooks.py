"""`POST /v1/webhooks/polar`: signed by the library that senders use, delivered in every way that networks manage."""

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import UnknownOrganization
from greatrouter_api.home import open_accounts
from greatrouter_api.settings import Settings
from tests import postgres
from tests.accounts.asking import statement
from tests.api.account_app import webhook_client
from tests.api.conftest import running

# Read as base64 after the prefix this would be another key, and it would not fail.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATH = "/v1/webhooks/polar"


@dataclass
class Shop:
    """A server, and Polar."""

    client: TestClient
    accounts: Accounts
    settings: Settings

    def deliver(self, body: bytes, **changes: str) -> Any:
        return self.client.post(PATH, content=body, headers=signed(body) | changes)

    def tell(self, kind: str, order: str, organization: str | None, **amounts: Any) -> Any:
        return self.deliver(event(kind, order, organization, **amounts))

    def balance(self, organization: str) -> Decimal | None:
        try:
            return self.accounts.balance(organization)
        except UnknownOrganization:
            return None


def event(kind: str, order: str, organization: str | None = "ada", **fields: Any) -> bytes:
    """As Polar writes it, in short."""
    customer = {"id": "cus_1", "email": "ada@example.com", "external_id": organization}
    data = {"id": order, "status": "paid", "currency": "usd", "customer": customer, "metadata": {}, **fields}
    return json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()


def signed(body: bytes, *, secret: str = SECRET, at: datetime | None = None, name: str = "") -> dict[str, str]:
    moment, name = at or datetime.now(UTC), name or f"msg_{uuid4().hex}"
    # Polar's own way: its key is what the base64 in a Standard Webhooks secret stands for.
    sender = Webhook(base64.b64encode(secret.encode()).decode())
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": sender.sign(name, moment, body.decode()),
    }


@contextmanager
def opened(
    home: Path, database: str | None, secret: str | None = SECRET, max_body_bytes: int = 100_000
) -> Iterator[Shop]:
    url = None if database is None else SecretStr(database)
    own = Settings(home=home, database_url=url, max_body_bytes=max_body_bytes)
    with pytest.MonkeyPatch.context() as environment, ExitStack() as stack:
        environment.delenv("POLAR_WEBHOOK_SECRET", raising=False)
        if secret is not None:
            environment.setenv("POLAR_WEBHOOK_SECRET", secret)
        accounts = open_accounts(own)
        stack.callback(accounts.close)
        yield Shop(stack.enter_context(webhook_client(own, accounts)), accounts, own)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with ExitStack() as stack:
        url = None
        if request.param == "postgres":
            url = stack.enter_context(stack.enter_context(postgres.running()).database())
        found = stack.enter_context(opened(tmp_path_factory.mktemp("home"), url))
        found.accounts.create_key("ada")
        yield found
        assert found.accounts.verify() == []


@pytest.fixture
def ada(shop: Shop) -> str:
    """A new organization's name."""
    name = f"ada-{uuid4().hex}"
    shop.accounts.create_key(name)
    return name


@pytest.fixture
def order() -> str:
    return str(uuid4())


# -- what it does --------------------------------------------------------------------------------------------------


def test_an_order_that_is_paid_credits_and_one_that_is_refunded_takes_back(shop: Shop, ada: str, order: str) -> None:
    answer = shop.tell("order.paid", order, ada, net_amount=1250, tax_amount=250, total_amount=1500)
    assert (answer.status_code, answer.json()) == (200, {"accepted": True, "credited_dollars": 12.5})
    assert shop.balance(ada) == 1250
    answer = shop.tell("order.refunded", order, ada, net_amount=1250, refunded_amount=250)
    assert (answer.status_code, answer.json()) == (200, {"accepted": True, "credited_dollars": -2.5})
    answer = shop.tell("order.refunded", order, ada, net_amount=1250, refunded_amount=400)
    assert answer.json()["credited_dollars"] == -1.5
    assert shop.balance(ada) == 850
    [*_, top_up] = statement(shop.accounts, ada)
    assert (top_up.kind, top_up.request_id) == ("top_up", f"order:{order}")


def test_it_counts_once_under_however_many_ids_and_at_once(shop: Shop, ada: str, order: str) -> None:
    body = event("order.paid", order, ada, net_amount=500)
    same = signed(body)
    deliveries = [same] * 8 + [signed(body) for _ in range(8)]
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda headers: shop.client.post(PATH, content=body, headers=headers), deliveries))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["credited_dollars"] for answer in answers) == [0] * 15 + [5]
    assert shop.balance(ada) == 500


def test_the_organization_may_stand_in_the_metadata_and_be_an_id(shop: Shop, ada: str) -> None:
    organization_id = shop.accounts.summary(ada).organization_id
    assert shop.tell("order.paid", str(uuid4()), organization_id, net_amount=1).status_code == 200
    named = {"organization": ada, "plan": 3}
    assert shop.tell("order.paid", str(uuid4()), None, net_amount=2, metadata=named).status_code == 200
    assert shop.tell("order.paid", str(uuid4()), "", net_amount=4, metadata=named).status_code == 200
    assert shop.tell("order.paid", str(uuid4()), ada, net_amount=16, metadata={"organization": 7}).status_code == 200
    for rest in ({"customer": None}, {"customer": None, "currency": None}, {"currency": "USD"}):
        order = event("order.paid", str(uuid4()), ada, net_amount=8, metadata=named, **rest)
        assert shop.deliver(order).status_code == 200
    assert shop.balance(ada) == 1 + 2 + 4 + 16 + 3 * 8


def test_a_refund_of_an_order_that_is_known_needs_no_customer(shop: Shop, ada: str, order: str) -> None:
    shop.tell("order.paid", order, ada, net_amount=500)
    assert shop.tell("order.refunded", order, None, refunded_amount=100, customer=None).status_code == 200
    assert shop.balance(ada) == 400


def test_whoever_paid_first_keeps_it(shop: Shop, ada: str, order: str) -> None:
    shop.tell("order.paid", order, ada, net_amount=500)
    other = f"eve-{uuid4().hex}"
    answer = shop.tell("order.paid", order, other, net_amount=700)
    assert (answer.status_code, answer.json()["credited_dollars"]) == (200, 0)
    assert (shop.balance(ada), shop.balance(other)) == (500, None)


@pytest.mark.parametrize(
    "kind",
    ["order.created", "order.updated", "order.PAID", "order.paid ", "checkout.updated", "subscription.active", ""],
)
def test_other_events_are_taken_and_do_nothing(shop: Shop, ada: str, order: str, kind: str) -> None:
    answer = shop.tell(kind, order, ada, net_amount=500, refunded_amount=500)
    assert (answer.status_code, answer.json()["credited_dollars"]) == (200, 0)
    assert shop.deliver(json.dumps({"type": kind or "x", "data": [1]}).encode()).status_code == 200
    assert shop.balance(ada) == 0


deliveries = st.lists(
    st.tuples(
        st.sampled_from(["order.paid", "order.refunded", "order.updated"]),
        st.sampled_from("ab"),
        st.integers(0, 1_000),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries)
def test_whatever_is_delivered_however_often_in_whatever_order(
    shop: Shop, told: list[tuple[str, str, int, int, bool]]
) -> None:
    """Each delivery comes once or several times, under one webhook id or several."""
    ada = f"ada-{uuid4().hex}"
    shop.accounts.create_key(ada)
    paid: dict[str, int] = {}
    refunded: dict[str, int] = {}
    moved = 0.0
    for kind, order, amount, times, same_id in told:
        body = event(kind, ada + order, ada, net_amount=amount, refunded_amount=amount)
        headers = signed(body)
        for _ in range(times):
            answer = shop.client.post(PATH, content=body, headers=headers if same_id else signed(body))
            assert answer.status_code == 200
            moved += answer.json()["credited_dollars"]
        if kind == "order.paid":
            paid[order] = paid.get(order) or amount
        elif kind == "order.refunded":
            refunded[order] = max(refunded.get(order, 0), amount)
    worth = sum(max(0, amount - refunded.get(order, 0)) for order, amount in paid.items())
    assert shop.balance(ada) == worth
    assert round(moved * 100) == worth
    assert shop.accounts.verify() == []


# -- what it refuses: 401 ------------------------------------------------------------------------------------------


def refused(answer: Any) -> None:
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == ("authentication_failed", 401)
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "v1",
        "v1,",
        ",",
        ",,,",
        "v1,not base64 at all!",
        "v1,AAAA",
        "v1," + "A" * 43 + "=",
        "v1,a,b",
        "v1a,abc",
        "v2," + "A" * 43 + "=",
        "garbage",
        "v1,\xe4\xf6\xfc",
        "v1," + "=" * 44,
        "v1,AAAA v1,BBBB v1,CCCC",
        "v1," + "A" * 20_000,
        "\x00",
    ],
)
def test_a_bad_signature_is_a_401_that_changes_nothing(shop: Shop, ada: str, order: str, signature: str) -> None:
    body = event("order.paid", order, ada, net_amount=500)
    headers: dict[str, Any] = signed(body) | {"webhook-signature": signature.encode("latin-1")}
    refused(shop.client.post(PATH, content=body, headers=headers))
    assert shop.balance(ada) == 0
    assert shop.deliver(body).status_code == 200


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_a_401(shop: Shop, ada: str, order: str, name: str) -> None:
    body = event("order.paid", order, ada, net_amount=500)
    headers = signed(body)
    del headers[name]
    refused(shop.client.post(PATH, content=body, headers=headers))
    refused(shop.client.post(PATH, content=body, headers=headers | {name: ""}))
    refused(shop.client.post(PATH, content=body))
    assert shop.balance(ada) == 0


@pytest.mark.parametrize(
    "stamp", ["", "now", "nan", "inf", "-inf", "1e400", "-1", "0", "2026-01-01T00:00:00Z", "9" * 400, "0x10", "\xb2"]
)
def test_a_timestamp_that_is_none_is_a_401(shop: Shop, ada: str, order: str, stamp: str) -> None:
    body = event("order.paid", order, ada, net_amount=500)
    headers: dict[str, Any] = signed(body) | {"webhook-timestamp": stamp.encode("latin-1")}
    refused(shop.client.post(PATH, content=body, headers=headers))
    assert shop.balance(ada) == 0


@pytest.mark.parametrize("minutes", [-5.1, -60, -(10**6), 5.2, 60])
def test_five_minutes_is_too_old_and_too_new(shop: Shop, ada: str, order: str, minutes: float) -> None:
    body = event("order.paid", order, ada, net_amount=500)
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    refused(shop.client.post(PATH, content=body, headers=signed(body, at=at)))
    assert shop.balance(ada) == 0
    late = signed(body, at=datetime.now(UTC) - timedelta(minutes=4.8))
    assert shop.client.post(PATH, content=body, headers=late).status_code == 200


def test_what_was_not_signed_is_refused(shop: Shop, ada: str, order: str) -> None:
    body = event("order.paid", order, ada, net_amount=500)
    for headers in (
        signed(body.replace(b"500", b"900")),
        signed(body) | {"webhook-id": "msg_other"},
        signed(body) | {"webhook-timestamp": str(int(datetime.now(UTC).timestamp()) - 7)},
        signed(body, secret="another secret"),
    ):
        refused(shop.client.post(PATH, content=body, headers=headers))
    refused(shop.deliver(body, **{"webhook-signature": signed(b" " + body)["webhook-signature"]}))
    assert shop.balance(ada) == 0


def test_the_key_is_the_secret_as_it_is(shop: Shop, ada: str, order: str) -> None:
    """Its raw UTF-8, prefix and all, by the contract's own words; what its base64 stands for is another key."""
    body = event("order.paid", order, ada, net_amount=500)
    headers = signed(body)
    words = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    signature = hmac.new(SECRET.encode(), words, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signature).decode()}"
    decoded = Webhook(SECRET).sign(headers["webhook-id"], datetime.now(UTC), body.decode())
    refused(shop.deliver(body, **{"webhook-signature": decoded}))
    several = f"v1,AAAA v1a,{'A' * 86}==  nonsense {decoded} {headers['webhook-signature']}"
    answer = shop.client.post(PATH, content=body, headers=headers | {"webhook-signature": several})
    assert answer.status_code == 200


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
            | st.from_regex(r"(v1,[A-Za-z0-9+/=]{0,50} ?){1,3}", fullmatch=True)
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        },
    ),
    st.binary(max_size=60),
)
def test_nothing_that_a_stranger_sends_is_an_error_of_ours(shop: Shop, headers: dict[str, str], body: bytes) -> None:
    raw = {name: value.strip().encode("latin-1") for name, value in headers.items()}
    good = {} if len(headers) == 3 else {name: value.encode() for name, value in signed(b"{}").items()}
    refused(shop.client.post(PATH, content=body, headers=good | raw))


@pytest.mark.parametrize("secret", [None, "", "  "])
def test_without_a_secret_nothing_is_taken(tmp_path: Path, secret: str | None) -> None:
    with opened(tmp_path, None, secret) as shop:
        shop.accounts.create_key("ada")
        body = event("order.paid", "order_1", "ada", net_amount=500)
        for key in (SECRET, "", "  "):
            headers = signed(body) if key == SECRET else unkeyed(body, key)
            answer = shop.client.post(PATH, content=body, headers=headers)
            refused(answer)
            assert "POLAR_WEBHOOK_SECRET is not set" in answer.json()["error"]["message"]
        assert shop.balance("ada") == 0


def unkeyed(body: bytes, key: str) -> dict[str, str]:
    headers = signed(body)
    words = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    signature = base64.b64encode(hmac.new(key.encode(), words, hashlib.sha256).digest()).decode()
    return headers | {"webhook-signature": f"v1,{signature}"}


# -- what it refuses though it is signed: 400 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"net_amount": -1},
        {"net_amount": 500.0},
        {"net_amount": 0.1},
        {"net_amount": "500"},
        {"net_amount": True},
        {"net_amount": None},
        {"net_amount": [500]},
        {"net_amount": 10**30},
        {"net_amount": 10**19},
        {"id": None},
        {"id": ""},
        {"id": 5},
        {"id": "a b"},
        {"id": "a\0"},
        {"id": "x" * 201},
        {"customer": "ada"},
        {"customer": {"external_id": 5}},
        {"customer": {"external_id": "x" * 201}},
        {"customer": {"external_id": "\n"}},
        {"customer": {"external_id": "org_" + "0" * 32}},
        {"customer": {"external_id": "ORG_" + "A" * 32}},
        {"customer": {}, "metadata": {"organization": "org_" + "0" * 32}},
        {"customer": {"external_id": f"pk_live_abcdefghi_{'0' * 32}"}},
        {"customer": {"external_id": "gr-" + "0" * 40}},
        {"customer": {}, "metadata": {"organization": ["ada"]}},
        {"customer": {}, "metadata": {"organization": 5}},
        {"customer": {}, "metadata": {"organization": "x" * 201}},
        {"customer": {}, "metadata": {}},
        {"customer": None, "metadata": None},
        {"currency": "eur"},
        {"currency": ""},
        {"currency": 3},
    ],
    ids=str,
)
def test_a_wrong_order_is_a_400_that_changes_nothing_and_is_logged(
    shop: Shop, ada: str, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    before = (shop.accounts.list_keys(), shop.accounts.balance("ada"))
    with caplog.at_level(logging.ERROR):
        answer = shop.deliver(wrong(ada, changes))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "invalid_request"
    assert shop.balance(ada) == 0
    assert (shop.accounts.list_keys(), shop.accounts.balance("ada")) == before
    [line] = [record.getMessage() for record in caplog.records]
    assert "order.paid" in line
    assert "ada@example.com" not in line
    assert not re.search(r"(pk_live_abcdefghi_|gr-)0", line + answer.text)


def wrong(organization: str, changes: dict[str, Any]) -> bytes:
    found = json.loads(event("order.paid", str(uuid4()), organization, net_amount=500))
    found["data"] |= changes
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"order.paid"',
        b"{}",
        b'{"type": null}',
        b'{"type": 5}',
        b'{"type": "order.paid"}',
        b'{"type": "order.paid", "data": null}',
        b'{"type": "order.paid", "data": []}',
        b'{"type": "order.refunded", "data": {"id": "a"}}',
        b'{"type": "order.paid", "data": {"id": "a", "net_amount": NaN}}',
        b'{"type": "order.paid", "data": {"id": "a", "net_amount": ' + b"9" * 5_000 + b"}}",
        b"[" * 50_000,
    ],
    ids=lambda body: body[:60].decode(),
)
def test_a_body_of_the_wrong_shape_is_a_400(shop: Shop, body: bytes) -> None:
    answer = shop.deliver(body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "invalid_request"


def test_a_body_that_is_not_utf_8_is_no_error_of_ours(shop: Shop) -> None:
    body = b'{"type": "\xff"}'
    headers = signed(b"{}")
    words = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    signature = base64.b64encode(hmac.new(SECRET.encode(), words, hashlib.sha256).digest()).decode()
    refused(shop.client.post(PATH, content=body, headers=headers | {"webhook-signature": f"v1,{signature}"}))


def test_too_large_a_body_is_a_413(shop: Shop) -> None:
    assert shop.deliver(b" " * 100_001).status_code == 413


def test_nothing_is_read_of_what_is_not_signed(shop: Shop) -> None:
    """Or strangers could fill the memory with bodies that never end."""
    body, sent = event("order.paid", "order_1"), []

    def pieces() -> Iterator[bytes]:
        sent.append(1)
        yield body

    headers = signed(body)
    headers["webhook-signature"] = "v1,short"
    refused(shop.client.post(PATH, content=pieces(), headers=headers))
    assert sent == []


def test_an_event_is_small(tmp_path: Path) -> None:
    with opened(tmp_path, None, max_body_bytes=1_000_000) as shop:
        assert shop.deliver(b" " * 300_000).status_code == 413


def test_what_cannot_be_stored_is_delivered_again(tmp_path: Path) -> None:
    """Not acknowledged before it is on disk: Polar repeats what is answered with a 503."""
    with opened(tmp_path, None) as shop:
        shop.accounts.create_key("ada")
        body = event("order.paid", "order_1", "ada", net_amount=500)
        path = tmp_path / "accounts.sqlite3"
        shop.accounts.close()
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        assert shop.deliver(body).status_code == 503


# -- the whole server ----------------------------------------------------------------------------------------------


def test_the_whole_server_takes_it_without_a_key_and_a_balance_is_there_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLAR_WEBHOOK_SECRET", SECRET)
    with running(tmp_path) as server:
        body = event("order.paid", str(uuid4()), "acme", net_amount=1234)
        before = server.accounts.balance("acme")
        answer = httpx2.post(server.url + PATH, content=body, headers=signed(body))
        assert (answer.status_code, answer.json()["credited_dollars"]) == (200, 12.34)
        assert answer.headers["x-request-id"]
        account = server.client.get("/v1/account", headers={"Authorization": f"Bearer {server.live}"}).json()
        assert round(account["balance_dollars"] * 100) == before + 1234
        assert server.client.get(PATH).status_code == 405
        assert SECRET not in repr(Settings(home=tmp_path).polar_webhook_secret)
