"""What was asked before in the same session, kept in memory for a while."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from greatrouter_api.decision import Answered
from greatrouter_classifier.classification import Classification, Turn
from greatrouter_serving.call import Target


@dataclass(frozen=True, slots=True)
class Session:
    turn: Turn
    prompts: int
    expires_at: float
    answered: Answered


class Sessions:
    """Least-recently-used sessions by organization and session id; the owner is one event loop."""

    def __init__(self, ttl_s: float, capacity: int, clock: Callable[[], float]) -> None:
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._clock = clock
        self._sessions: OrderedDict[tuple[str, str], Session] = OrderedDict()

    def get(self, organization_id: str, session_id: str | None) -> Session | None:
        session = self._sessions.get((organization_id, session_id)) if session_id else None
        return session if session and session.expires_at > self._clock() else None

    def remember(
        self, organization_id: str, session_id: str, classification: Classification, target: Target, prompt_tokens: int
    ) -> int:
        """Makes this prompt the session's latest; how many prompts the session has had, this one included."""
        earlier = self.get(organization_id, session_id)
        prompts = earlier.prompts + 1 if earlier else 1
        turn = Turn(classification.task, classification.content_mode, classification.complexity)
        key = (organization_id, session_id)
        expires_at = self._clock() + self._ttl_s
        self._sessions[key] = Session(
            turn, prompts, expires_at, Answered(target.model_id, target.provider, prompt_tokens)
        )
        self._sessions.move_to_end(key)
        if len(self._sessions) > self._capacity:
            self._sessions.popitem(last=False)
        return prompts
