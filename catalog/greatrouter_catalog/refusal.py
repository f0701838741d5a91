"""What a request says that it does not want: "no openai", "not from Google", "without reasoning", "ohne Anthropic"."""

import re
from collections.abc import Callable

_NOT = (
    "(?:but )?not|no|nor|never|without|w/o|except(?: for)?|excluding|other than|anything but|avoid|isn't|aren't|"
    r"ohne|kein\w*|nicht|ausser|sin|excepto|sans|pas(?! cher)|sauf|senza|tranne|sem|não|exceto|не|без|кроме"
)
_FILLERS = (
    "(?:from|by|of|on|any|an?|the|be|made|using|with|want|need|hosted|support|do|does|has|have|like|such as|"
    r"(?:\w+ )?(?:models?|providers?|vendors?|makers?|companies)|"
    "von|vom|de|d'|di|da|del|от|на)"
)
_OR = "(?:or|nor|oder|noch|ou|ni|o|или|ни)(?!\\w)"
_WORD = r"[^\W_][\w.]*(?:-\w+)*"
_BEFORE = re.compile(
    rf"(?<!\w)(?:(?:{_NOT})\s+(?:{_FILLERS}\s+)*|non[- ])(?P<first>{_WORD})(?P<second>\s+(?!{_OR}){_WORD})?"
    rf"(?P<others>(?:(?:(?:,\s*{_WORD})*,?\s*{_OR}|\s*/)\s*(?:{_FILLERS}\s+)*{_WORD})*)"
)
_NAME = "[a-z][a-z0-9.-]*"
_UNSPACED = re.compile(
    f"(?:不要|不是|不用|除了)\\s*(?P<first>{_NAME})|(?P<last>{_NAME})\\s*(?:以外|ではない|じゃない|말고|제외)"
)


def refused(text: str, known: Callable[[str], bool]) -> tuple[list[str], str]:
    """The things that `text`, in lower case, does not want, as far as they are `known`; and the text without them.

    >>> refused("vision, not from google or openai", lambda word: word in ("google", "openai"))
    (['google', 'openai'], 'vision, ')
    >>> refused("no matter which model", lambda word: False)
    ([], 'no matter which model')
    """
    found: list[str] = []

    def spoken(match: re.Match[str]) -> str:
        first, second = match["first"], match["second"] or ""
        whole = first if known(first) else first + second  # "no reasoning please", but "no web search"
        things = [thing for thing in (whole, *re.findall(_WORD, match["others"])) if known(thing)]
        found.extend(things)
        return match[0] if not things else second if whole == first else ""

    def unspaced(match: re.Match[str]) -> str:
        name = match["first"] or match["last"]
        if not known(name):
            return match[0]
        found.append(name)
        return ""

    return found, _UNSPACED.sub(unspaced, _BEFORE.sub(spoken, text))
