"""Text that any database stores."""


def storable(text: str) -> str:
    """Without NUL, which ends a text for many readers, and without halves of surrogate pairs, which UTF-8 cannot say.

    >>> storable("a\\0b"), storable("half: \\ud83d")
    ('a\ufffdb', 'half: ?')
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
