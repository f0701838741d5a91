"""The answer that a model gives: `result` of a routed request, or the body of the endpoint of its task."""

from collections.abc import Callable, Mapping

from greatrouter_api.model_schemas.parts import (
    ANY_TEXT,
    COUNT,
    FLAG,
    OBJECT,
    TEXT,
    Schema,
    array,
    either,
    one_present,
    record,
)
from greatrouter_api.model_schemas.traits import Traits

# What any answer may say of itself.
HEAD: Mapping[str, Schema] = {
    "id": ANY_TEXT,
    "object": ANY_TEXT,
    "model": ANY_TEXT,
    "provider": ANY_TEXT,
    "usage": OBJECT,
}
FILE: Schema = record({}, {"url": TEXT, "b64_json": TEXT, "mime_type": ANY_TEXT}) | one_present(("url", "b64_json"))
SOUND: Schema = record({}, {"data": TEXT, "url": TEXT, "format": ANY_TEXT}) | one_present(("data", "url"))


def output_schema(traits: Traits) -> Schema:
    return _OF_TASK_TYPE[traits.task_type](traits)


def _chat(traits: Traits) -> Schema:
    message = record(
        {"role": ANY_TEXT},
        {"content": either(ANY_TEXT, array(OBJECT)), "refusal": ANY_TEXT, "tool_calls": array(OBJECT)},
    )
    choice = record({"message": message}, {"index": COUNT, "finish_reason": ANY_TEXT, "logprobs": OBJECT})
    usage = record({}, dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), COUNT))
    return record({"choices": array(choice, fewest=1)}, {**HEAD, "created": COUNT, "usage": usage})


def _image(traits: Traits) -> Schema:
    return record({"data": array(FILE, fewest=1)}, {**HEAD, "created": COUNT})


def _video(traits: Traits) -> Schema:
    may = {**HEAD, "status": ANY_TEXT, "created_at": COUNT, "seconds": either(ANY_TEXT, {"type": "number"})}
    held = {"data": array(FILE, fewest=1), "url": TEXT, "output": either(TEXT, OBJECT, array(either(TEXT, OBJECT)))}
    return record({}, {**may, **held}, allOf=[one_present(tuple(held))])


def _sound(traits: Traits) -> Schema:
    return record({"audio": SOUND}, {**HEAD, "text": ANY_TEXT})


def _transcription(traits: Traits) -> Schema:
    return record({"text": ANY_TEXT}, {**HEAD, "language": ANY_TEXT, "segments": array(OBJECT), "words": array(OBJECT)})


def _embeddings(traits: Traits) -> Schema:
    vector = either(array({"type": "number"}, fewest=1, most=traits.dimensions), TEXT)
    return record({"data": array(record({"embedding": vector}, {"index": COUNT, "object": ANY_TEXT}), fewest=1)}, HEAD)


def _rerank(traits: Traits) -> Schema:
    score = record({"index": COUNT, "relevance_score": {"type": "number"}}, {"document": either(OBJECT, ANY_TEXT)})
    return record({"results": array(score, fewest=1)}, {**HEAD, "meta": OBJECT, "return_documents": FLAG})


_OF_TASK_TYPE: Mapping[str, Callable[[Traits], Schema]] = {
    "text_generation": _chat,
    "web_search": _chat,
    "image_generation": _image,
    "video_generation": _video,
    "music_generation": _sound,
    "text_to_speech": _sound,
    "speech_to_text": _transcription,
    "embeddings": _embeddings,
    "rerank": _rerank,
}
