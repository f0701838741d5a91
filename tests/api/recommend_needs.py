"""Descriptions of the model that is wanted, in words of our own, and what the catalog must say of a fitting answer.

Written in four rounds. Of the first 46, half were not looked at while the words of `lexicon` were collected; the last
two rounds were first asked when all before them were done, and came to 0.72 and 0.69 of the five best then.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Fits = Callable[[Row], bool]

TEXT = "text_generation"
QUICK = "mini|nano|micro|tiny|small|lite|light|flash|turbo|fast|instant|haiku"


def called(pattern: str) -> Fits:
    return lambda row: re.search(pattern, f"{row['name']} {row['id']}", re.IGNORECASE) is not None


def kind(name: str) -> Fits:
    return lambda row: row["task_type"] == name


def can(*names: str) -> Fits:
    return lambda row: set(names) <= set(row["capabilities"])


def cannot(name: str) -> Fits:
    return lambda row: name not in row["capabilities"]


def tagged(name: str) -> Fits:
    return lambda row: name in row["tags"]


def by(*makers: str) -> Fits:
    return lambda row: row["owned_by"] in makers


def not_by(*makers: str) -> Fits:
    return lambda row: not {row["owned_by"], row["provider"]}.intersection(makers)


def takes(modality: str) -> Fits:
    return lambda row: modality in row["modalities"]["input"]


def context(tokens: int) -> Fits:
    return lambda row: (row["context_window"] or 0) >= tokens


def at_most(dollars: float, price: str) -> Fits:
    return lambda row: 0 < row["pricing"].get(price, 0) <= dollars


def billions(least: float, most: float) -> Fits:
    def fits(row: Row) -> bool:
        name = f"{row['name']} {row['id']}".casefold()
        found = [float(size) for size in re.findall(r"(?<![\w.])e?(\d+(?:\.\d+)?)b(?![a-z])", name)]
        return bool(found) and least <= max(found) <= most

    return fits


def everything(*tests: Fits) -> Fits:
    return lambda row: all(test(row) for test in tests)


def cheap(row: Row) -> bool:
    return row["price_tier"] in ("economy", "standard")


OPEN, LONG = tagged("open-weights"), tagged("long-context")

DESCRIPTIONS: dict[str, Fits] = {
    "cheap vision model with long context": everything(kind(TEXT), can("vision"), cheap, LONG),
    "a model that can read screenshots and call tools": everything(kind(TEXT), can("vision", "function_calling")),
    "video model with audio": everything(kind("video_generation"), called("veo-?3|sora-?2")),
    "vision model that returns json": everything(kind(TEXT), can("vision", "structured_output")),
    "LLM with function calling and at least 1M tokens of context": everything(
        kind(TEXT), can("function_calling"), context(1_000_000)
    ),
    "reasoning model, open weights, cheap": everything(kind(TEXT), can("reasoning"), OPEN, cheap),
    "something like GPT but not from OpenAI": everything(kind(TEXT), not_by("openai")),
    "any chat model, no anthropic please": everything(kind(TEXT), not_by("anthropic")),
    "open source embedding model I can self-host": everything(kind("embeddings"), OPEN),
    "self-hostable reranker": everything(kind("rerank"), OPEN),
    "text to speech with natural voices": kind("text_to_speech"),
    "Spracherkennung für Interviews auf Deutsch": kind("speech_to_text"),
    "modelo barato que entienda imágenes": everything(kind(TEXT), can("vision"), cheap),
    "modèle open source pour générer du code": everything(kind(TEXT), OPEN, can("coding")),
    "便宜的图像生成模型": everything(kind("image_generation"), cheap),
    "画像とPDFを読めるモデル": everything(kind(TEXT), can("vision", "pdf_input")),
    "small open model under 10B parameters": everything(kind(TEXT), OPEN, billions(0, 10)),
    "70B llama model": everything(kind(TEXT), called("llama"), billions(70, 70)),
    "mixtral or mistral for french customer emails": everything(kind(TEXT), called("mistral|mixtral")),
    "flux image model": everything(kind("image_generation"), called("flux")),
    "model from google that handles video input": everything(by("google"), can("video_input")),
    "qwen coder": called("qwen.*coder"),
    "image editing model that keeps faces intact": can("image_edit"),
    "music model for jingles": kind("music_generation"),
    "rank search hits for my shop": kind("rerank"),
    "vector embeddings for a RAG pipeline, lowest price": everything(kind("embeddings"), cheap),
    "agents: must support tools and structured outputs": everything(
        kind(TEXT), can("function_calling", "structured_output")
    ),
    "model that can search the web and cite sources": can("web_search"),
    "prompt caching and long context for chatting with a codebase": everything(kind(TEXT), can("prompt_caching"), LONG),
    "fast and cheap whisper alternative": everything(kind("speech_to_text"), cheap),
    "image to video model": everything(kind("video_generation"), takes("image")),
    "multimodal model that takes audio and images": can("audio_input", "vision"),
    "voice-over narration for e-learning courses": kind("text_to_speech"),
    "non-reasoning fast chat model": everything(kind(TEXT), cannot("reasoning")),
    "open weights vision language model": everything(kind(TEXT), OPEN, can("vision")),
    "anthropic model with computer use": everything(by("anthropic"), can("computer_use")),
    "vision model, not google": everything(kind(TEXT), can("vision"), not_by("google", "google-vertex")),
    "llm hosted on groq": everything(kind(TEXT), lambda row: row["provider"] == "groq"),
    "cheapest model with tool calling": everything(kind(TEXT), can("function_calling"), cheap),
    "embedding model with 32k context": everything(kind("embeddings"), context(32_000)),
    "model with 200k context and vision": everything(kind(TEXT), can("vision"), context(200_000)),
    "Modell mit Werkzeugaufrufen und langem Kontext": everything(kind(TEXT), can("function_calling"), LONG),
    "модель для генерации видео": kind("video_generation"),
    "trascrizione di riunioni, economico": everything(kind("speech_to_text"), cheap),
    "embed images and text in the same space": everything(kind("embeddings"), takes("image")),
    "mini model from openai": everything(by("openai"), kind(TEXT), called("mini|nano")),
    "grok with web search": everything(called("grok"), can("web_search")),
    "llm under $1 per million tokens": everything(kind(TEXT), at_most(1, "output_per_million_tokens")),
    "json mode, small and fast": everything(kind(TEXT), can("structured_output"), called(QUICK)),
    "I need a model to caption product photos for our web shop, low budget": everything(
        kind(TEXT), can("vision"), cheap
    ),
    "which model can watch a recorded webinar and summarise it": can("video_input"),
    "model for customer support chatbot in Polish, not too expensive": kind(TEXT),
    "an LLM we can deploy on-prem with tool use": everything(kind(TEXT), OPEN, can("function_calling")),
    "OCR invoices into JSON": everything(kind(TEXT), can("vision")),
    "image generator from black forest labs": everything(kind("image_generation"), by("black-forest-labs")),
    "reranker from cohere": everything(kind("rerank"), by("cohere")),
    "elevenlabs or similar for narration": kind("text_to_speech"),
    "claude model with at least 500k context": everything(called("claude"), context(500_000)),
    "thinking model without openai, deepseek or qwen": everything(
        kind(TEXT), can("reasoning"), not_by("openai", "deepseek", "qwen")
    ),
    "modelo de código abierto con razonamiento": everything(kind(TEXT), OPEN, can("reasoning")),
    "modèle de synthèse vocale": kind("text_to_speech"),
    "günstiges Modell, das PDFs liest": everything(kind(TEXT), can("pdf_input"), cheap),
    "能调用工具的开源大模型": everything(kind(TEXT), OPEN, can("function_calling")),
    "model that outputs both images and text": lambda row: {"image", "text"} <= set(row["modalities"]["output"]),
    "cheap gemini": everything(called("gemini"), cheap),
    "8B or smaller open weights model with function calling": everything(
        kind(TEXT), OPEN, can("function_calling"), billions(0, 8)
    ),
    "video generation under $0.20 per second": everything(kind("video_generation"), at_most(0.2, "price_per_second")),
    "text embeddings below 5 cents per million tokens": everything(
        kind("embeddings"), at_most(0.05, "input_per_million_tokens")
    ),
    "model that listens to phone calls and answers in json": everything(can("audio_input", "structured_output")),
    "song generator with lyrics": kind("music_generation"),
    "edit pictures with text instructions": can("image_edit"),
    "llm that is not chinese and supports web search": can("web_search"),
    "long-context model that caches prompts": everything(kind(TEXT), LONG, can("prompt_caching")),
    "we want an affordable multimodal LLM for reading receipts": everything(kind(TEXT), can("vision"), cheap),
    "strong reasoning model with tool calling, no US providers like OpenAI": everything(
        kind(TEXT), can("reasoning", "function_calling"), not_by("openai")
    ),
    "lightweight open-weights model for edge devices": everything(kind(TEXT), OPEN),
    "nvidia model with vision": everything(by("nvidia"), can("vision")),
    "deepgram speech recognition for phone calls": everything(kind("speech_to_text"), by("deepgram")),
    "text-to-video model that adds a sound track": kind("video_generation"),
    "gpt-5 mini or something comparable": called("gpt-5.*mini"),
    "model fit for 300,000 token prompts": everything(kind(TEXT), context(300_000)),
    "a model between cheap and good for JSON extraction from PDFs": everything(
        kind(TEXT), can("structured_output", "pdf_input")
    ),
    "semantic search embeddings from voyage": everything(kind("embeddings"), by("voyage")),
    "Bilder erzeugen, möglichst günstig": everything(kind("image_generation"), cheap),
    "modelo que escuche audio y responda": can("audio_input"),
    "modèle sans OpenAI pour résumer de longs documents": everything(kind(TEXT), not_by("openai"), LONG),
    "音声を文字起こしするモデル": kind("speech_to_text"),
    "дешёвая модель с поддержкой инструментов": everything(kind(TEXT), can("function_calling"), cheap),
    "vision model that can be self-hosted, at most 32B": everything(kind(TEXT), can("vision"), OPEN, billions(0, 32)),
    "minimax model": by("minimax"),
    "model that searches the internet and reasons": can("web_search", "reasoning"),
    "text model without reasoning, cheap": everything(kind(TEXT), cannot("reasoning"), cheap),
    "speech model that reads German text aloud": kind("text_to_speech"),
    "reranking model under $2 per 1000 searches": kind("rerank"),
    "model for translating subtitles, economical": everything(kind(TEXT), cheap),
}
