"""The `input` that a model takes, complete in itself. Fields that are not named go through to the provider."""

from collections.abc import Callable, Mapping

from greatrouter_api.model_schemas.parts import (
    ANY_TEXT,
    FLAG,
    OBJECT,
    TEXT,
    Schema,
    array,
    either,
    number,
    one_present,
    optional,
    record,
    refused,
    when,
    whole,
    words,
)
from greatrouter_api.model_schemas.traits import Traits

MOST_INPUTS, MOST_DOCUMENTS, MOST_IMAGES, MOST_CHOICES = 2048, 10_000, 10, 128
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# A part of a message that not every model understands, the modality it stands for, and the field that holds it.
MEDIA_PARTS = {
    "image_url": ("image", either(record({"url": TEXT}), TEXT)),
    "input_audio": ("audio", record({"data": TEXT}, {"format": ANY_TEXT})),
    "video_url": ("video", either(record({"url": TEXT}), TEXT)),
    "file": ("file", OBJECT),
}
# A picture or a recording: an address, a data URL or base64, alone or in the objects that OpenAI wraps around it.
MEDIUM = either(TEXT, OBJECT, array(either(TEXT, OBJECT), fewest=1))


def input_schema(traits: Traits) -> Schema:
    return _OF_TASK_TYPE[traits.task_type](traits)


def _chat(traits: Traits) -> Schema:
    tokens = whole(1, traits.max_output_tokens)
    may = {
        "temperature": number(0, 2),
        "top_p": number(0, 1),
        "n": whole(1, MOST_CHOICES),
        "max_tokens": tokens,
        "max_completion_tokens": tokens,
        "frequency_penalty": number(-2, 2),
        "presence_penalty": number(-2, 2),
        "logit_bias": OBJECT,
        "logprobs": FLAG,
        "top_logprobs": whole(0, 20),
        "seed": {"type": "integer"},
        "stop": either(ANY_TEXT, array(ANY_TEXT)),
        "stream": FLAG,
        "stream_options": OBJECT,
        "user": ANY_TEXT,
        "parallel_tool_calls": FLAG,
    }
    fields = {**may, "response_format": _response_format(traits), **_tools(traits)}
    fields["reasoning_effort"] = TEXT if "reasoning" in traits.capabilities else _unable("reasoning")
    return _record({"messages": array(_message(traits), fewest=1)}, fields)


def _tools(traits: Traits) -> dict[str, Schema]:
    if "function_calling" not in traits.capabilities:
        return {name: _unable("function_calling") for name in ("tools", "tool_choice")}
    function = record({"name": TEXT}, {"description": ANY_TEXT, "parameters": OBJECT, "strict": FLAG})
    tool = record({"type": TEXT}, allOf=[when("type", ["function"], record({"function": function}))])
    return {"tools": array(tool), "tool_choice": either(ANY_TEXT, OBJECT)}


def _response_format(traits: Traits) -> Schema:
    kinds = ["text", "json_object"]
    if "structured_output" in traits.capabilities:
        kinds.append("json_schema")
    of_schema = record({"json_schema": record({"name": TEXT}, {"schema": OBJECT, "strict": FLAG})})
    return record({"type": words(*kinds)}, allOf=[when("type", ["json_schema"], of_schema)])


def _message(traits: Traits) -> Schema:
    call = record({"function": record({"name": TEXT, "arguments": ANY_TEXT})}, {"id": ANY_TEXT, "type": ANY_TEXT})
    fields = {
        "content": either(ANY_TEXT, array(_part(traits))),
        "name": ANY_TEXT,
        "tool_calls": array(call),
        "tool_call_id": ANY_TEXT,
    }
    # Only an assistant may say nothing: where it calls tools instead.
    spoken = record({"content": {"type": ["string", "array"]}})
    return record(
        {"role": words(*ROLES)}, fields, allOf=[when("role", ["system", "developer", "user", "tool"], spoken)]
    )


def _part(traits: Traits) -> Schema:
    media = {name: field for name, (modality, field) in MEDIA_PARTS.items() if modality in traits.takes}
    held = {"text": ANY_TEXT, "refusal": ANY_TEXT, **media}
    rules = [when("type", [name], record({name: field})) for name, field in held.items()]
    return record({"type": words(*held)}, allOf=rules)


