"""What one standard 1024 x 1024 picture costs where pictures are sold by the output token."""

import re
from decimal import Decimal

# Tokens of one medium 1024 x 1024 image as the makers publish them (read 2026-01): Google's pricing pages give 1,290
# for Gemini 2 and 2.5 and 1,120 for Gemini 3; OpenAI's image guide gives 1,056 (0.042 / 0.00004 = 1,050 agrees).
_TOKENS = ((re.compile(r"gemini-2|nano-banana$"), 1290), (re.compile(r"gemini-3|nano-banana"), 1120))
_OPENAI_TOKENS = 1056


def price_of_image(model: str, price_per_token: Decimal | None) -> Decimal | None:
    """US dollars for one image; None where the price of a token is not known.

    >>> price_of_image("google/gemini-2.5-flash-image", Decimal("0.00003"))
    Decimal('0.03870')
    """
    if not price_per_token:
        return None
    tokens = next((count for pattern, count in _TOKENS if pattern.search(model.lower())), _OPENAI_TOKENS)
    return price_per_token * tokens
