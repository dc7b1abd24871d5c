"""Many sets in one pass over a lake: each as if it were replayed alone."""

from pathlib import Path

import numpy as np
import pytest

from hfptm.clock import NS_MAX
from hfptm.config import Config, limits, load
from hfptm.engine import Engine, Output
from hfptm.errors import CapacityError, ConfigError, LakeError
from hfptm.journal import ROW_KINDS, Digest, read_run
from hfptm.lake import Lake
from hfptm.records import EventKind
from hfptm.risk_state import RiskState
from hfptm.units import NS_PER_S, pack_best
from replay.driver import Selection, replay
from replay.importers.base import quiet
from replay.metrics import account
from replay.passes import parameter_sets, run_pass, shared_key, without_lane
from tests.engines import crossed_market, tape_of
from tests.tapes import START_NS, make_market

WHOLE = Selection(0, NS_MAX)
MARKETS = [make_market(slug) for slug in "abcd"]
SETS = (
    (),
    ("sim.entry_latency_ms=400",),
    ("trading.min_edge=0.18",),
    ("fees.model=seed_flat_2pct", "sim.settlement_ms=60000", "trading.order_type=gtc"),
    ("sim.entry_latency_ms=30", "sim.entry_latency_p99_ms=200", "trading.max_arb_size_usd=20"),
    ("trading.order_type=resting", "sim.settlement_failure=0.5", "sim.quiet_grace_ms=5000"),
    ("trading.complete_sets=hold", "risk.max_concurrent_arbs=1"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four crossed markets one after the other, the last of which is left without a bid."""
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(folder)
    lake.write_markets("made", MARKETS, [])
    rows = []
    for number, market in enumerate("abcd"):
        rows += crossed_market(market, START_NS + 700_000_000 * number)
    *rows, gone, _resolution = rows
    bid = rows[-3]
    at_ns = gone.ts_recv_ns - 100_000_000
    rows.append(
        bid._replace(ts_recv_ns=at_ns, ts_venue_ns=at_ns, size_e6=0, aux=pack_best(6_000, 5_000))
    )
    rows.append(gone._replace(aux=pack_best(0, 5_000)))
    lake.write_events("made", tape_of(sorted(rows, key=lambda row: row.ts_recv_ns)))
    return folder


def configs() -> list[Config]:
    return [load(None, overrides, {}) for overrides in SETS]


def joined(outputs: list[Output]) -> Output:
    return Output(*(np.concatenate(rows) for rows in zip(*outputs, strict=True)))


def digest(output: Output) -> str:
    digest = Digest()
    for kind in ROW_KINDS:
        digest.update(kind, getattr(output, kind))
    return digest.hex()


def test_each_lane_is_the_replay_of_its_set(data: Path) -> None:
    outputs: list[Output] = []
    done = run_pass(data, configs(), WHOLE, outputs.append, quiet)
    together = joined(outputs)
    found, timers = set(), set()
    for lane, config in enumerate(configs()):
        folder, summary = replay(data, config, WHOLE, quiet)
        run = read_run(data, folder.name)
        own = without_lane(together, lane)
        for kind in ROW_KINDS:
            assert getattr(own, kind).tolist() == run.rows(kind).tolist(), (SETS[lane], kind)
        assert digest(own) == run.digest()
        money = account(done.engine, lane)
        assert money == {name: summary[name] for name in money}
        assert done.stands == summary["recorded"]
        found.add(digest(own))
        timers.add(int((own.reports["kind"] == EventKind.TIMER).sum()))
    assert len(timers) > 1, "no lane is woken longer than another"
    assert len(found) == len(SETS), "the sets do not differ for real"
    assert done.rows == summary["events"]


def test_what_was_realised_is_told_by_market(data: Path) -> None:
    done = run_pass(data, configs(), WHOLE, lambda _output: None, quiet)
    realised = done.engine.realised_by_market()
    assert set(realised) <= {market.market for market in MARKETS}
    assert len(realised) > 1
    total = sum(realised.values())
    assert np.array_equal(total, done.engine.state.lanes["realised_e6"])
    assert np.any(total)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("sim.restarts=", "sim.restarts"),
        ("trading.blacklisted_markets=abc", "trading.blacklisted_markets"),
        ("discovery.short_window_s=60", "discovery.short_window_s"),
        ("replay.block_rows=1000", "replay"),
    ],
)
def test_sets_that_differ_in_what_lanes_share_are_refused(
    data: Path, override: str, key: str
) -> None:
    sets = [load(None, [], {}), load(None, [override], {})]
    assert shared_key(sets[0]) != shared_key(sets[1])
    with pytest.raises(ConfigError, match="set 1 has another value") as raised:
        run_pass(data, sets, WHOLE, lambda _output: None, quiet)
    assert raised.value.key == key


def test_no_sets_and_nothing_recorded_are_refused(data: Path) -> None:
    with pytest.raises(ConfigError, match="at least one"):
        run_pass(data, [], WHOLE, lambda _output: None, quiet)
    with pytest.raises(LakeError, match="nothing recorded"):
        run_pass(data, configs(), Selection(0, 1), lambda _output: None, quiet)


def test_lanes_that_meet_the_same_luck_share_a_table() -> None:
    one = configs()[0]
    sets = parameter_sets([limits(one), limits(one)])
    assert sets[0].draws is sets[1].draws


def test_an_earlier_run_goes_on_in_one_lane_alone() -> None:
    sets = parameter_sets([limits(config) for config in configs()])
    with pytest.raises(CapacityError, match="go on from an earlier run"):
        Engine(MARKETS, [], sets, lambda _output: None, RiskState())


SLOW = ("sim.response_latency_ms=5000", "sim.response_latency_p99_ms=5000")
"""A report on its way outlasts the grace of a quiet market, which is one second."""


def ended(tail_ns: int, *sets: tuple[str, ...]) -> tuple[Output, int]:
    """What each set does with shares that nobody wants: it offers them again every minute; and when
    the last of them ends. The market's last row comes `tail_ns` after the others."""
    *book, gone, _resolution = crossed_market("a", START_NS)
    book[1] = book[1]._replace(size_e6=10_000_000)  # the bid takes a tenth of them
    early = gone._replace(ts_recv_ns=START_NS + 30_000_000, ts_venue_ns=START_NS + 30_000_000)
    last_ns = early.ts_recv_ns + tail_ns
    last = early._replace(ts_recv_ns=last_ns, ts_venue_ns=last_ns)
    outputs: list[Output] = []
    every = [limits(load(None, [*SLOW, *overrides], {})) for overrides in sets]
    engine = Engine([make_market("a")], [], parameter_sets(every), outputs.append)
    engine.feed(tape_of([*book, early, last]))
    engine.finish()
    return joined(outputs), int(engine.state.counters[0]["now_ns"])


@pytest.mark.parametrize("into_ns", [1_000_000, 500_000_000, 3_000_000_000])
def test_a_lane_ends_with_its_own_time_though_others_go_on(into_ns: int) -> None:
    """Its last moment is while an order of its own waits at the venue, or its report is due."""
    alone, end_ns = ended(NS_PER_S, ())
    offered_ns = int(alone.intents["ts_ns"][-1]) + 60 * NS_PER_S
    tail_ns = NS_PER_S + offered_ns + into_ns - end_ns
    alone, end_ns = ended(tail_ns, ())
    assert (alone.intents["ts_ns"][-1], end_ns) == (offered_ns, offered_ns + into_ns)
    both, both_end_ns = ended(tail_ns, (), ("sim.print_window_ms=9000",))
    assert both_end_ns > end_ns + 10 * NS_PER_S
    for kind in ROW_KINDS:
        own = getattr(without_lane(both, 0), kind)
        assert own.tolist() == getattr(alone, kind).tolist(), kind
