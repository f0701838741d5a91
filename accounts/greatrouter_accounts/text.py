"""Text that any database stores, and money as it is written for people."""

from decimal import Decimal


def storable(text: str) -> str:
    """Without NUL, which ends a text for many readers, and without halves of surrogate pairs, which UTF-8 cannot say.

    >>> storable("a\\0b"), storable("half: \\ud83d")
    ('a\ufffdb', 'half: ?')
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def dollars(cents: Decimal) -> str:
    """Exact, with two decimals and as many more as say something.

    >>> dollars(Decimal(3250)), dollars(Decimal("0.00000001"))
    ('32.50', '0.0000000001')
    """
    whole, _, rest = f"{(cents / 100).normalize():f}".partition(".")
    return f"{whole}.{rest:0<2}"
