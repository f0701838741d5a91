"""Gemini's own API: chat, search on the web, pictures made and edited, embeddings."""

from typing import Any

from tests.serving.fake_gemini import (
    HELLO,
    candidate,
    error_answer,
    frames_of,
    gemini_answer,
    judged,
    open_gemini,
    response,
    text,
)
from tests.serving.fake_provider import json_answer
from tests.serving.peers.peer import Peer

GROUNDING: dict[str, Any] = {
    "webSearchQueries": ["who won the match"],
    "groundingChunks": [{"web": {"uri": "https://example.org/match", "title": "example.org"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 9, "text": "Home won."}, "groundingChunkIndices": [0]}
    ],
}
SEARCHED = response(candidate(text("Home won."), groundingMetadata=GROUNDING))
PICTURE = response(candidate(text("Here:"), {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}))
VECTORS = {"embeddings": [{"values": [0.25, 0.5]}, {"values": [0.5, -0.25]}]}
STREAMED = response(candidate(text("Hello"), text(" there"), text("!")))

PEER = Peer(
    name="gemini",
    open=open_gemini,
    answers={
        "text": (gemini_answer(HELLO),),
        "code": (gemini_answer(HELLO),),
        "web_search": (gemini_answer(SEARCHED),),
        **dict.fromkeys(("image", "image_edit", "image_edit_url", "image_combine"), (gemini_answer(PICTURE),)),
        "embeddings": (judged(json_answer(VECTORS)),),
    },
    refusal=error_answer,
    stream=frames_of(STREAMED),
)
