"""How every attempt at a provider went, told to whoever learns from it: the endpoints' health, the failed attempts of
the organization."""

from collections.abc import Sequence
from dataclasses import dataclass

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.plan import SANDBOX
from greatrouter_serving.call import Attempt
from greatrouter_serving.health import Health


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Owned by one event loop."""

    health: Health
    accounts: Accounts

    def seen(
        self,
        organization_id: str,
        request_id: str,
        attempts: Sequence[Attempt],
        completion_tokens: int = 0,
        elapsed_s: float = 0.0,
    ) -> None:
        """The sandbox is not an endpoint of the models it stands in for."""
        if not attempts or attempts[-1].provider == SANDBOX:
            return
        self.health.observe(attempts, completion_tokens, 1000 * elapsed_s)
        for attempt in attempts:
            if attempt.failed:
                self.accounts.record_failed_attempt(
                    organization_id, request_id, attempt.model_id, attempt.provider, attempt.status
                )
