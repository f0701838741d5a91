"""An owner for tests of what the dead left."""

from dataclasses import dataclass, field


@dataclass
class Us:
    """The only one that lives, beside `others`."""

    others: set[str] = field(default_factory=set)
    name: str = "own_me"
    certain: bool = True

    def alive(self, _connection: object) -> set[str]:
        return {self.name, *self.others}

    def renew(self, _store: object) -> bool:
        return True

    def resign(self, _connection: object) -> None:
        pass
