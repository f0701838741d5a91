"""What the OpenAPI document says of an ordinary endpoint's failures."""

from typing import Any

from greatrouter_api.errors import CODE_OF_STATUS

_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses`: every one of them has the one error shape."""
    return {status: {"description": CODE_OF_STATUS[status], "content": _ERROR} for status in statuses}
