"""The sets of a capture analysis: what is there, at each latency, and with one thing changed."""

from decimal import Decimal

from hfptm.config import limits, load
from replay.capture_sets import ENTRY, LATENCIES_MS, capture_sets, latencies_ms
from replay.passes import shared_key


def test_the_configuration_as_it_is_comes_first() -> None:
    base = load(None, ["trading.min_edge=0.01"], {})
    first, *others = capture_sets(base)
    assert (first.changes, first.config, first.latency_ms) == ({}, base, None)
    assert all(other.changes for other in others)


def test_the_curve_changes_nothing_but_the_latency() -> None:
    base = load(None, ["sim.entry_latency_ms=60"], {})
    curve = [one for one in capture_sets(base) if one.latency_ms is not None]
    assert [one.latency_ms for one in curve] == sorted({*LATENCIES_MS, 60})
    assert (curve[0].latency_ms, curve[-1].latency_ms) == (0, 1_000)
    for one in curve:
        assert one.changes == {ENTRY: one.latency_ms}
        assert one.config.sim.entry_latency_ms == one.latency_ms
        assert one.config.trading == base.trading


def test_a_point_of_the_curve_is_one_latency_even_where_it_is_drawn() -> None:
    base = load(None, ["sim.entry_latency_p99_ms=400"], {})
    curve = [one for one in capture_sets(base) if one.latency_ms is not None]
    assert all(one.changes["sim.entry_latency_p99_ms"] == 0 for one in curve)
    assert len({limits(one.config) for one in curve}) == len(latencies_ms(base))


def test_neighbours_change_one_thing_each() -> None:
    base = load(None, [], {})
    trials = [one.changes for one in capture_sets(base)[1:] if one.latency_ms is None]
    assert trials == [
        {"trading.min_edge": Decimal("0.0200")},
        {"trading.min_edge": Decimal("0.0312")},
        {"trading.max_arb_size_usd": Decimal(50)},
        {"trading.max_arb_size_usd": Decimal(200)},
        {
            "risk.max_exposure_per_market_usd": Decimal(300),
            "risk.max_exposure_per_event_usd": Decimal(750),
            "risk.max_exposure_total_usd": Decimal(1_500),
        },
        {ENTRY: 25},
    ]


def test_a_neighbour_that_cannot_be_is_left_out() -> None:
    bounds = ["trading.bankroll_usd=100", "trading.min_edge=0", "sim.entry_latency_ms=0"]
    trials = [one.changes for one in capture_sets(load(None, bounds, {}))[1:]]
    assert {"trading.max_arb_size_usd": Decimal(200)} not in trials
    assert not any("trading.min_edge" in changes for changes in trials)
    assert sum(ENTRY in changes for changes in trials) == len(LATENCIES_MS)


def test_all_of_them_ride_in_one_pass() -> None:
    assert len({shared_key(one.config) for one in capture_sets(load(None, [], {}))}) == 1
