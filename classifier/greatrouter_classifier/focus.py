"""The words that carry the question: without fenced code, quoted passages and whatever was pasted below them."""

import re

# An instruction stands at the beginning or at the end of a long prompt; what lies between is material.
HEAD_CHARACTERS = 1_200
TAIL_CHARACTERS = 600
LONGEST_READ = 200_000

FENCE = re.compile(r"```[^`]{0,20000}```|~~~[^~]{0,20000}~~~")
QUOTED_LINES = re.compile(r"(?m)^[ \t]*>[^\n]*$")
TRIPLE_QUOTED = re.compile(r'"""[^"]{0,20000}"""')


def focus(prompt: str) -> str:
    """At most `HEAD_CHARACTERS + TAIL_CHARACTERS` characters of the prompt: the caller's own words.

    >>> focus("Summarize this:\\n> Once upon a time\\n> there was a router")
    'Summarize this:'
    """
    text = prompt if len(prompt) <= LONGEST_READ else prompt[: LONGEST_READ // 2] + "\n" + prompt[-LONGEST_READ // 2 :]
    if len(text) > 40:
        stripped = TRIPLE_QUOTED.sub(" ", FENCE.sub(" ", QUOTED_LINES.sub("", text))).strip()
        text = stripped or text
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = text[:HEAD_CHARACTERS] + "\n" + text[-TAIL_CHARACTERS:]
    return text.strip()