def _image(traits: Traits) -> Schema:
    may = {
        "n": whole(1, MOST_IMAGES),
        "size": ANY_TEXT,
        "quality": ANY_TEXT,
        "style": ANY_TEXT,
        "background": ANY_TEXT,
        "output_format": ANY_TEXT,
        "response_format": words("url", "b64_json"),
        "seed": {"type": "integer"},
        "user": ANY_TEXT,
    }
    return _record({"prompt": TEXT}, {**may, **_media(traits, "image", ("image", "images", "image_url", "mask"))})


def _video(traits: Traits) -> Schema:
    length = either(whole(1), {"type": "string", "pattern": "^[0-9]{1,4}$"})
    may = {"seconds": length, "duration": length, "size": ANY_TEXT, "seed": {"type": "integer"}}
    media = {
        **_media(traits, "image", ("image", "image_url", "input_reference")),
        **_media(traits, "video", ("video", "video_url")),
    }
    return _record({"prompt": TEXT}, {**may, **media})


def _music(traits: Traits) -> Schema:
    may = {"lyrics": ANY_TEXT, "seconds": number(1, 3600), "duration": number(1, 3600), "seed": {"type": "integer"}}
    return _record({"prompt": TEXT}, may)


def _speech(traits: Traits) -> Schema:
    may = {
        "input": TEXT,
        "text": TEXT,
        "voice": either(TEXT, OBJECT),
        "instructions": ANY_TEXT,
        "response_format": TEXT,
        "speed": number(0.25, 4),
    }
    return _record({}, may, allOf=[one_present(("input", "text"))])


def _transcription(traits: Traits) -> Schema:
    recording = either(TEXT, OBJECT)
    may = {
        "file": recording,
        "audio": recording,
        "input_audio": recording,
        "language": ANY_TEXT,
        "prompt": ANY_TEXT,
        "response_format": TEXT,
        "temperature": number(0, 1),
        "timestamp_granularities": array(words("word", "segment")),
    }
    return _record({}, may, allOf=[one_present(("file", "audio", "input_audio"))])


def _embeddings(traits: Traits) -> Schema:
    ids = array({"type": "integer", "minimum": 0}, fewest=1)
    single = either(TEXT, ids, OBJECT) if traits.takes > {"text"} else either(TEXT, ids)
    given = either(TEXT, array(single, fewest=1, most=MOST_INPUTS), ids)
    may = {"encoding_format": words("float", "base64"), "dimensions": whole(1, traits.dimensions), "user": ANY_TEXT}
    return _record({"input": given}, may)


def _rerank(traits: Traits) -> Schema:
    document = either(ANY_TEXT, record({"text": ANY_TEXT}))
    may = {"top_n": whole(1), "return_documents": FLAG, "max_tokens_per_doc": whole(1)}
    return _record({"query": TEXT, "documents": array(document, fewest=1, most=MOST_DOCUMENTS)}, may)


def _media(traits: Traits, modality: str, names: tuple[str, ...]) -> dict[str, Schema]:
    if modality in traits.takes:
        return dict.fromkeys(names, MEDIUM)
    return dict.fromkeys(names, refused(f"the catalog knows no input of kind {modality} for this model; leave it out"))


def _unable(capability: str) -> Schema:
    return refused(f"the catalog knows no {capability} of this model; leave it out, or take a model that has it")


def _record(required: Mapping[str, Schema], may: Mapping[str, Schema], **more: object) -> Schema:
    """As `record`, where a field may also be refused; `model` may stand in any input, and means nothing there."""
    refusals = {name: schema for name, schema in may.items() if schema.get("type") == "null"}
    found = record(required, {name: schema for name, schema in may.items() if name not in refusals}, **more)
    found["properties"] |= {**refusals, "model": optional(ANY_TEXT)}
    return found


_OF_TASK_TYPE: Mapping[str, Callable[[Traits], Schema]] = {
    "text_generation": _chat,
    "web_search": _chat,
    "image_generation": _image,
    "video_generation": _video,
    "music_generation": _music,
    "text_to_speech": _speech,
    "speech_to_text": _transcription,
    "embeddings": _embeddings,
    "rerank": _rerank,
}
