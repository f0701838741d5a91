"""What the two clients have in common besides the wire."""

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from greatrouter._wire import Wire

DEFAULT_BASE_URL = "http://127.0.0.1:8080/v1"


def key_or_environment(api_key: str | None) -> str:
    """The key that was given, else that of GREATROUTER_API_KEY; empty where there is none."""
    return os.environ.get("GREATROUTER_API_KEY", "") if api_key is None else api_key


class BaseClient:
    _wire: Wire
    _owns_http: bool

    def with_options(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        max_retries: int | None = None,
    ) -> Self:
        """The same client with other options, for one call or for many; `headers` are added to those it has.

        >>> from greatrouter import GreatRouter
        >>> GreatRouter("pk_live_...").with_options(headers={"X-Tier": "batch"}, timeout_s=600)
        GreatRouter(base_url='http://127.0.0.1:8080/v1', timeout_s=600, max_retries=2)
        """
        wire = self._wire
        other = copy.copy(self)
        other._owns_http = False  # the connections stay the first client's, and close with it
        other._wire = replace(
            wire,
            headers={**wire.headers, **(headers or {})},
            timeout_s=wire.timeout_s if timeout_s is None else timeout_s,
            max_retries=wire.max_retries if max_retries is None else max_retries,
        )
        return other

    def __repr__(self) -> str:
        wire = self._wire
        name = type(self).__name__
        return f"{name}(base_url={wire.base_url!r}, timeout_s={wire.timeout_s}, max_retries={wire.max_retries})"
