"""API keys by the prefixes their issuers give them, private keys, signed tokens."""

from greatrouter_api.pii.detector import Detector

API_KEY = "api_key"

_BEFORE = r"(?:^|[^0-9A-Za-z_])"


def is_random(found: str) -> bool:
    """A long word (sk-internationalization) has no digit, and the blanks of a template (sk-xxxxxxxx) are all alike."""
    rest = found.partition("-")[2].rpartition("-")[2]
    return set(rest.lower()) != {"x"} and (len(rest) >= 32 or any(map(str.isdigit, rest)))


# Prefix and the least that follows it. What begins like nothing else needs no more than that.
KEYS = (
    r"sk-(?:proj|svcacct|admin|ant|or)-[A-Za-z0-9_\-]{16}",
    r"[psr]k_(?:live|test)_[A-Za-z0-9_]{16}",  # ours, Stripe's
    r"whsec_[A-Za-z0-9+/=_\-]{24}|polar_(?:oat|whs|pat)_[A-Za-z0-9]{20}",
    r"gh[oprsu]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{22}|glpat-[A-Za-z0-9_\-]{20}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    r"AIza[A-Za-z0-9_\-]{30}|ya29\.[A-Za-z0-9_\-]{20}|GOCSPX-[A-Za-z0-9_\-]{20}",
    r"xox[abeoprs]-[A-Za-z0-9\-]{10}|xapp-\d-[A-Za-z0-9\-]{20}",
    r"hf_[A-Za-z0-9]{30}|r8_[A-Za-z0-9]{30}|gsk_[A-Za-z0-9]{40}|xai-[A-Za-z0-9]{40}|pplx-[A-Za-z0-9]{40}",
    r"nvapi-[A-Za-z0-9_\-]{40}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_\-]{50}|dop_v1_[0-9a-f]{60}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|SG\.[A-Za-z0-9_\-]{20,24}\.[A-Za-z0-9_\-]{30}|\d{8,10}:AA[A-Za-z0-9_\-]{32}",
)

SECRETS = (
    Detector(API_KEY, rf"{_BEFORE}(?:{'|'.join(KEYS)})"),
    # OpenAI and the many who follow it; an organization's own
    Detector(API_KEY, rf"{_BEFORE}(sk-[A-Za-z0-9]{{20,64}}|gr-[A-Za-z0-9_]{{20,64}})", is_random),
    # A signed JSON web token
    Detector(API_KEY, rf"{_BEFORE}eyJ[A-Za-z0-9_\-]{{8,}}\.eyJ[A-Za-z0-9_\-]{{8,}}\.[A-Za-z0-9_\-]{{16}}"),
    Detector(API_KEY, r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
)
