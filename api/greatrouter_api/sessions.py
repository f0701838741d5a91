"""What was asked before in the same session, kept in memory for a while: how each prompt was understood, and of what
was made of words (a picture, a film, music) the words, which a follow-up needs. Never on disk, never longer."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from greatrouter_api.decision import Answered
from greatrouter_classifier.classification import Task, Turn
from greatrouter_classifier.session import is_follow_up

MADE_OF_WORDS = frozenset({Task.IMAGE, Task.VIDEO, Task.MUSIC})
MOST_WORDS_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Session:
    """`words` are those that the latest turn's picture, film or music was made of; "" for any other task."""

    turn: Turn
    prompts: int
    expires_at: float
    answered: Answered
    words: str = ""


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

    def remember(self, organization_id: str, session_id: str, turn: Turn, prompt: str, answered: Answered) -> int:
        """Makes this prompt the session's latest; how many prompts the session has had, this one included."""
        earlier = self.get(organization_id, session_id)
        prompts = earlier.prompts + 1 if earlier else 1
        words = continued(earlier, turn.task, prompt)[:MOST_WORDS_CHARACTERS] if turn.task in MADE_OF_WORDS else ""
        key = (organization_id, session_id)
        self._sessions[key] = Session(turn, prompts, self._clock() + self._ttl_s, answered, words)
        self._sessions.move_to_end(key)
        if len(self._sessions) > self._capacity:
            self._sessions.popitem(last=False)
        return prompts


def continued(session: Session | None, task: Task, prompt: str) -> str:
    """The prompt; after the words that it goes on from where it is a follow-up to what was made of words, for by itself
    "make it bluer" means nothing to a model that never saw "it"."""
    if session is None or not session.words or session.turn.task is not task or not is_follow_up(prompt):
        return prompt
    return f"{session.words}\n{prompt}"
