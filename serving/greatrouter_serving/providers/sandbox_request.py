"""What every answer of the sandbox is made from."""

import hashlib
from dataclasses import dataclass
from typing import Any

from greatrouter_serving.call import Call, Target
from greatrouter_serving.providers.payload import to_json

NAME = "sandbox"
# A clock would make two answers to one request differ: 2025-01-01T00:00:00Z.
CREATED = 1_735_689_600
_PROMPT_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Request:
    """`digest` is a hash of the whole request but its id."""

    model_id: str
    call: Call
    digest: bytes

    @classmethod
    def of(cls, target: Target, call: Call) -> "Request":
        identity = to_json([target.model_id, call.task, call.content_mode, call.prompt, dict(call.input)])
        return cls(target.model_id, call, hashlib.sha256(identity).digest())

    @property
    def id(self) -> str:
        return f"sandbox-{self.digest[:12].hex()}"

    @property
    def label(self) -> str:
        """The sentence that says that nothing was generated, and what would have been."""
        prompt = " ".join(self.call.prompt.split())
        shown = prompt if len(prompt) <= _PROMPT_SHOWN else prompt[: _PROMPT_SHOWN - 1] + "…"
        return (
            f"[sandbox] {self.model_id} would have answered this {self.call.task} request ({self.call.content_mode}): "
            f'"{shown}". Test keys never reach a paid provider; use a live key for a real answer.'
        )

    def stamped(self, **fields: Any) -> dict[str, Any]:
        return {"id": self.id, "provider": NAME, "model": self.model_id, **fields}
