"""How every attempt at a provider went, told to whoever learns from it: the endpoints' health, over everybody's
attempts and over each organization's own, and the failed attempts of the organization."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.plan import SANDBOX
from greatrouter_serving.call import Attempt
from greatrouter_serving.health import Health

# Whose own health is kept: those who asked last. A thousand, each with ten models, take 20 MB.
MOST_ORGANIZATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Owned by one event loop."""

    health: Health
    accounts: Accounts
    _own: dict[str, Health] = field(default_factory=dict)

    def own(self, organization_id: str) -> Health:
        """How the endpoints did for one organization."""
        return self._own.get(organization_id) or Health()

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
        own = self._own.pop(organization_id, None) or Health()
        self._own[organization_id] = own
        own.observe(attempts, completion_tokens, 1000 * elapsed_s)
        if len(self._own) > MOST_ORGANIZATIONS:
            del self._own[next(iter(self._own))]
        for attempt in attempts:
            if attempt.failed:
                self.accounts.record_failed_attempt(
                    organization_id, request_id, attempt.model_id, attempt.provider, attempt.status
                )
