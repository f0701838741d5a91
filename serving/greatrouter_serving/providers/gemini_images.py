"""Pictures: from Gemini's own image models by `generateContent`, from Imagen by `predict`, as OpenAI's image list."""

from collections.abc import Mapping, Sequence
from typing import Any

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import malformed, redacted
from greatrouter_serving.providers.gemini_answer import block_reason_of, usage_of_metadata
from greatrouter_serving.providers.gemini_config import in_camel_case
from greatrouter_serving.providers.gemini_contents import media_part, objects
from greatrouter_serving.providers.payload import images_in

MAX_IMAGES = 10
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_IMAGEN_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")


def is_imagen(model: str) -> bool:
    return "imagen" in model


def count_of(call: Call) -> int:
    wanted = call.input.get("n")
    if wanted is None:
        return 1
    if type(wanted) is not int or not 1 <= wanted <= MAX_IMAGES:
        raise InvalidInput(f"n must be a whole number from 1 to {MAX_IMAGES}", "n")
    return wanted


def image_request(call: Call) -> dict[str, Any]:
    """For one picture: Gemini's image models refuse to make several candidates."""
    parts: list[dict[str, Any]] = [{"text": _prompt(call)}]
    parts += [media_part(source, "image/png") for source in images_in(call.input)]
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    picture = _picture_config(call.input, _RATIOS)
    if picture:
        config["imageConfig"] = picture
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def imagen_request(call: Call) -> dict[str, Any]:
    parameters = {"sampleCount": count_of(call), **_picture_config(call.input, _IMAGEN_RATIOS)}
    return {"instances": [{"prompt": _prompt(call)}], "parameters": parameters}


def image_document(name: str, answers: Sequence[Mapping[str, Any]], created: int) -> dict[str, Any]:
    """All pictures of `generateContent`'s answers. Raises UpstreamRejected where a filter kept them back."""
    data = [_row(blob["mimeType"], blob["data"]) for answer in answers for blob in _blobs(answer)]
    if not data:
        raise _no_picture(name, answers)
    usages = [usage_of_metadata(answer.get("usageMetadata")) for answer in answers]
    read = sum(usage.prompt_tokens for usage in usages)
    made = sum(usage.completion_tokens for usage in usages)
    usage = {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}
    return {"created": created, "data": data, "usage": usage}


def imagen_document(name: str, answer: Mapping[str, Any], created: int) -> dict[str, Any]:
    predictions = objects(answer.get("predictions"))
    made = [found for found in predictions if isinstance(found.get("bytesBase64Encoded"), str)]
    data = [_row(str(found.get("mimeType") or "image/png"), found["bytesBase64Encoded"]) for found in made]
    if data:
        return {"created": created, "data": data}
    reasons = [found["raiFilteredReason"] for found in predictions if isinstance(found.get("raiFilteredReason"), str)]
    if reasons:
        raise UpstreamRejected(redacted(f"{name} kept the picture back: {reasons[0]}", None), 400)
    raise malformed(name, "predictions without a picture")


def _prompt(call: Call) -> str:
    prompt = call.input.get("prompt")
    return prompt if isinstance(prompt, str) and prompt else call.prompt


def _picture_config(fields: Mapping[str, Any], ratios: Sequence[str]) -> dict[str, Any]:
    """OpenAI's `size` as the nearest shape there is, unless the caller names shape or size in Gemini's words."""
    given = fields.get("image_config")
    config = in_camel_case(given) if isinstance(given, dict) else {}
    for name, own in (("aspect_ratio", "aspectRatio"), ("image_size", "imageSize")):
        if isinstance(fields.get(name), str):
            config[own] = fields[name]
    size = fields.get("size")
    width, _, height = size.partition("x") if isinstance(size, str) else ("", "", "")
    if "aspectRatio" not in config and _is_length(width) and _is_length(height):
        config["aspectRatio"] = min(ratios, key=lambda ratio: _distance(ratio, int(width) / int(height)))
    return config


def _is_length(text: str) -> bool:
    return text.isdecimal() and len(text) <= 5 and int(text) > 0


def _distance(ratio: str, wanted: float) -> float:
    width, _, height = ratio.partition(":")
    shape = int(width) / int(height)
    return max(shape / wanted, wanted / shape)


def _row(media_type: str, data: str) -> dict[str, str]:
    return {"b64_json": data, "mime_type": media_type}


def _blobs(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    """The pictures of an answer; a thinking model's drafts are not among them."""
    found = []
    for candidate in objects(answer.get("candidates")):
        content = candidate.get("content")
        for part in objects(content.get("parts")) if isinstance(content, dict) else ():
            blob = part.get("inlineData")
            if not part.get("thought") and isinstance(blob, dict):
                kind, data = blob.get("mimeType"), blob.get("data")
                if isinstance(kind, str) and kind.startswith("image/") and isinstance(data, str):
                    found.append({"mimeType": kind, "data": data})
    return found


def _no_picture(name: str, answers: Sequence[Mapping[str, Any]]) -> UpstreamFailed | UpstreamRejected:
    for answer in answers:
        blocked = block_reason_of(answer)
        if blocked:
            return UpstreamRejected(blocked, 400)
        for candidate in objects(answer.get("candidates")):
            reason = str(candidate.get("finishReason"))
            if reason.startswith(("SAFETY", "PROHIBITED", "IMAGE_SAFETY", "IMAGE_PROHIBITED", "BLOCKLIST")):
                return UpstreamRejected(f"{name} kept the picture back: {reason}", 400)
    return malformed(name, "an answer without a picture")
