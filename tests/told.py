"""The last bulletin of a run against its journal and its summary."""

from collections import Counter
from typing import Any

from hfptm.bulletin import Bulletin
from hfptm.journal import Run
from hfptm.kernel.plans import PLAN_SHIFT
from hfptm.opportunities import Phase
from hfptm.records import EventKind, Side
from hfptm.trading_status import RECENT_MAX, Counts, Trading
from hfptm.units import ONE_E6, PRICE_ONE_E4
from replay.latencies import Step, latencies

FOUND = ("seen", "displayed", "arrived", "printed", "unseen", "confirmed")
BOOKED = (
    *("plans", "completed", "partial", "missed", "sweeps", "fills", "ghosts", "rejects"),
    *("delayed", "unknown", "completions", "unwinds", "withheld"),
)
MONEY = {
    "cash_e6": "cash_usd",
    "fees_e6": "fees_usd",
    "realised_e6": "pnl_usd",
    "locked_e6": "locked_usd",
    "residue_cost_e6": "residue_cost_usd",
    "residue_bid_e6": "residue_bid_usd",
    "realised_before_e6": "pnl_before_usd",
}
STEPS = {"order": Step.ANSWER, "confirmation": Step.CONFIRM}


def assert_told(told: Bulletin, run: Run) -> None:
    """Everything that both know is the same, to the micro-dollar."""
    assert (told.run_id, told.mode, told.ended) == (run.path.name, run.summary["mode"], "stopped")
    assert told.trading is not None
    assert_counted(told.trading, run.summary)
    assert_money(told.trading, run.summary)
    assert_opportunities(told.trading, run)
    assert_plans(told.trading, run)
    assert_timed(told, run)


def e6(usd: float) -> int:
    return round(usd * ONE_E6)


def assert_counted(trading: Trading, summary: dict[str, Any]) -> None:
    counts, kinds = trading.counts, summary["opportunities"]
    for name, kind in kinds.items():
        assert found_of(trading.kinds[name]) == {n: kind[n] for n in FOUND}
        assert trading.kinds[name].artefacts == kind["artefact"]
        assert trading.kinds[name].displayed_e6 == e6(kind["displayed_usd"])
        assert trading.kinds[name].arrived_e6 == e6(kind["arrived_usd"])
    assert found_of(counts) == {n: sum(kind[n] for kind in kinds.values()) for n in FOUND}
    assert counts.displayed_e6 == sum(e6(kind["displayed_usd"]) for kind in kinds.values())
    assert {name: getattr(counts, name) for name in BOOKED} == {n: summary[n] for n in BOOKED}
    assert counts.plans > 0 == counts.under_way
    answers = sum((Counter(kind["answers"]) for kind in kinds.values()), Counter[str]())
    assert trading.refusals == dict(answers)


def found_of(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in FOUND}


def assert_money(trading: Trading, summary: dict[str, Any]) -> None:
    money = trading.money
    assert {n: getattr(money, n) for n in MONEY} == {n: e6(summary[s]) for n, s in MONEY.items()}
    assert money.locked_payout_e6 - money.locked_e6 == e6(summary["locked_profit_usd"])
    assert money.result_e6 == money.realised_e6 + money.unrealised_e6
    cost_e6 = sum(position.cost_e6 for position in trading.positions)
    assert trading.positions_count == len(trading.positions)
    assert money.bankroll_e6 + money.realised_e6 - money.cash_e6 == cost_e6
    uses = {use.name: use for use in trading.limits}
    assert uses["max_exposure_total_usd"].used == cost_e6
    assert uses["max_exposure_per_market_usd"].used <= cost_e6


def assert_opportunities(trading: Trading, run: Run) -> None:
    rows = run.rows("decisions")
    rows = rows[(rows["phase"] != Phase.ORDER) & (rows["phase"] != Phase.END)]
    rows = rows[rows["size_e6"] > 0]
    first = {int(row["decision"]): row for row in rows[::-1]}
    shown = sorted(first.values(), key=lambda row: int(row["ts_ns"]))[-RECENT_MAX:]
    told = {view.serial: view for view in trading.opportunities}
    assert len(told) == len(shown) > 0
    for row in shown:
        view = told[int(row["decision"])]
        assert (view.ts_ns, view.market, view.displayed_e6, view.outlay_e6, view.size_e6) == tuple(
            int(row[name]) for name in ("ts_ns", "market", "edge_e6", "outlay_e6", "size_e6")
        )
    for row in run.rows("outcomes"):
        if view_of := told.get(int(row["decision"])):
            assert view_of.is_measured
            assert view_of.arrived == bool(row["arrived"])
            assert view_of.arrived_e6 == (int(row["edge_e6"]) if row["arrived"] else 0)


def assert_plans(trading: Trading, run: Run) -> None:
    decisions = run.rows("decisions")
    made = decisions[(decisions["plan"] > 0) & (decisions["phase"] != Phase.ORDER)]
    serials = list(dict.fromkeys(made["plan"].tolist()))
    assert [view.serial for view in trading.plans] == serials[::-1][:RECENT_MAX]
    ended = Counter(view.outcome for view in trading.plans)
    if len(serials) <= RECENT_MAX:
        counts = trading.counts
        by_kernel = {"completed": counts.completed, "partial": counts.partial}
        assert ended == Counter(by_kernel | {"missed": counts.missed})
    reports = run.rows("reports")
    for view in trading.plans:
        mine = reports[reports["aux"] >> PLAN_SHIFT == view.serial]
        bought = mine[(mine["kind"] == EventKind.FILL) & (mine["side"] == Side.BID)]
        failed = mine[(mine["kind"] == EventKind.FILL_FAILED) & (mine["side"] == Side.BID)]
        spent = [
            int((rows["price_e4"].astype(int) * rows["size_e6"]).sum()) / PRICE_ONE_E4
            for rows in (bought, failed)
        ]
        assert abs(view.spent_e6 - (spent[0] - spent[1])) <= len(mine)
        assert (view.outcome == "missed") == (view.spent_e6 == 0)
        assert view.result_e6 is not None


def assert_timed(told: Bulletin, run: Run) -> None:
    spans = {span.step: span for span in latencies(run.path.parents[1], run.path.name).spans}
    timed = {latency.name: latency for latency in told.latencies}
    for name, step in STEPS.items():
        assert timed[name].count == spans[step].n
    assert timed["decision"].count > 0
    assert timed["feed"].count > 0
    assert abs(timed["feed"].count - spans[Step.FEED].n) <= spans[Step.FEED].n // 2
