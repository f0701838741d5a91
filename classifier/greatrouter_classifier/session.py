"""Follow-ups: a prompt that means nothing without the one before it takes its task from the session."""

import re

# Longer prompts say themselves what they want.
LONGEST_FOLLOW_UP_CHARACTERS = 80

# Yes, no, go on.
_WORDS = (
    r"yes|yep|yeah|ok(?:ay)?|sure|no|nope|continue|go on|keep going|more|again|another(?: one)?|next|same|and then|try again|retry|redo|please|"
    r"s[ií]|contin[uú]a|otra vez|oui|encore|continue[rz]?|ja|nein|weiter|nochmal|sim|n[aã]o|continua|de novo|s[iì]|ancora|"
    r"да|нет|ещё|еще|продолжай|дальше|снова|हाँ|हां|नहीं|और|जारी रखो|फिर से|继续|是的|好的|再来|再一次|不|はい|いいえ|続けて|もう一度|"
    r"네|아니요|계속|다시|نعم|لا|أكمل|مرة أخرى"
)
# Make it ..., the same but ...
_CHANGES = (
    r"(?:make|turn|change|keep|give|do|put|add|remove|use|try) (?:it|this|that|them|these|those|the same)\b|"
    r"(?:a bit |much |slightly |even )(?:more|less)\b|(?:more|less) [^\W\d_]+[.!?]*$|"
    r"(?:a bit |much |slightly |even )?(?:bigger|smaller|longer|shorter|brighter|darker|faster|slower|louder|warmer|colder|simpler)\b|"
    r"(?:the )?same (?:but|with|for|in)\b|(?:what|how) about\b|instead\b|without (?:it|that|them)\b|"
    r"hazl[oa]\b|fais[- ]le\b|mach es\b|fa[cç]a\b|fallo\b|сделай (?:его|её|ее|это)\b|इसे\s|把它|改成|もっと|더 |اجعل(?:ه|ها)\b"
)
FOLLOW_UP = re.compile(
    rf"(?:{_WORDS})(?:[\s,;]+(?:{_WORDS}))*[\s.!?。！？…]*|(?:(?:please|pls|and|but|now|yes|ok)[\s,]+)?(?:{_CHANGES}).*",
    re.IGNORECASE | re.DOTALL,
)


def is_follow_up(prompt: str) -> bool:
    """Whether the prompt takes its meaning from what came before.

    >>> is_follow_up("make it bluer"), is_follow_up("yes, again"), is_follow_up("Write a poem about the sea")
    (True, True, False)
    """
    text = prompt.strip()
    return len(text) <= LONGEST_FOLLOW_UP_CHARACTERS and FOLLOW_UP.fullmatch(text) is not None
