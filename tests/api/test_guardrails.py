"""Obvious personal data is found in every form people write it in, and nothing else is."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from greatrouter_api.errors import ApiError
from greatrouter_api.guardrails import KINDS, check, texts_in, violations
from greatrouter_api.pii import checksums
from tests.api.conftest import Running

KEY = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
FOUND = {
    "email_address": (
        "Write to jane.doe+news@example.co.uk, please",
        "<bob@mail.acme.io>",
        "JO@EXAMPLE.ORG.",
        "josé@exämple.com",
        "联系test@example.com谢谢",
        "te\u200bst@exam\u00adple.com",
        "ｊｏ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "from bob@acme.com: hello",
    ),
    "card_number": (
        "4539 5787 6362 1486",
        "my card is 4539578763621486.",
        "5555-5555-5555-4444",
        "3782 822463 10005",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "2223003122003222",
        "6200000000000000018",
        "visa: 4222222222222",
        "4111 1111 1111 1111 123",
        "4111 1111 1111 1111 12/27",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "4111\u20111111\u20111111\u20111111",
        "4111\u00a01111\u00a01111\u00a01111",
        "41\u200b11111111111111",
    ),
    "iban": (
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "FR1420041010050500013M02606",
        "pay DE89370400440532013000 AND SEND",
        "nl91abna0417164300",
    ),
    "national_id": (
        "123-45-6789",
        "SSN: 123456789",
        "social security number is 123 45 6789",
        "AB123456C",
        "AB 12 34 56 C",
        "2341 2341 2346",
        "aadhaar 234123412346",
        "आधार नंबर 234123412346",
        "ABCPE1234F",
        "12345678Z",
        "12.345.678-Z",
        "X1234567L",
        "1 84 12 76 451 089 46",
        "184127645108946",
        "RSSMRA85T10A562S",
        "rssmra85t10a562s",
        "86 095 742 719",
        "Steuer-ID: 86095742719",
        "529.982.247-25",
        "meu CPF é 52998224725",
        "11010519491231002X",
    ),
    "phone_number": (
        "+1 (555) 010-9999",
        "+14155552671",
        "+442079460958",
        "+49 30 123456",
        "+91 98765 43210",
        "+34 612 345 678",
        "tel:+15551234567",
        "0044 20 7946 0958",
        "415-555-2671",
        "(415) 555-2671",
        "415.555.2671",
        "1-800-555-0199",
        "020 7946 0958",
        "07911 123456",
        "0171 1234567",
        "06 12 34 56 78",
        "090-1234-5678",
        "138-1234-5678",
        "手机13812345678。",
        "(11) 91234-5678",
        "8 (916) 123-45-67",
        "call me at 4155552671",
        "phone: 555-0162",
        "mon téléphone : 0612345678",
        "meine Handynummer: 0171 1234567",
        "मेरा मोबाइल नंबर 9876543210",
        "мой телефон: 89161234567",
    ),
    "api_key": (
        f"sk-{KEY}",
        f"sk-proj-{KEY}",
        f"sk-ant-api03-{KEY}",
        f"ghp_{KEY}",
        f"github_pat_{KEY}",
        f"glpat-{KEY}",
        "AKIAIOSFODNN7EXAMPLE",
        f"xoxb-123456789012-{KEY}",
        f"AIza{KEY}",
        f"hf_{KEY}",
        f"npm_{KEY}",
        f"sk_live_{KEY}",
        "pk_live_abcdefghj_0123456789abcdef0123456789abcdef",
        "pk_test_abcdefghj_0123456789abcdef0123456789abcdef",
        f"gr-{KEY}",
        'api_key = "sk-0123456789abcdef0123456789abcdef"',
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        f"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{KEY}",
    ),
}

ORDINARY = (
    # dates and times
    "Meet on 2024-01-15 at 10:30, or on 15/01/2024 or 01.02.2025",
    "2024-01-15T10:30:00+01:00 and 2024-01-15 10:30:00.123456",
    "phone interview on 2024-01-15 10:30",
    "between 1999-12-31 and 2000-01-01, 07/04/1776",
    "the years 1999 2000 2001 2002 2003",
    "timestamps 1700000000, 1700000000000 and 1700000000000000000",
    # money and amounts
    "It costs $1,299.99, about 1 299 000 rubles or 1.234.567,89 EUR",
    "the phone costs 1 299 000, twice as much as in 2023",
    "+123 456 789 inhabitants, x = +1000000000, a change of +1.12345679",
    "1 234 567 890 grains, 10000000000 stars",
    # versions, hosts and files
    "v1.2.3, 10.15.7, numpy==1.26.4, python 3.11.9rc1",
    "npm i lodash@4.17.21 react@18.3.0-beta.rc",
    "uses: actions/checkout@v4 and icon@2x.png",
    "ping 192.168.100.200, 127.0.0.1:8080 or 10.0.0.0/24, mobile at 192.168.100.200",
    "git clone git@github.com:acme/tools.git && scp jo@host.example.com:/tmp/a .",
    "postgres://user:secret@db.example.com:5432/app",
    "https://example.com/a/status/1234567890123456789?x=4111111111111111_2",
    # orders, products, ids
    "order 114-3941689-8772232, ORD-2024-00123, INV-0042, invoice 01-2024-1234 and #10023456",
    "ISBN 978-3-16-148410-0, EAN 4006381333931, ISSN 2049-3630",
    "123e4567-e89b-12d3-a456-426614174000",
    "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "the bar code is 4012345678901 and the row 234123412346",
    # code and mathematics
    "y = x@W.shape + A@B.T; z = x@W.mean()",
    "@app.route('/users/<id>')\ndef user(id): ...",
    "3.14159265358979323846, 0.4111111111111111, 1e-10, 6.02214076e23",
    "2**62 = 4611686018427387904 and 2**63 - 1 = 9223372036854775807",
    "[[4, 5, 3], [9, 5, 7]] and 4 5 3 9 5 7 8 7 6 3 6 2 1 4 8 6",
    "binary 0101 1010 0110 and hex 01 02 03 04 05",
    "solve 555 123 4567 modulo 97, f(10) 12345",
    "const key = process.env.API_KEY // sk-your-api-key-here or sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    '<div class="sk-fading-circle sk-internationalization">',
    "-----BEGIN CERTIFICATE----- and -----BEGIN PUBLIC KEY-----",
    # logs and tables
    "10:22:31.123 INFO [main] worker-7 took 1532 ms, pid=48211, rss=123456789",
    "4539 1986 2001 2010 2011 2012 2013 2014",
    "lat 48.8566, lon 2.3522; 1920x1080; pages 100-2000; ratio 16:9",
    "FAILED tests/test_a.py::test_b[123-45] - AssertionError: 555 != 556",
    # prose
    "Compare the phone models 15 and 16, and call the function 3 times",
    "Write a haiku about the sea in 5-7-5",
    "Tel Aviv 2024-2025 season, mobile 5G in 190 countries",
    "Was kostet eine Karte für 2 Personen am 24.12.2024?",
    "¿Cuántos habitantes tiene España? Unos 48.592.909",
)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_found(kind: str, text: str) -> None:
    assert violations([text]) == (kind,)
    assert violations([f"Please look at this:\n- {text}\nand tell me what you think."]) == (kind,)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_prompts_pass(text: str) -> None:
    assert violations([text]) == ()


def test_every_kind_is_tested() -> None:
    assert set(FOUND) == set(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "4539 5787 6362 1487",  # check digit
        "1234 5678 9012 3452",  # right by Luhn, but of no issuer
        "DE89 3704 0044 0532 0130 01",
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "BG123456C",
        "QQ123456C",
        "AB123456E",
        "2341 2341 2345",
        "ABCDE1234F",  # D is no kind of holder
        "12345678A",
        "X1234567A",
        "1 84 13 76 451 089 46",
        "RSSMRA85T10A562T",
        "86 095 742 710",
        "529.982.247-24",
        "111.111.111-11",
        "110105194912310021",
        "110105194913310021",
    ],
)
def test_a_wrong_check_digit_is_no_number(text: str) -> None:
    assert violations([text]) == ()


def test_several_kinds_are_named_in_one_order() -> None:
    assert violations(["415-555-2671", "jo@example.com 4111111111111111"]) == (
        "email_address",
        "card_number",
        "phone_number",
    )


NUMBER_CHECKS: tuple[tuple[Callable[[str], bool], int], ...] = (
    (checksums.luhn, 16),
    (checksums.verhoeff, 12),
    (checksums.resident_id, 18),
)


@pytest.mark.parametrize(("valid", "length"), NUMBER_CHECKS)
@given(data=st.data())
def test_one_wrong_digit_is_always_noticed(valid: Callable[[str], bool], length: int, data: st.DataObject) -> None:
    body = data.draw(st.text("0123456789", min_size=length - 2, max_size=length - 2))
    numbers = [number for end in range(100) if valid(number := f"{body}{end:02d}")]
    for number in numbers:
        place = data.draw(st.integers(0, length - 3))
        digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
        assert not valid(number[:place] + digit + number[place + 1 :])


@given(st.text("0123456789", min_size=18, max_size=18))
def test_every_account_has_one_pair_of_check_digits(account: str) -> None:
    valid = [f"DE{check:02d}{account}" for check in range(2, 99) if checksums.iban(f"DE{check:02d}{account}")]
    assert len(valid) == 1
    assert violations([" ".join(valid[0][i : i + 4] for i in range(0, 22, 4))]) == ("iban",)


@given(st.text())
@example("\ud800 4111111111111111")
def test_any_text_is_searched(text: str) -> None:
    assert set(violations([text])) <= set(KINDS)


@given(st.text("abcdefghijklmnopqrstuvwxyz ,.!?\n'", max_size=300))
def test_words_alone_are_never_blocked(text: str) -> None:
    assert violations([text]) == ()


@given(st.text("0123456789", min_size=9, max_size=9).filter(lambda body: len(set(body)) > 1))
def test_every_cpf_has_one_pair_of_check_digits(body: str) -> None:
    assert sum(checksums.cpf(f"{body}{check:02d}") for check in range(100)) == 1


@given(st.integers(0, 99_999_999))
def test_every_dni_has_one_letter(number: int) -> None:
    valid = [letter for letter in checksums.DNI_LETTERS if checksums.dni(f"{number:08d}{letter}")]
    assert len(valid) == 1
    assert violations([f"{number:08d}-{valid[0]}"]) == ("national_id",)


def hostile() -> dict[str, str]:
    """A megabyte each: what makes a backtracking search, or a check of every candidate, take for ever."""
    some, size = random.Random(7), 1_000_000
    return {
        "digits": "1" * size,
        "letters": "a" * size,
        "at": "a@" * (size // 2),
        "dots": "x@a." * (size // 4),
        "false cards": " ".join(f"4111 1111 1111 {i % 9000 + 1000}," for i in range(size // 21) if i % 10 == 3),
        "elevens": " ".join(f"{some.randrange(10**11):011d}" for _ in range(size // 12)),
        "false accounts": "DE89 3704 0044 0532 0130 01 " * (size // 28),
        "false codes": "RSSMRA85T10A562T " * (size // 17),
        "keys": ("sk-" + "a" * 25 + " ") * (size // 29),
        "tokens": "eyJ" * (size // 3),
        "announced": "phone number is my " * (size // 19),
        "unicode": "".join(chr(some.randrange(0x80, 0x3000)) for _ in range(size // 3)),
        "plus": "+1" * (size // 2),
    }


@pytest.mark.parametrize("name", hostile())
def test_a_hostile_megabyte_is_cheap(name: str) -> None:
    """CPU time, the best of three: 2 to 15 ms measured; a search that is not linear would take minutes."""
    text, times = hostile()[name], []
    violations(["é"])
    for _ in range(3):
        started = time.process_time()
        violations([text])
        times.append(time.process_time() - started)
    assert min(times) < 0.1


def test_the_header() -> None:
    check("", ["jo@example.com"])
    check("moderate", ["nothing to see"])
    with pytest.raises(ApiError) as blocked:
        check(" Moderate ", ["mail jo@example.com", "or 415-555-2671"])
    assert (blocked.value.status, blocked.value.code) == (400, "guardrail_blocked")
    assert blocked.value.metadata == {"kinds": ["email_address", "phone_number"]}
    body = blocked.value.body()
    assert b"jo@" not in body
    assert b"2671" not in body
    with pytest.raises(ApiError, match="moderate") as unknown:
        check("strict", ["jo@example.com"])
    assert (unknown.value.status, unknown.value.param) == (400, "X-GR-Guardrails")
    assert unknown.value.code == ""


def test_what_people_wrote_is_gathered() -> None:
    chat = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ],
            },
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"to": "jo"}'}}]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
        ],
        "tools": [
            {"type": "function", "function": {"parameters": {"properties": {"data": {"description": "a text"}}}}}
        ],
        "prediction": {"type": "content", "content": "likely"},
    }
    assert list(texts_in(chat)) == ["be brief", "look", "f", '{"to": "jo"}', "done", "function", "a text", "likely"]
    assert list(texts_in({"prompt": "p", "input": {"tools": [{"data": "d"}], "data": "no words"}})) == ["p", "d"]
    assert list(texts_in({"prompt": "p", "input": {"messages": [{"content": "c"}], "n": 1}})) == ["p", "c"]
    assert list(texts_in({"input": ["a", "b"]})) == ["a", "b"]
    assert list(texts_in({"query": "q", "documents": ["d", {"text": "e"}]})) == ["q", "d", "e"]
    assert list(texts_in({"model": "m", "input": [[1, 2]], "prompt": None})) == []


MAIL = "Write to jo.miller@example.com"
TO_A_MODEL: list[tuple[str, dict[str, Any]]] = [
    ("/v1/auto/route", {"prompt": MAIL, "input": {}}),
    ("/v1/auto/route", {"prompt": "hi", "input": {"messages": [{"role": "user", "content": MAIL}]}}),
    ("/v1/models/route", {"query": MAIL, "input": {}}),
    ("/v1/models/route", {"query": "text", "input": {"messages": [{"role": "user", "content": MAIL}]}}),
    ("/v1/embeddings", {"model": "local/fake", "input": MAIL}),
    ("/v1/embeddings", {"model": "local/fake", "input": ["a", MAIL]}),
    ("/v1/rerank", {"model": "local/fake", "query": MAIL, "documents": ["a"]}),
    ("/v2/rerank", {"model": "local/fake", "query": "q", "documents": ["a", {"text": MAIL}]}),
]
HELLO = {"model": "lab/small", "messages": [{"role": "user", "content": "Say hello"}]}
TO_A_MODEL += [
    ("/v1/chat/completions", HELLO | fields)
    for fields in (
        {"messages": [{"role": "user", "content": MAIL}]},
        {"prediction": {"type": "content", "content": MAIL}},
        {"tools": [{"type": "function", "function": {"name": "f", "description": MAIL}}]},
        {"functions": [{"name": "f", "description": MAIL}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": MAIL}}}},
    )
]


@pytest.mark.parametrize(("path", "body"), TO_A_MODEL)
def test_nothing_of_the_kind_reaches_a_model(server: Running, path: str, body: dict[str, Any]) -> None:
    blocked = server.post(path, body, server.live, x_gr_guardrails="moderate")
    assert (blocked.status_code, blocked.json()["error"]["code"]) == (400, "guardrail_blocked")
    assert "jo.miller" not in blocked.text
    assert not server.provider.requests
    assert server.post(path, body, server.live, x_gr_guardrails="").status_code == 200


def test_a_level_that_is_none_is_refused_wherever_one_is_read(server: Running) -> None:
    for path, body in TO_A_MODEL:
        assert server.post(path, body, server.live, x_gr_guardrails="strict").json()["error"]["param"] == (
            "X-GR-Guardrails"
        )
