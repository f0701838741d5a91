"""Answers: pydantic models that read like dicts, whatever the server put into them."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from greatrouter import types
from greatrouter.types import Answer, ChatCompletion, Model, RouteAnswer
from greatrouter.types._answer import read

KINDS = [kind for _, kind in inspect.getmembers(types, inspect.isclass) if issubclass(kind, Answer)]
ROUTED: dict[str, Any] = {
    "model": {"model": {"id": "lab/small", "released": "soon"}, "cost_tier": "economy"},
    "routing": {"reason": "Cheapest.", "attempts": [{"status": None}, {"status": 200}]},
    "result": {"choices": [{"message": {"content": "hi"}}]},
    "charge_dollars": 0.25,
    "carbon_grams": 3,
}


def test_fields_are_attributes() -> None:
    answer = RouteAnswer.from_dict(ROUTED)
    assert answer.model.model.id == "lab/small"
    assert answer.routing.attempts[1].status == 200
    assert answer.charge_dollars == 0.25
    assert type(answer.result) is dict


def test_fields_are_items() -> None:
    answer = RouteAnswer.from_dict(ROUTED)
    assert answer["model"]["model"]["id"] == "lab/small"
    assert answer["routing"].get("reason") == "Cheapest."
    assert "charge_dollars" in answer
    assert {**answer} == dict(answer) == dict(answer.items()) == ROUTED
    assert set(answer) == set(answer.keys()) == set(ROUTED)
    assert len(answer) == len(list(answer.values())) == len(ROUTED)
    assert isinstance(answer, Mapping)


def test_what_did_not_come_is_none_and_no_key() -> None:
    answer = RouteAnswer.from_dict(ROUTED)
    assert answer.provider is None
    assert answer.model.model.context_window is None
    assert "provider" not in answer
    assert answer.get("provider", "nobody") == "nobody"
    with pytest.raises(KeyError, match="provider"):
        answer["provider"]
    assert not RouteAnswer.from_dict({})


def test_null_is_a_key() -> None:
    assert "health" in Model.from_dict({"health": None})


def test_fields_that_are_not_described_are_kept() -> None:
    answer = RouteAnswer.from_dict(ROUTED)
    assert answer["carbon_grams"] == 3
    assert answer.model.model["released"] == "soon"
    assert answer.model_extra == {"carbon_grams": 3}
    with pytest.raises(AttributeError, match="watts"):
        getattr(answer, "watts")  # noqa: B009 - a type checker would refuse it, too


@pytest.mark.parametrize("name", ["cls", "self", "_fields_set", "model_config", "__class__", "keys", ""])
def test_a_field_may_have_any_name(name: str) -> None:
    answer = Model.from_dict({"id": "m", name: {"a": 1}})
    assert (answer[name], answer.id, type(answer)) == ({"a": 1}, "m", Model)
    assert answer.to_dict() == {"id": "m", name: {"a": 1}}


@pytest.mark.parametrize("value", ["gone", 3, None, [1], {"model": 3}, [{"message": {"content": 4}}, None, "x"]])
@pytest.mark.parametrize(
    ("kind", "name"), [(RouteAnswer, "model"), (RouteAnswer, "charge_dollars"), (ChatCompletion, "choices")]
)
def test_a_value_of_another_type_stays_as_it_is(kind: type[Answer], name: str, value: Any) -> None:
    answer = kind.from_dict({name: value})
    assert getattr(answer, name) == answer[name] == value
    assert answer.to_dict() == {name: value}


def test_what_fits_in_a_list_is_read_whatever_stands_beside_it() -> None:
    first, second = ChatCompletion.from_dict({"choices": [None, {"message": {"content": "hi"}}]}).choices
    assert first is None
    assert second.message.content == "hi"


NAMES = st.sampled_from(sorted({name for kind in KINDS for name in kind.model_fields})) | st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)


@given(st.sampled_from(KINDS), st.data())
def test_nothing_the_server_says_is_lost_or_refused(kind: type[Answer], data: st.DataObject) -> None:
    own = st.dictionaries(st.sampled_from(sorted(kind.model_fields) or ["x"]), JSON) | st.dictionaries(NAMES, JSON)
    document = data.draw(own)
    answer = kind.from_dict(document)
    plain = answer.to_dict()
    assert answer == document
    assert plain == document
    assert json.loads(json.dumps(plain)) == document
    assert repr(answer)
    assert copy.deepcopy(answer) == answer == pickle.loads(pickle.dumps(answer))
    assert set(answer.model_dump()) >= set(document)
    assert json.loads(answer.model_dump_json(exclude_unset=True)) == document


def test_half_a_character_is_kept() -> None:
    document = json.loads('{"id": "\\ud83e", "name": {"\\ud83e": 1}}')
    assert Model.from_dict(document).to_dict() == document


def test_answers_compare_as_mappings() -> None:
    one, other = Model.from_dict({"id": "a"}), Model.from_dict({"id": "b"})
    assert one != other
    assert one == {"id": "a"} != other
    assert one != "a"
    assert Model.from_dict({"id": "a", "name": None}) != one


def test_a_validated_answer_is_the_same_mapping() -> None:
    document = {"path": "/a", "message": "missing", "hint": "add it"}
    answer = types.Problem.model_validate(document)
    assert answer == types.Problem.from_dict(document) == document
    answer.message = "absent"
    assert answer["message"] == "absent"
    with pytest.raises(ValidationError, match="path"):
        types.Problem.model_validate({"message": "missing"})


def test_read_takes_what_is_no_answer_as_it_is() -> None:
    assert read(str, "a,b") == "a,b"
    assert read(dict[str, Any], {"a": 1}) == {"a": 1}
    assert type(read(Model, {})) is Model


@pytest.mark.parametrize("kind", KINDS)
def test_answers_stand_only_where_they_are_found(kind: type[Answer]) -> None:
    """`from_dict` looks for them as a field, in a list and beside None."""

    def held(annotation: Any) -> bool:
        if isinstance(annotation, type) and issubclass(annotation, Answer):
            return True
        return any(map(held, get_args(annotation)))

    probe = {"probe": 1}
    for name, field in kind.model_fields.items():
        if held(field.annotation):
            found = kind.from_dict({name: probe})[name], kind.from_dict({name: [probe]})[name][0]
            assert sum(isinstance(each, Answer) for each in found) == 1, name


USE = """
from collections.abc import Mapping
from typing import assert_type

from greatrouter import AsyncGreatRouter, GreatRouter, types

client = GreatRouter("key")
answer = client.auto_route(prompt="hi", optimization="balanced")
assert_type(answer.charge_dollars, float | None)
assert_type(answer.model.model.id, str)
assert_type(client.query_models().data, list[types.Model])
assert_type(client.chat_completions(model="m").choices[0].message.content, str | None)
assert_type([chunk.choices for chunk in client.chat_completions(stream=True)], list[list[types.ChunkChoice]])
assert_type(client.org_logs(format="csv"), str)
assert_type(client.org_logs().data[0].cost_dollars, float)
client.validate_output("lab", "small", client.chat_completions(model="m"))
fields: Mapping[str, object] = answer


async def main() -> None:
    async with AsyncGreatRouter("key") as client:
        assert_type((await client.account()).balance_dollars, float)


client.auto_route(prompt="hi", optimization="cheapest")
answer.charge_dolars
"""


@pytest.mark.slow
def test_types_are_seen_by_a_type_checker(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "use.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    last = len(USE.splitlines())
    assert [line.split(": error: ")[0] for line in done.stdout.splitlines()[:-1]] == [
        f"use.py:{last - 1}",
        f"use.py:{last}",
    ], done.stdout + done.stderr
