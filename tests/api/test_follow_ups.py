"""Follow-ups to what was made: `make it bluer` is said of a picture, which must be there, or at least its words."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from greatrouter_api.sessions import MOST_WORDS_CHARACTERS
from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import SMALL, Provider, Running, completion, listening, running

CAT = "Draw a picture of a cat"
PICTURE = "https://pictures.example/1.png"
GENERATOR = ModelSettings(id="lab/draw", task="image", price_per_image=Decimal("0.01"))
EDITOR = ModelSettings(id="lab/retouch", task="image", price_per_image=Decimal("0.02"), capabilities=["image_edit"])


def drawn(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    if path.startswith("/v1/images"):
        return 200, {"created": 1_735_689_600, "data": [{"url": PICTURE}]}
    return completion(path, body)


@contextmanager
def drawing(home: Path, *models: ModelSettings) -> Iterator[Running]:
    provider = Provider()
    provider.answer = drawn
    with listening(provider) as port:
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=[SMALL, *models])
        with running(home, providers={"lab": lab}) as server:
            server.provider = provider
            yield server


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with drawing(tmp_path_factory.mktemp("generator"), GENERATOR) as server:
        yield server


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with drawing(tmp_path_factory.mktemp("editor"), GENERATOR, EDITOR) as server:
        yield server


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def chat(server: Running, *messages: dict[str, Any], model: str = "router", **fields: Any) -> dict[str, Any]:
    body = {"model": model, "messages": list(messages), **fields}
    answer = server.post("/v1/chat/completions", body, server.live)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def route(server: Running, prompt: str, **fields: Any) -> dict[str, Any]:
    answer = server.route(prompt, server.live, **fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def sent(server: Running) -> tuple[str, dict[str, Any]]:
    path, body = server.provider.requests[-1]
    return path.removeprefix("/v1/images/"), {name: value for name, value in body.items() if name != "model"}


# -- chat -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["make it bluer", "Make the background of it white"])
@pytest.mark.parametrize(
    "told",
    [
        {"content": "", "images": [{"type": "image_url", "image_url": {"url": PICTURE}}]},
        {"content": f"![image]({PICTURE})"},
        {"content": [{"type": "text", "text": "There."}, {"type": "image_url", "image_url": {"url": PICTURE}}]},
    ],
)
def test_a_change_is_made_to_the_picture_that_was_answered(editor: Running, told: dict[str, Any], wish: str) -> None:
    answer = chat(editor, said(CAT), {"role": "assistant", **told}, said(wish))
    assert sent(editor) == ("edits", {"prompt": wish, "images": [{"image_url": PICTURE}]})
    assert answer["greatrouter"]["model"] == "lab/retouch"
    assert answer["greatrouter"]["classification"]["content_mode"] == "edit"


def test_our_own_answer_can_be_sent_back_as_it_came(editor: Running) -> None:
    first = chat(editor, said(CAT))["choices"][0]["message"]
    chat(editor, said(CAT), first, said("make it bluer"))
    assert sent(editor) == ("edits", {"prompt": "make it bluer", "images": [{"image_url": PICTURE}]})


def test_a_named_model_that_edits_is_given_the_picture(editor: Running) -> None:
    told = {"role": "assistant", "content": f"![image]({PICTURE})"}
    chat(editor, said(CAT), told, said("make it bluer"), model="lab/retouch")
    assert sent(editor)[0] == "edits"
    chat(editor, said(CAT), told, said("make it bluer"), model="lab/draw")
    assert sent(editor) == ("generations", {"prompt": f"{CAT}\nmake it bluer"})


def test_what_no_follow_up_is_begins_anew(editor: Running) -> None:
    told = {"role": "assistant", "content": f"![image]({PICTURE})"}
    chat(editor, said(CAT), told, said("Draw a picture of a dog"))
    assert sent(editor) == ("generations", {"prompt": "Draw a picture of a dog"})
    chat(editor, said(CAT), told, said("make it bluer"), content_mode="generate")
    assert sent(editor) == ("generations", {"prompt": f"{CAT}\nmake it bluer"})


def test_the_callers_own_picture_comes_before_the_one_that_was_answered(editor: Running) -> None:
    own = "https://pictures.example/mine.png"
    parts = [{"type": "text", "text": "make it bluer"}, {"type": "image_url", "image_url": {"url": own}}]
    told = {"role": "assistant", "content": f"![image]({PICTURE})"}
    chat(editor, said(CAT), told, {"role": "user", "content": parts})
    assert sent(editor) == ("edits", {"prompt": "make it bluer", "images": [{"image_url": own}]})


def test_where_nothing_edits_the_picture_is_made_anew_of_all_its_words(generator: Running) -> None:
    told = {"role": "assistant", "content": f"![image]({PICTURE})"}
    answer = chat(generator, said(CAT), told, said("make it bluer"), told, said("bigger"))
    assert sent(generator) == ("generations", {"prompt": f"{CAT}\nmake it bluer\nbigger"})
    assert answer["greatrouter"]["classification"]["decision"] == "session"


def test_a_client_that_sends_the_last_message_alone_has_a_session(generator: Running) -> None:
    chat(generator, said(CAT), session_id="alone")
    chat(generator, said("make it bluer"), session_id="alone")
    assert sent(generator) == ("generations", {"prompt": f"{CAT}\nmake it bluer"})


def test_what_sings_is_told_all_the_words_too(generator: Running) -> None:
    messages = [said("Compose a calm piano melody"), {"role": "assistant", "content": ""}, said("make it longer")]
    answer = generator.post("/v1/chat/completions", {"model": "router", "messages": messages}).json()
    assert '"Compose a calm piano melody make it longer"' in answer["choices"][0]["message"]["content"]


# -- auto/route -----------------------------------------------------------------------------------------------------


def test_a_session_keeps_the_words_of_its_picture(generator: Running) -> None:
    route(generator, CAT, session_id="words")
    route(generator, "make it bluer", session_id="words")
    assert sent(generator) == ("generations", {"prompt": f"{CAT}\nmake it bluer"})
    route(generator, "bigger", session_id="words")
    assert sent(generator) == ("generations", {"prompt": f"{CAT}\nmake it bluer\nbigger"})


def test_a_session_keeps_no_other_words(generator: Running) -> None:
    route(generator, "Write a poem about the sea", session_id="poem")
    route(generator, "make it shorter", session_id="poem")
    assert sent(generator)[1]["messages"] == [said("make it shorter")]
    route(generator, "make it bluer", session_id="another", task="image")
    assert sent(generator)[1]["prompt"] == "make it bluer"


def test_only_so_many_words_are_kept(generator: Running) -> None:
    route(generator, f"{CAT} {'and a dog ' * 500}", session_id="long")
    route(generator, "make it bluer", session_id="long")
    assert len(sent(generator)[1]["prompt"]) == MOST_WORDS_CHARACTERS + len("\nmake it bluer")


def test_a_picture_that_is_handed_over_is_what_is_meant(editor: Running) -> None:
    route(editor, CAT, session_id="given")
    route(editor, "make it bluer", session_id="given", input={"image": PICTURE})
    assert sent(editor) == ("edits", {"prompt": "make it bluer", "images": [{"image_url": PICTURE}]})
