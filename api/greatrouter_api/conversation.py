"""What a list of chat messages says of the question: its words, and the question before it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from greatrouter_classifier.session import is_follow_up

TEXT_PARTS = ("text", "input_text")


def question(messages: Sequence[Mapping[str, Any]]) -> str:
    """The words of the last user message; "" where it has none, such as one that is a picture alone."""
    return next(_user_texts(messages), "")


def prompt_of(input_: Mapping[str, Any]) -> str:
    """The words of an input without a prompt beside it: its messages', or those of the fields that hold one."""
    messages = input_.get("messages")
    if isinstance(messages, list):
        return question([message for message in messages if isinstance(message, Mapping)])
    texts = (input_.get(name) for name in ("prompt", "query", "input", "text"))
    return next((text for text in texts if isinstance(text, str)), "")


def earlier_question(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """The latest earlier user message that means something by itself, where the last one does not."""
    texts = _user_texts(messages)
    if not is_follow_up(next(texts, "")):
        return None
    return next((text for text in texts if text and not is_follow_up(text)), None)


def words(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last user message, after those that it goes on from where it is a follow-up.

    >>> words([{"role": "user", "content": "Draw a cat"}, {"role": "user", "content": "make it bluer"}])
    'Draw a cat\\nmake it bluer'
    """
    said: list[str] = []
    for text in filter(None, _user_texts(messages)):
        said.append(text)
        if not is_follow_up(text):
            break
    return "\n".join(reversed(said))


def questions(messages: Sequence[Mapping[str, Any]]) -> int:
    """How many prompts there have been, the last included."""
    return max(1, sum(1 for message in messages if message.get("role") == "user"))


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts.

    >>> text_of([{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "..."}}])
    'What is this?'
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") in TEXT_PARTS)
    return "\n".join(part for part in parts if isinstance(part, str))


def _user_texts(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The latest first."""
    return (text_of(message.get("content")) for message in reversed(messages) if message.get("role") == "user")
