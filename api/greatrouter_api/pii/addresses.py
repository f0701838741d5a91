"""E-mail addresses, as opposed to the other things that hold an @."""

import re

from greatrouter_api.pii.detector import Detector

EMAIL = "email_address"

# Ends of names that are no top-level domains: files ("icon@2x.png"), the inside of a network, attributes behind a
# matrix product that is written without spaces ("x@W.shape").
NO_DOMAINS = (
    *("png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "pdf", "css", "scss", "js", "jsx", "ts", "tsx"),
    *("json", "yaml", "yml", "toml", "html", "txt", "log", "csv", "xml", "local", "localhost", "localdomain", "lan"),
    *("shape", "size", "mean", "sum", "reshape", "transpose", "flatten", "inv", "dot", "values", "item", "numpy"),
)
_VERSION = re.compile(r"v?\d+(?:\.\d+|\.x)", re.IGNORECASE)


def is_address(found: str) -> bool:
    """`lodash@4.17.21-beta.rc` is a package's version, `git@host` how everyone reaches a repository."""
    local, _, domain = found.rpartition("@")
    last = domain.rpartition(".")[2].lower()
    return local.lower() != "git" and last not in NO_DOMAINS and _VERSION.match(domain) is None


_LOCAL = r"[A-Za-z0-9_%+'\x{80}-\x{10ffff}-](?:[A-Za-z0-9._%+'\x{80}-\x{10ffff}-]*[A-Za-z0-9_%+'\x{80}-\x{10ffff}-])?"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:xn--[A-Za-z0-9-]+|[A-Za-z]{2,24})"
# A path or a port behind it makes it a remote ("jo@host.com:repo") or a part of a URL; a bracket makes it code.
_AFTER = r"(?:$|[^0-9A-Za-z_.:/(@-]|[.:/-]+(?:$|[^0-9A-Za-z_.:/~-]))"

ADDRESSES = (Detector(EMAIL, f"({_LOCAL}@{_DOMAIN}){_AFTER}", is_address),)
