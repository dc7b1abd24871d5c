"""A run that goes on: what an account was left with counts from the first row of the next run."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hfptm.config import as_toml, load
from hfptm.drive.inputs import InputLog, Start, read_start
from hfptm.drive.loop import Loop
from hfptm.engine import Rows
from hfptm.errors import LakeError
from hfptm.journal import ROW_KINDS, RunJournal, read_run, run_ids
from hfptm.opportunities import Relation
from hfptm.portfolio import Portfolio, Position
from hfptm.records import EventFlag, EventKind, IntentKind, MarketState, Side, Token
from hfptm.registry import Group, Market
from hfptm.risk_state import RiskState
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, pack_best
from replay.metrics import Tally
from replay.paper_run import close_run, last_run, recover, sink_of, start_after
from replay.parity import parity
from tests.engines import LAST, Recorder, crossed_market, tape_of
from tests.tapes import START_NS, Row, make_market

EVENT_GROUP = Group(
    group=9, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=False
)
ALONE = make_market("alone")
ONE, OTHER = (make_market(slug, group=9) for slug in ("one", "other"))
BANKROLL_E6 = 1_000 * ONE_E6
REALISED_E6 = 7 * ONE_E6


def position(market: Market, cost_usd: int, *, is_locked: bool) -> Position:
    """Of ten YES shares."""
    size_e6, cost_e6 = 10 * ONE_E6, cost_usd * ONE_E6
    return Position(
        market=market.market,
        token=Token.YES,
        size_e6=size_e6,
        cost_e6=cost_e6,
        locked_size_e6=size_e6 * is_locked,
        locked_cost_e6=cost_e6 * is_locked,
        alone_since_ns=0 if is_locked else START_NS - NS_PER_S,
    )


LEFT = Portfolio(
    realised_e6=REALISED_E6,
    result_e6=REALISED_E6 - ONE_E6,
    positions=[
        position(ALONE, 4, is_locked=False),
        position(ONE, 5, is_locked=True),
        position(OTHER, 3, is_locked=True),
    ],
    promised_e6={9: 10 * ONE_E6},
    markets=[ALONE, ONE, OTHER],
    groups=[EVENT_GROUP],
)


def level(after_ms: int, market: Market, side: Side, price_e4: int, best: tuple[int, int]) -> Row:
    ts_ns = START_NS + after_ms * NS_PER_MS
    flags = LAST | EventFlag.BEST_YES
    fields = (market.market, 100 * ONE_E6, pack_best(*best), price_e4, flags)
    return Row(ts_ns, ts_ns, *fields, kind=EventKind.LEVEL, side=side)


def state(after_ms: int, market: Market, payout_e4: int) -> Row:
    ts_ns = START_NS + after_ms * NS_PER_MS
    fields = (market.market, 0, MarketState.RESOLVED, payout_e4, 0)
    return Row(ts_ns, ts_ns, *fields, kind=EventKind.STATE, side=0)


def book(after_ms: int, market: Market) -> Rows:
    """Bid 0.60, ask 0.70."""
    ts_ns = START_NS + after_ms * NS_PER_MS
    begin = Row(ts_ns, ts_ns, market.market, 0, 0, 0, EventFlag.SNAPSHOT, EventKind.SNAPSHOT, 0)
    return tape_of(
        [
            begin,
            level(after_ms, market, Side.BID, 6_000, (6_000, 10_000)),
            level(after_ms + 1, market, Side.ASK, 7_000, (6_000, 7_000)),
        ]
    )


def going_on(*overrides: str, risk: RiskState | None = None) -> Recorder:
    return Recorder([], [], *overrides, risk=risk, portfolio=LEFT, spare_slots=9)


def money(engine: Recorder) -> tuple[int, int]:
    """(cash, cost of all positions), which are bankroll and what was realised."""
    account = engine.state.lanes[0]
    cost_e6 = int(engine.state.positions["cost_e6"].sum())
    assert account["cash_e6"] + cost_e6 == BANKROLL_E6 + account["realised_e6"]
    return int(account["cash_e6"]), cost_e6


def test_what_was_left_is_there_and_is_left_again() -> None:
    engine = going_on()
    assert engine.portfolio() == LEFT
    assert engine.state.lanes[0]["cash_e6"] == BANKROLL_E6 + REALISED_E6 - 12 * ONE_E6
    engine.feed(book(0, make_market("another")))
    assert msgspec.structs.replace(engine.portfolio(), result_e6=LEFT.result_e6) == LEFT
    account = engine.state.lanes[0]
    assert (account["locked_e6"], account["locked_payout_e6"]) == (8 * ONE_E6, 10 * ONE_E6)
    assert money(engine)[1] == 12 * ONE_E6
    assert engine.sim.purses[0]["cash_e6"] == account["cash_e6"]


def test_shares_without_partners_are_sold_and_baskets_are_paid() -> None:
    engine = going_on()
    engine.feed(book(0, ALONE))
    engine.feed(book(61_000, ALONE))
    engine.feed(tape_of([state(62_000, ONE, 10_000), state(62_000, OTHER, 0)]))
    engine.finish()
    intents = engine.rows_of("intents")
    assert intents["kind"].tolist() == [IntentKind.PLACE]
    assert (intents["side"][0], intents["market"][0]) == (Side.ASK, ALONE.market)
    reports = engine.rows_of("reports")
    assert EventKind.REJECT not in reports["kind"]
    account = engine.state.lanes[0]
    sold_e6 = 6 * ONE_E6 - int(account["fees_e6"])
    assert money(engine) == (BANKROLL_E6 + REALISED_E6 - 12 * ONE_E6 + sold_e6 + 10 * ONE_E6, 0)
    assert (account["locked_e6"], account["locked_payout_e6"]) == (0, 0)
    assert engine.portfolio().positions == []
    assert engine.portfolio().realised_e6 == account["realised_e6"]


def test_a_market_is_what_discovery_says_of_it_now() -> None:
    """An event may have gained an outcome since, and then its basket is none."""
    engine = going_on()
    grown = msgspec.structs.replace(EVENT_GROUP, members=3)
    engine.list_more([msgspec.structs.replace(ONE, fee_rate_e4=1)], [grown])
    engine.feed(book(0, ALONE))
    (slot,) = [n for n, market in enumerate(engine.slots.market_ids) if market == ONE.market]
    assert engine.state.markets[slot]["fee_rate_e4"] == 1
    assert engine.state.groups[0]["expected"] == 3
    (left,) = engine.portfolio().groups
    assert left.members == 3


def test_an_event_that_was_taken_apart_promises_nothing() -> None:
    engine = going_on()
    apart = [msgspec.structs.replace(market, group=0) for market in (ONE, OTHER)]
    engine.list_more(apart, [])
    engine.feed(book(0, ALONE))
    assert engine.state.lanes[0]["locked_payout_e6"] == 0
    assert engine.portfolio().groups == []
    money(engine)


def test_losses_count_from_the_result_that_was_left() -> None:
    before = RiskState(lost_e6=40 * ONE_E6, fallen_e6=60 * ONE_E6, day=START_NS // 86_400 // 10**9)
    engine = going_on(risk=before)
    engine.feed(book(0, ALONE))
    engine.feed(book(61_000, ALONE))
    after = engine.risk_state()
    gained_e6 = int(engine.state.risk[0]["result_e6"]) - LEFT.result_e6
    assert gained_e6 > 0
    assert after.lost_e6 == before.lost_e6 - gained_e6
    assert after.fallen_e6 == before.fallen_e6 - gained_e6


def traded(data: Path, run_id: str, start: Start, *, is_killed: bool = False) -> None:
    """A run that buys and merges one pair, as `hfptm paper` writes it."""
    settings = load(None, [], {})
    tally = Tally()
    with RunJournal(data, run_id, as_toml(settings)) as journal:
        engine = Recorder([], [], risk=start.risk, portfolio=start.portfolio, spare_slots=9)
        engine.sink = sink_of(journal, tally)
        with InputLog(journal.folder, start) as inputs:
            loop = Loop(engine, inputs, START_NS, start.portfolio.markets)
            loop.list_more([make_market("crossed")], [])
            rows = tape_of(crossed_market("crossed", START_NS + NS_PER_S)[:-1])
            inputs.append(rows)
            engine.feed(rows.copy())
            if is_killed:
                inputs.tick(START_NS)
                raise InterruptedError
        close_run(data, journal, engine, tally, 1)


def test_a_killed_run_is_closed_as_if_it_had_ended(tmp_path: Path) -> None:
    start = Start(mode="paper", portfolio=LEFT)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    traded(whole, "1", start)
    with pytest.raises(InterruptedError):
        traded(killed, "1", start, is_killed=True)
    assert run_ids(killed) == []
    assert recover(killed) == ["1"]
    assert recover(killed) == []
    first, second = (read_run(data, "1") for data in (whole, killed))
    for kind in ROW_KINDS:
        assert first.rows(kind).tobytes() == second.rows(kind).tobytes()
    assert len(first.rows("intents")) > 2
    assert (second.path / "portfolio.json").read_bytes() == (
        first.path / "portfolio.json"
    ).read_bytes()
    for data in (whole, killed):
        found = parity(data, "1")
        assert found.is_same
        assert found.rows["reports"] > 0


def test_the_next_run_begins_with_what_the_last_has_left(tmp_path: Path) -> None:
    assert last_run(tmp_path, "paper") is None
    traded(tmp_path, "1", Start(mode="paper", portfolio=LEFT))
    assert last_run(tmp_path, "paper") == "1"
    start = start_after(tmp_path, "1", is_resumed=False)
    assert start.after == "1"
    assert start.portfolio.realised_e6 > REALISED_E6
    assert start.portfolio.positions == LEFT.positions
    traded(tmp_path, "2", start)
    assert read_start(tmp_path / "runs" / "2") == start
    assert read_run(tmp_path, "2").summary["pnl_before_usd"] == start.portfolio.realised_e6 / 1e6
    assert parity(tmp_path, "2").is_same


def test_a_run_under_way_is_left_alone(tmp_path: Path) -> None:
    with RunJournal(tmp_path, "1", "") as journal:
        with (
            InputLog(journal.folder, Start(mode="paper")),
            pytest.raises(LakeError, match="run 1 is under way"),
        ):
            recover(tmp_path)
        assert journal.folder.exists()
    assert recover(tmp_path) == []
    assert not journal.folder.exists(), "it was given nothing"


UNBEGUN = """
import sys
from pathlib import Path
from hfptm.journal import RunJournal
journal = RunJournal(Path(sys.argv[1]), "1", "")
print(journal.folder, flush=True)
sys.stdin.read()
"""


def test_a_run_that_was_killed_as_it_began_leaves_nothing(tmp_path: Path) -> None:
    command = (sys.executable, "-c", UNBEGUN, str(tmp_path))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert recover(tmp_path) == []
        assert folder.exists(), "it is still under way"
        process.kill()
    assert recover(tmp_path) == []
    assert not folder.exists()


def test_a_replay_that_failed_is_left(tmp_path: Path) -> None:
    with RunJournal(tmp_path, "1", "") as journal:
        pass
    assert recover(tmp_path) == []
    assert journal.folder.exists()


def test_what_cannot_be_computed_is_said_and_left(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError):
        traded(tmp_path, "1", Start(mode="paper"), is_killed=True)
    config = tmp_path / "runs" / "1.partial" / "config.toml"
    config.write_text("[trading]\nformer_key = 1\n")
    with pytest.raises(LakeError, match=r"1\.partial cannot be computed once more.*move it away"):
        recover(tmp_path)
    assert config.exists()
