"""What every operation of the OpenAPI document shares: the one error shape, each status with its codes, the headers."""

from collections.abc import Iterable
from typing import Any

from greatrouter_api.errors import CODE_OF_STATUS, TYPE_OF_STATUS

SCHEMAS = "#/components/schemas/"
ERROR = f"{SCHEMAS}Error"
# The codes that stand beside a status's own (`CODE_OF_STATUS`).
OTHER_CODES = {
    400: ("guardrail_blocked", "budget_too_low"),
    403: ("scope_required",),
    404: ("model_not_found",),
    409: ("answer_not_kept",),
    429: ("daily_budget_exceeded",),
    503: ("server_stopping", "internal_error"),
}
WHEN = {
    400: "Malformed, out of range or unknown; `param` says where, `message` what is allowed",
    401: "The key is missing, malformed, unknown, revoked or expired; or a webhook is not signed, or not lately",
    402: "The wallet cannot cover the estimated cost; a retry does not help",
    403: "The organization's plan does not include the model; or the key has none of the scopes that are needed, which "
    "`metadata` lists",
    404: "There is no such model, or none that is served here; or no such path",
    405: "The path takes other methods",
    408: "The body did not arrive in time",
    409: "A request with the same `Idempotency-Key` is still running; or its answer was too large to be kept, and then "
    "a retry does not help",
    413: "The body is larger than this server takes",
    422: "The same `Idempotency-Key` came before with another request",
    429: "Too much at once; or the day's budget is spent, and then a retry does not help",
    500: "A bug; the message carries the request id",
    502: "Every model of the fallback chain failed; `metadata.attempts` lists each attempt",
    503: "A local model is cold, the server is stopping, or a part of it is not there at the moment",
}

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Every error there is, whatever the status.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "type", "param", "status", "retry_after_s", "metadata"],
            "properties": {
                "code": {"type": "string", "description": "Stable; safe to branch on."},
                "message": {"type": "string", "description": "What was wrong, what was expected, what to do next."},
                "type": {"type": "string", "description": "The kind of error, as OpenAI's clients know it."},
                "param": {"type": ["string", "null"], "description": "The field at fault."},
                "status": {"type": "integer", "description": "The HTTP status once more."},
                "retry_after_s": {"type": ["integer", "null"], "description": "As the `Retry-After` header says."},
                "metadata": {"type": ["object", "null"], "description": "What helps to put it right."},
            },
        }
    },
}

PARAMETERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "The caller's own name for this request: up to 128 of A-Z, a-z, 0-9 and -_.: (anything else is "
        "replaced by a new one). The answer and the activity log carry it.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "description": "The caller's own name for this request and its retries, best a UUID: for 24 hours they are "
        "answered with the first answer that succeeded, and charged once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
    "X-Tier": {
        "description": "`batch`: the discounted tier of a model served here, which yields to realtime work. Empty is "
        "as good as absent.",
        "schema": {"type": "string", "enum": ["realtime", "batch", ""]},
    },
    "Prefer": {
        "description": "`wait=N`: where the model is cold, hold the request up to N seconds instead of a 503.",
        "schema": {"type": "string"},
    },
    "X-GR-Cache-TTL": {
        "description": "Seconds for which an answer to the same request of this organization may be given again. Empty "
        "is as good as absent.",
        "schema": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 3600}, {"type": "string", "enum": [""]}]},
    },
    "X-GR-Guardrails": {
        "description": "Stop the request where it holds e-mail addresses, card or phone numbers, national ids or keys. "
        "Empty is as good as absent.",
        "schema": {"type": "string", "enum": ["moderate", ""]},
    },
}
HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "Names this request: the caller's own id where it sent a sane one.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9_.:-]+$"},
    },
    "Retry-After": {
        "description": "Seconds to wait; the same as `retry_after_s`.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "x-should-retry": {
        "description": "`false` where no retry can help.",
        "schema": {"type": "string", "enum": ["false"]},
    },
    "Allow": {
        "description": "The methods that the path takes.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    },
    "X-GR-Cache": {
        "description": "Whether the answer was kept from before; only where `X-GR-Cache-TTL` was sent.",
        "schema": {"type": "string", "enum": ["HIT", "MISS"]},
    },
    "Idempotent-Replayed": {
        "description": "`true` where this is the answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Preference-Applied": {
        "description": "`wait=N` where `Prefer` was heeded.",
        "schema": {"type": "string", "pattern": "^wait=\\d+$"},
    },
}
# Where the organization's plan or the key is limited in so many a minute.
RATE_LIMITS = {
    **{
        f"x-ratelimit-{what}-{kind}": {
            "description": f"{words}; only where they are limited. Of the key or the organization, whichever has less "
            "left.",
            "schema": {"type": "string", "pattern": pattern},
        }
        for kind in ("requests", "tokens")
        for what, words, pattern in (
            ("limit", f"How many {kind} a minute are allowed", "^\\d+$"),
            ("remaining", f"How many {kind} are left", "^\\d+$"),
            ("reset", f"How long until all {kind} are left, such as `1m1s`", "^(\\d+m)?\\d+s$"),
        )
    },
    "RateLimit-Policy": {
        "description": "The same limits as the draft standard has them: `q` in `w` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of each (`r`), and in how many seconds all of it is (`t`).",
        "schema": {"type": "string"},
    },
}
HEADERS |= RATE_LIMITS
HEADERS_OF_STATUS = {
    402: ("x-should-retry",),
    405: ("Allow",),
    409: ("Retry-After", "x-should-retry"),
    429: ("Retry-After", "x-should-retry", *RATE_LIMITS),
    503: ("Retry-After",),
}
SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, pk_live_... or pk_test_..."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
    "webhook": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several with blanks between.",
    },
}


def components() -> dict[str, Any]:
    """Beside the schemas of requests and answers."""
    parameters = {name: {"name": name, "in": "header", "required": False, **said} for name, said in PARAMETERS.items()}
    return {
        "securitySchemes": SECURITY,
        "parameters": parameters,
        "headers": HEADERS,
        "responses": {f"Error{status}": _failure(status) for status in WHEN},
    }


def codes(status: int) -> list[str]:
    return [CODE_OF_STATUS[status], *OTHER_CODES.get(status, ())]


def failure(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/Error{status}"}


def parameter(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def headers(names: Iterable[str]) -> dict[str, Any]:
    """What every answer carries, and `names`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _failure(status: int) -> dict[str, Any]:
    error = {
        "code": {"enum": codes(status)},
        "type": {"const": TYPE_OF_STATUS.get(status, "api_error")},
        "status": {"const": status},
    }
    if status in (409, 429, 503):
        error["retry_after_s"] = {"type": "integer"}
    narrowed = {"type": "object", "properties": {"error": {"type": "object", "properties": error}}}
    return {
        "description": f"{', '.join(f'`{code}`' for code in codes(status))}. {WHEN[status]}.",
        "headers": headers(HEADERS_OF_STATUS.get(status, ())),
        "content": {"application/json": {"schema": {"allOf": [{"$ref": ERROR}, narrowed]}}},
    }
