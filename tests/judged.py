"""Live runs in a data folder against what the exchange did: what does not hold."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hfptm.drive.inputs import LIVE, read_inputs
from hfptm.drive.order_log import ORDERS, OrderLine, read_orders
from hfptm.journal import read_run, run_ids
from hfptm.records import EventKind, IntentKind, Token
from hfptm.sandbox.history import TradeStatus
from hfptm.units import NS_PER_S, ONE_E6
from replay.gap import gap
from replay.parity import parity
from tests.exchange_ledger import ExchangeLedger, counted

CAPS = {
    "trading.bankroll_usd": 900,
    "trading.max_arb_size_usd": 30,
    "risk.max_exposure_per_market_usd": 60,
    "risk.max_exposure_per_event_usd": 150,
    "risk.max_exposure_total_usd": 700,
}
LATE_NS_MAX = 4 * NS_PER_S
"""A second is what the gateway allows; the rest is for a busy machine."""

FUNDS_E6 = 1_000_000 * ONE_E6


def judged(data: Path, ledger: ExchangeLedger) -> list[str]:
    """All that is wrong; nothing for a run, or several one after the other, as it should be."""
    ids = [run for run in run_ids(data) if read_run(data, run).summary["mode"] == LIVE]
    runs = [data / "runs" / run for run in ids]
    wrong = [f"not closed: {path.name}" for path in (data / "runs").glob("*.partial")]
    if ledger.open_ids():
        wrong.append(f"orders are open: {ledger.open_ids()}")
    if not wrong:
        wrong += [*_orders(runs, ledger), *_fills(runs, ledger), *_books(runs, ledger)]
        wrong += [*_caps(runs, ledger), *_stale(data, runs, ledger), *_parities(data, runs)]
        wrong += _gaps(runs)
    return wrong


def _orders(runs: Sequence[Path], ledger: ExchangeLedger) -> Iterator[str]:
    """No order twice, none that nobody journalled, and no two for one intent."""
    for order_id, times in Counter(ledger.placed).items():
        if times > 1:
            yield f"{order_id} was accepted {times} times"
    intents = [(run.name, line.order, line.order_id) for run in runs for line in _orders_of(run)]
    known = {order_id for _, _, order_id in intents}
    for order_id in set(ledger.placed) - known:
        yield f"{order_id} was accepted, and stands in no journal"
    for intent, times in Counter((run, order) for run, order, _ in intents).items():
        if times > 1:
            yield f"order {intent} was signed {times} times"
    for run in runs:
        for order in _without_end(run):
            yield f"nobody knows how order {order} of {run.name} ended"


def _stale(data: Path, runs: Sequence[Path], ledger: ExchangeLedger) -> Iterator[str]:
    """Nothing arrives that was decided long ago."""
    arrived_ns = dict(zip(ledger.placed, ledger.placed_ns, strict=True))
    for run in runs:
        intents = read_run(data, run.name).rows("intents")
        placed = intents[intents["kind"] == IntentKind.PLACE]
        decided_ns = dict(zip(placed["order"].tolist(), placed["ts_ns"].tolist(), strict=True))
        for line in _orders_of(run):
            late_ns = arrived_ns.get(line.order_id, 0) - decided_ns[line.order]
            if late_ns > LATE_NS_MAX:
                yield f"{line.order_id} arrived {late_ns / NS_PER_S:.1f} s after its decision"


def _without_end(run: Path) -> set[int]:
    ended: set[int] = set()
    for _, rows in read_inputs(run):
        is_end = np.isin(rows["kind"], [int(EventKind.DONE), int(EventKind.REJECT)])
        ended |= set(rows["aux"][is_end].tolist())
    return {line.order for line in _orders_of(run)} - ended


def _orders_of(run: Path) -> list[OrderLine]:
    return read_orders(run) if (run / ORDERS).exists() else []


def _fills(runs: Sequence[Path], ledger: ExchangeLedger) -> Iterator[str]:
    """Every fill of the exchange is in the inputs once; one that failed there or never."""
    told: Counter[tuple[str, int, int]] = Counter()
    good: Counter[tuple[str, int, int]] = Counter()
    bad: Counter[tuple[str, int, int]] = Counter()
    of_kind = {
        int(EventKind.FILL): told,
        int(EventKind.FILL_CONFIRMED): good,
        int(EventKind.FILL_FAILED): bad,
    }
    for run in runs:
        ids = {line.order: line.order_id for line in _orders_of(run)}
        for _, rows in read_inputs(run):
            for row in rows[np.isin(rows["kind"], list(of_kind))]:
                key = ids[int(row["aux"])], int(row["price_e4"]), int(row["size_e6"])
                of_kind[int(row["kind"])][key] += 1
    confirmed = counted([p for p in ledger.parts if ledger.ends[p.trade_id] != TradeStatus.FAILED])
    failed = counted([p for p in ledger.parts if ledger.ends[p.trade_id] == TradeStatus.FAILED])
    for key in good | confirmed:
        if good[key] != confirmed[key]:
            yield f"fill {key}: {confirmed[key]} at the exchange, {good[key]} confirmed here"
    for key in told | good | bad:
        if told[key] != good[key] + bad[key] or bad[key] > failed[key]:
            yield f"fill {key}: told {told[key]}, {good[key]} good, {bad[key]} of {failed[key]} bad"


def _books(runs: Sequence[Path], ledger: ExchangeLedger) -> Iterator[str]:
    """Shares to the micro-share, cash to the micro-dollar."""
    last = [run for run in runs if (run / "portfolio.json").exists()][-1]
    left = json.loads((last / "portfolio.json").read_text())
    markets = {market["market"]: market for market in left["markets"]}
    held = {
        markets[p["market"]]["yes_token" if p["token"] == Token.YES else "no_token"]: p["size_e6"]
        for p in left["positions"]
    }
    if held != ledger.shares_e6():
        yield f"shares: {held} here, {ledger.shares_e6()} at the exchange"
    cash_e6 = left["realised_e6"] - sum(p["cost_e6"] for p in left["positions"])
    more_e6 = ledger.cash_e6() - FUNDS_E6 - cash_e6
    if more_e6:
        yield f"cash: {more_e6} e-6 more at the exchange than here, of {len(ledger.parts)} fills"


def _caps(runs: Sequence[Path], ledger: ExchangeLedger) -> Iterator[str]:
    """What was held and on order, at every moment."""
    groups: dict[int, int] = {}
    for run in runs:
        for listing, _ in read_inputs(run):
            groups |= {m.market: m.group or m.market for m in listing.markets}
    market_e6, event_e6, total_e6 = (
        CAPS[f"risk.max_exposure_{name}_usd"] * ONE_E6
        for name in ("per_market", "per_event", "total")
    )
    now: dict[int, int] = {}
    for each in ledger.exposures:
        if now.get(each.market, 0) >= each.cost_e6:
            now[each.market] = each.cost_e6
            continue
        now[each.market] = each.cost_e6
        event = groups.get(each.market, each.market)
        of_event_e6 = sum(e6 for m, e6 in now.items() if groups.get(m, m) == event)
        if each.cost_e6 > market_e6:
            yield f"{each.cost_e6} e-6 in market {each.market} at {each.ts_ns}"
        if of_event_e6 > event_e6:
            yield f"{of_event_e6} e-6 in event {event} at {each.ts_ns}"
        if sum(now.values()) > total_e6:
            yield f"{sum(now.values())} e-6 in all at {each.ts_ns}"


def _parities(data: Path, runs: Sequence[Path]) -> Iterator[str]:
    for run in runs:
        if (difference := parity(data, run.name).difference) is not None:
            yield f"parity of {run.name}: {difference}"


def _gaps(runs: Sequence[Path]) -> Iterator[str]:
    """All that differs from the paper twin has a cause."""
    for run in runs:
        found = gap(run)
        if found.unexplained_e10:
            yield f"gap of {run.name}: {found.unexplained_e10} e10 without a cause"
