"""The gap between live and its twin: every trouble an exchange may make has a name and a sum."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from hfptm.drive.inputs import LIVE, PAPER, TWIN, Rows, Start
from hfptm.errors import LakeError
from hfptm.journal import partial_of, read_run
from hfptm.records import EventFlag, EventKind, IntentKind, RejectReason, Token
from hfptm.registry import Market
from hfptm.units import NS_PER_S, ONE_E6
from replay.causes import HELD_BACK, Cause
from replay.gap import Gap, gap
from replay.gap_report import gap_table
from replay.paper_run import last_run
from replay.parity import parity
from replay.twin import keep_twin, live_run, sides
from tests.engines import crossed_market, tape_of
from tests.kept_runs import RUN_ID, Exchange, Said, fill, fills_all, kept_run, on_screen
from tests.tapes import START_NS, make_market

SLUGS = ("one", "two", "three")
APART_NS = 30 * NS_PER_S


def day() -> tuple[Rows, list[Market]]:
    """A crossed book in each of three markets, one after the other, resolved 20 s later."""
    rows = tape_of(
        [
            row
            for place, slug in enumerate(SLUGS)
            for row in crossed_market(slug, START_NS + place * APART_NS)
        ]
    )
    for name in ("ts_recv_ns", "ts_venue_ns"):
        rows[name][rows["kind"] == EventKind.STATE] += 20 * NS_PER_S
    return rows, [make_market(slug) for slug in SLUGS]


def gap_of(data: Path, exchange: Exchange, *overrides: str) -> Gap:
    tape, markets = day()
    kept_run(data, Start(mode=LIVE), tape, (markets, []), *overrides, exchange=exchange)
    assert parity(data, RUN_ID).difference is None
    found = gap(live_run(data, None))
    assert found.unexplained_e10 == 0
    assert sum(found.causes.values()) == found.live_e10 - found.twin_e10
    for plan in found.plans:
        assert sum(plan.causes.values()) == plan.live_e10 - plan.twin_e10
    return found


def test_an_exchange_like_the_simulated_one_leaves_no_gap(tmp_path: Path) -> None:
    found = gap_of(tmp_path, fills_all)
    assert (len(found.plans), found.same_plans) == (3, 3)
    assert found.live_e10 == found.twin_e10 > 0
    assert found.causes == {}
    pnl_usd = read_run(tmp_path, RUN_ID).summary["pnl_usd"]
    assert found.live_e10 == round(pnl_usd * ONE_E6) * 10_000, "all three have resolved"


def test_what_an_order_changed_is_its_own(tmp_path: Path) -> None:
    """Neither what another's report, nor what a resolution in between has changed."""
    gap_of(tmp_path, fills_all)
    found = sides(live_run(tmp_path, RUN_ID))
    for side in (found.live, found.twin):
        assert len(side.orders) == 6
        for order in side.orders.values():
            assert order.shares_e6 == {(order.market, order.token): order.filled_e6}
            assert order.cash_e6 < -order.filled_e6 * order.price_e4 // 10_000
        assert sum(side.others.shares_e6.values()) == -6 * 100 * ONE_E6, "all were paid"
        assert side.others.cash_e6 == 3 * 100 * ONE_E6


def test_the_twin_is_a_run_too(tmp_path: Path) -> None:
    """It keeps no inputs of its own, and comes out again from those of the live run."""
    found = gap_of(tmp_path, refuses(RejectReason.REFUSED))
    for _ in range(2):
        keep_twin(tmp_path, live_run(tmp_path, RUN_ID))
    twin = read_run(tmp_path, f"{RUN_ID}-twin")
    assert twin.summary["mode"] == TWIN
    assert found.twin_e10 == round(twin.summary["pnl_usd"] * ONE_E6) * 10_000 > 0
    assert parity(tmp_path, twin.path.name).difference is None
    kinds = set(twin.rows("intents")["kind"].tolist())
    assert kinds == {IntentKind.PLACE, IntentKind.OBSERVE}, "it holds what live would hold"
    assert live_run(tmp_path, None).name == RUN_ID
    assert last_run(tmp_path, LIVE) == RUN_ID
    with pytest.raises(LakeError, match="is a twin run"):
        gap(twin.path)


def test_a_run_under_way_can_be_looked_at(tmp_path: Path) -> None:
    """Up to what is written of it, and nothing is kept."""
    gap_of(tmp_path, fills_all)
    whole = tmp_path / "runs" / RUN_ID
    partial = partial_of(whole)
    whole.rename(partial)
    for name in ("summary.json", "portfolio.json"):
        (partial / name).unlink()
    assert live_run(tmp_path, None) == live_run(tmp_path, RUN_ID) == partial
    assert gap(partial).unexplained_e10 == 0
    keep_twin(tmp_path, partial)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [partial.name]


class Trouble(NamedTuple):
    """What the exchange does to the NO leg in the second market."""

    cause: Cause
    says: Callable[[np.void], list[Said]]


def refuses(reason: RejectReason) -> Callable[[np.void], list[Said]]:
    return lambda _: [(50, EventKind.REJECT, {"price_e4": reason})]


def cheaper(intent: np.void) -> list[Said]:
    return fill(100, int(intent["size_e6"]), int(intent["price_e4"]) - 100)


