"""Which refusals are written down, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.refusals import A_SECOND, AT_ONCE, KEPT, Refusals


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.sampled_from(["ada", "bob"]), st.floats(0, 3)), max_size=300))
def test_never_more_lines_than_allowed_and_every_refusal_is_counted(asked: list[tuple[str, float]]) -> None:
    clock = Clock()
    refusals = Refusals(clock)
    lines: dict[str, list[int]] = {"ada": [], "bob": []}
    left_out = {"ada": 0, "bob": 0}
    for name, pause_s in asked:
        clock.now += pause_s
        unwritten = refusals.unwritten(name)
        if unwritten is None:
            left_out[name] += 1
        else:
            assert unwritten == left_out[name]
            left_out[name] = 0
            lines[name].append(unwritten)
    for name, written in lines.items():
        assert len(written) <= AT_ONCE + A_SECOND * (clock.now - 100) + 1e-6
        assert len(written) + sum(written) + left_out[name] == sum(each == name for each, _ in asked)


def test_a_flood_of_1000_a_second_for_a_minute_is_80_lines() -> None:
    clock = Clock()
    refusals = Refusals(clock)
    found = []
    for _ in range(60_000):
        clock.now += 0.001
        found.append(refusals.unwritten("ada"))
    lines = [unwritten for unwritten in found if unwritten is not None]
    assert len(lines) in range(79, 81)
    assert lines[-1] in range(990, 1001)


def test_so_many_organizations_are_remembered_and_no_more() -> None:
    refusals = Refusals(Clock())
    assert [refusals.unwritten("ada") for _ in range(21)] == [0] * 20 + [None]
    for number in range(KEPT - 1):
        refusals.unwritten(str(number))
    assert refusals.unwritten("ada") is None
    refusals.unwritten("one more")
    assert refusals.unwritten("ada") == 0
