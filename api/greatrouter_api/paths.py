"""What a path that is none was meant to be."""

import re
from collections.abc import Collection
from difflib import get_close_matches

# Of 1, which is the same path: "/v1/chat/completion" is like the right one by 0.97.
ALIKE = 0.85
LONGEST_PATH = 200


def meant(path: str, known: Collection[str]) -> str | None:
    """The known path that a client with another base URL, or a person with a slip of the pen, had in mind.

    >>> meant("/chat/completions/", ["/v1/chat/completions"]), meant("/v1/v1/models", ["/v1/models"])
    ('/v1/chat/completions', '/v1/models')
    """
    if len(path) > LONGEST_PATH:
        return None
    plain = re.sub(r"/+", "/", path).rstrip("/").lower()
    versioned = re.sub(r"^(/v1)+(?=/)", "", plain)
    for candidate in (plain, f"/v1{versioned}"):
        if candidate in known:
            return candidate
    return next(iter(get_close_matches(plain, known, n=1, cutoff=ALIKE)), None)
