"""How many tokens a text is, estimated from its script alone; the charge always follows what the provider counted."""

# Tokens per character of today's byte-pair vocabularies, by the length of a character's UTF-8 form: ASCII prose runs
# at 4 characters a token, Cyrillic and Arabic (2 bytes) near 2.5, Chinese, Japanese, Korean and Hindi (3 bytes) near
# 1.4, emoji (4 bytes) at two or three tokens each. A flat chars/4 errs by 71% on Chinese (docs/decisions).
TOKENS_PER_CHARACTER = (0.25, 0.40, 0.70, 2.0)
# The first bytes of UTF-8 forms of two, three and four bytes. Deleting them and comparing lengths counts them in C:
# 0.8 ms for 300 KB of Chinese, where a loop over the bytes in Python takes 9 ms of the event loop.
LEADS = (bytes(range(0xC0, 0xE0)), bytes(range(0xE0, 0xF0)), bytes(range(0xF0, 0xF8)))


def estimate_tokens(text: str) -> int:
    """At least 1 for any text that is not empty.

    >>> estimate_tokens("What is the capital of France?"), estimate_tokens("法国的首都是哪里"), estimate_tokens("")
    (8, 6, 0)
    """
    if text.isascii():
        return -(-len(text) // 4)
    encoded = text.encode("utf-8", "surrogatepass")
    longer = [len(encoded) - len(encoded.translate(None, lead)) for lead in LEADS]
    counts = (len(text) - sum(longer), *longer)
    return max(1, round(sum(n * rate for n, rate in zip(counts, TOKENS_PER_CHARACTER, strict=True))))
