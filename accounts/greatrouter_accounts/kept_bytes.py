"""How many bytes of answers an organization has kept for requests that may come again: a free test key would fill the
disk with them."""

from collections.abc import Mapping, Sequence

from sqlalchemy.engine.interfaces import DBAPICursor

# Of the last 24 hours and the begun hour before them, for every organization: some 13 of the largest answers.
MOST_BYTES = 64 * 1024 * 1024

ADD = """
    INSERT INTO kept_bytes (organization_id, hour, bytes) VALUES ({0}, substr({now}, 1, 13), {0})
    ON CONFLICT (organization_id, hour) DO UPDATE SET bytes = kept_bytes.bytes + excluded.bytes"""
COUNT = """
    SELECT sum(CASE WHEN hour >= substr({too_old}, 1, 13) THEN bytes ELSE 0 END),
        min(hour) < substr({too_old}, 1, 13)
    FROM kept_bytes WHERE organization_id = {0}"""
FORGET = "DELETE FROM kept_bytes WHERE organization_id = {0} AND hour < substr({too_old}, 1, 13)"


class Room:
    """One transaction's. `words` are those of the database, by the names in the statements. The rows that it counts in
    are locked until the transaction ends, so that processes together keep no more; whoever asks for several
    organizations does so in their order."""

    def __init__(self, cursor: DBAPICursor, mark: str, words: Mapping[str, str], most_bytes: int = MOST_BYTES) -> None:
        self._cursor = cursor
        self._mark = mark
        self._words = words
        self._most_bytes = most_bytes

    def kept(self, organization_id: str, sizes: Sequence[int]) -> Sequence[bool]:
        """Which of some answers of an organization may be kept; those are counted."""
        asked = sum(sizes)
        self._run(ADD, organization_id, asked)
        self._run(COUNT, organization_id)
        found = self._cursor.fetchone()
        assert found is not None  # one row was just counted
        total, old = found
        if old:
            self._run(FORGET, organization_id)
        room = self._most_bytes - (int(total) - asked)
        kept = []
        for size in sizes:
            kept.append(size <= room)
            room -= size if kept[-1] else 0
        refused = sum(size for size, fits in zip(sizes, kept, strict=True) if not fits)
        if refused:
            self._run(ADD, organization_id, -refused)
        return kept

    def _run(self, statement: str, *values: str | int) -> None:
        self._cursor.execute(statement.format(self._mark, **self._words), values)
