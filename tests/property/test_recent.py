"""When what is old is dropped is seen in memory and nowhere else."""

import pytest
from hypothesis import given

from hfptm.normaliser import recent
from hfptm.normaliser.normaliser import Normaliser
from hfptm.normaliser.recent import FEW, Recent
from hfptm.normaliser.streams import RECENT_NS, Part
from tests.property.test_normaliser import SEEDS, Arrival, merged, receive, scenario
from tests.wire import make_market

SLOWER = 20
"""A scenario then takes some seconds: much of it grows old before it ends."""


def part(ts_recv_ns: int, market: int) -> Part:
    return Part(0, ts_recv_ns, ts_recv_ns, 0, b"", market, [])


def test_the_frame_after_a_stall_drops_few() -> None:
    kept = Recent([part(ts_ns, ts_ns) for ts_ns in (5, 3, 4, 1, 2)])
    kept.add(part(6, 6))
    assert [*kept.few(2 + RECENT_NS)] == [1], "what is so old exactly stays"
    assert [*kept.few(6 + RECENT_NS)] == [2, 3]
    assert len([*kept.few(6 + RECENT_NS)]) == FEW
    assert [*kept.all()] == []
    kept.before_ns = 7
    assert [*kept.all()] == [6]


def of_another(arrival: Arrival) -> Arrival:
    return arrival._replace(payload=arrival.payload.replace(b'"71"', b'"73"'))


def told(arrivals: list[Arrival], few: int) -> list[object]:
    """Frames go to two markets by turns of ten, so that one grows old while the other is told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent, "FEW", few)
        normaliser = Normaliser([make_market(), make_market("0xc1", "73", "74")])
        found: list[object] = []
        for number, arrival in enumerate(arrivals):
            arrival = arrival._replace(at_ns=SLOWER * arrival.at_ns)
            receive(normaliser, of_another(arrival) if number // 10 % 2 else arrival)
            found += [normaliser.take().tobytes(), normaliser.take_gaps(), normaliser.unseen.copy()]
            if number % 9 == 0:
                found.append(normaliser.save())
        return [*found, normaliser.save(), normaliser.tally]


@given(SEEDS)
def test_how_many_go_with_a_frame_changes_nothing(seed: int) -> None:
    arrivals = merged(*scenario(seed, ["lost", "twice", "stall"]))
    assert told(arrivals, 1) == told(arrivals, 1_000) == told(arrivals, 0)