def half(intent: np.void) -> list[Said]:
    return fill(100, int(intent["size_e6"]) // 2, int(intent["price_e4"]))


def half_and_cheaper(intent: np.void) -> list[Said]:
    return fill(100, int(intent["size_e6"]) // 2, int(intent["price_e4"]) - 100)


def ghost(intent: np.void) -> list[Said]:
    return fill(100, int(intent["size_e6"]), int(intent["price_e4"]), fails=True)


def late(intent: np.void) -> list[Said]:
    size_e6, price_e4 = int(intent["size_e6"]) // 2, int(intent["price_e4"])
    return [(300, EventKind.UNKNOWN, {}), *fill(900, size_e6, price_e4)]


def resting(intent: np.void) -> list[Said]:
    """It pays no fee."""
    return [
        (after_ms, kind, {**shares, "flags": EventFlag.MAKER})
        for after_ms, kind, shares in fills_all(intent)
    ]


TROUBLES = [
    Trouble(Cause.NOT_SENT, refuses(RejectReason.NOT_SENT)),
    Trouble(Cause.REJECTED, refuses(RejectReason.REFUSED)),
    Trouble(Cause.REJECTED, refuses(RejectReason.NO_MATCH)),
    Trouble(Cause.PRICE, cheaper),
    Trouble(Cause.SIZE, half),
    Trouble(Cause.GHOST, ghost),
    Trouble(Cause.UNKNOWN, late),
    Trouble(Cause.CASH, resting),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.says.__name__)
def test_each_trouble_is_a_cause(trouble: Trouble, tmp_path: Path) -> None:
    _, second, _ = day()[1]

    def exchange(intent: np.void) -> list[Said]:
        is_meant = intent["market"] == second.market and intent["token"] == Token.NO
        return trouble.says(intent) if is_meant and intent["order"] & 3 == 0 else fills_all(intent)

    found = gap_of(tmp_path, exchange)
    (plan,) = [plan for plan in found.plans if plan.causes]
    assert plan.market == "two"
    (entry,) = [o for o in plan.orders if o.attempt == 0 and o.causes]
    assert set(entry.causes) == {trouble.cause}
    assert found.same_plans == 2
    assert found.causes.keys() >= {trouble.cause}
    assert "two" in on_screen(gap_table(found))


def test_both_fewer_and_cheaper_are_told_apart(tmp_path: Path) -> None:
    """50 shares at a cent less, of 100: their cent, and what the 50 others would have brought."""
    found = gap_of(tmp_path, lambda i: half_and_cheaper(i) if i["token"] else fills_all(i))
    entry = next(o for o in found.plans[0].orders if o.attempt == 0 and o.token == "no")
    assert entry.causes.keys() == {Cause.PRICE, Cause.SIZE}
    assert entry.live is not None
    assert entry.twin is not None
    assert sum(entry.causes.values()) == entry.live.worth_e10 - entry.twin.worth_e10
    assert 0.5 * 10**10 <= entry.causes[Cause.PRICE] < 0.6 * 10**10, "and a little of the fee"


def test_a_plan_that_only_one_made_says_why(tmp_path: Path) -> None:
    """The exchange refuses everything: live pauses after the first, the twin goes on."""
    pause = ("risk.max_consecutive_failures=1", "risk.failure_pause_s=3600")
    found = gap_of(tmp_path, refuses(RejectReason.REFUSED), *pause)
    assert [(plan.live_plan > 0, plan.twin_plan > 0) for plan in found.plans] == [
        (True, True),
        (False, True),
        (False, True),
    ]
    assert [set(plan.causes) for plan in found.plans[1:]] == 2 * [{f"{HELD_BACK}failures"}]
    assert "held back: in a pause after failures in a row" in on_screen(gap_table(found))


def test_latencies_are_those_of_the_answers(tmp_path: Path) -> None:
    found = gap_of(tmp_path, fills_all, "sim.entry_latency_ms=70", "sim.response_latency_ms=30")
    assert set(found.measured.values()) == {100_000_000}
    assert found.configured["p50"] <= min(found.simulated.values())


@examples(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draws=st.lists(st.sampled_from([t.says for t in TROUBLES] + [fills_all]), max_size=12))
def test_whatever_the_exchange_does_the_sums_are_exact(
    draws: list[Callable[[np.void], list[Said]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    left = list(draws)

    def exchange(intent: np.void) -> list[Said]:
        return left.pop(0)(intent) if left else fills_all(intent)

    gap_of(tmp_path_factory.mktemp("gap"), exchange)


def test_only_a_live_run_has_a_twin(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="`hfptm live` makes one"):
        live_run(tmp_path, None)
    tape, markets = day()
    kept_run(tmp_path, Start(mode=PAPER), tape, (markets, []))
    with pytest.raises(LakeError, match="only a live run has a paper twin"):
        gap(live_run(tmp_path, RUN_ID))


def test_two_opportunities_of_one_instant_are_two(tmp_path: Path) -> None:
    """After a pause of the machine all rows come at once: seen, gone and seen again."""
    tape, markets = day()
    first = tape[tape["market"] == markets[0].market][:-1]
    again = first[3:4].copy()
    again["ts_venue_ns"] += NS_PER_S
    rows = np.concatenate([first, again])
    rows["ts_recv_ns"] = START_NS + 5 * NS_PER_S
    exchange = refuses(RejectReason.REFUSED)
    kept_run(tmp_path, Start(mode=LIVE), rows, (markets, []), exchange=exchange)
    found = gap(live_run(tmp_path, RUN_ID))
    assert [(plan.live_plan, plan.twin_plan) for plan in found.plans] == [(1, 1), (2, 2)]
    assert found.unexplained_e10 == 0
