"""How long things took in runs whose every time is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hfptm.config import load
from hfptm.drive.inputs import LIVE, PAPER, Rows, Start
from hfptm.drive.order_log import ORDERS, OrderLog
from hfptm.errors import LakeError
from hfptm.journal import read_run
from hfptm.lake import Lake
from hfptm.records import EventFlag, EventKind, IntentKind
from hfptm.registry import Group, Market
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.venue.account import SignedFields
from replay.driver import Selection, replay
from replay.latencies import Latencies, Span, Step, latencies
from replay.latencies_report import latencies_table
from tests.engines import crossed_market, tape_of
from tests.kept_runs import RUN_ID, Said, fill, kept_run, on_screen
from tests.tapes import START_NS, make_market

SLUGS = ("one", "two", "three", "four", "five")
LISTED: tuple[list[Market], list[Group]] = [make_market(slug) for slug in SLUGS], []
APART_NS = 30 * NS_PER_S
FEED_MS = 7


def day() -> Rows:
    """A crossed book in each market, one after the other, on a feed of 7 ms; the last of 70."""
    tapes = [crossed_market(slug, START_NS + n * APART_NS)[:-1] for n, slug in enumerate(SLUGS)]
    rows = tape_of([row for tape in tapes for row in tape])
    rows["ts_venue_ns"] -= FEED_MS * NS_PER_MS
    rows["ts_venue_ns"][-1] -= 9 * FEED_MS * NS_PER_MS
    return rows


def slower_each_time(intent: np.void) -> list[Said]:
    """Both legs of the n-th basket are known after 100 n ms, and final two seconds later."""
    number = 1 + (int(intent["ts_ns"]) - START_NS) // APART_NS
    return fill(100 * number, int(intent["size_e6"]), int(intent["price_e4"]))


def live(data: Path) -> Latencies:
    kept_run(data, Start(mode=LIVE), day(), LISTED, exchange=slower_each_time)
    return latencies(data, RUN_ID)


def span(found: Latencies, step: Step) -> Span:
    (one,) = (one for one in found.spans if one.step == step)
    return one


def test_of_a_live_run_the_exchange_is_measured(tmp_path: Path) -> None:
    found = live(tmp_path)
    assert found.is_measured
    answer = span(found, Step.ANSWER)
    assert (answer.n, answer.p50_ms, answer.p90_ms, answer.max_ms) == (10, 300, 500, 500)
    assert span(found, Step.MATCH).p50_ms == 300
    assert span(found, Step.NOTICE).max_ms == 0
    confirm = span(found, Step.CONFIRM)
    assert (confirm.n, confirm.p50_ms, confirm.p99_ms) == (10, 2_000, 2_000)


def test_the_feed_is_that_of_frames_and_prints(tmp_path: Path) -> None:
    feed = span(live(tmp_path), Step.FEED)
    changes = 4 * len(SLUGS)  # the full book says when it last changed, not when it was sent
    assert (feed.n, feed.p50_ms, feed.max_ms) == (changes, FEED_MS, 10 * FEED_MS)


def test_it_is_told_over_time(tmp_path: Path) -> None:
    over_time = span(live(tmp_path), Step.ANSWER).over_time
    assert [(stretch.n, stretch.p50_ms) for stretch in over_time] == [
        (2, 100),
        (2, 200),
        (2, 300),
        (2, 400),
        (2, 500),
    ]
    assert over_time[0].since == "2026-04-29 02:00:00.000Z"


def test_what_is_not_kept_is_not_invented(tmp_path: Path) -> None:
    found = live(tmp_path)
    assert found.missing == {
        "sign": "nothing of it is in this run",
        "decide": found.missing["decide"],
    }
    assert "no run keeps it" in found.missing["decide"]


def test_signatures_are_dated_in_milliseconds(tmp_path: Path) -> None:
    live(tmp_path)
    run = read_run(tmp_path, RUN_ID)
    intents = run.rows("intents")
    placed = intents[intents["kind"] == IntentKind.PLACE]
    with OrderLog(run.path, ORDERS) as log:
        log.write([signed(intent, 3 + n) for n, intent in enumerate(placed[:-1])])
    sign = span(latencies(tmp_path, RUN_ID), Step.SIGN)
    assert (sign.n, sign.p50_ms, sign.max_ms) == (9, 7, 11)


def signed(intent: np.void, after_ms: int) -> Any:
    """As it is written: of all that an order is, its number and its time."""
    names = SignedFields.__struct_fields__
    at_ms = str(int(intent["ts_ns"]) // NS_PER_MS + after_ms)
    values = {name: 0 if name in ("salt", "signature_type") else "" for name in names}
    fields = SignedFields(**(values | {"timestamp": at_ms}))  # type: ignore[arg-type]
    market = SimpleNamespace(market=int(intent["market"]))
    placement = SimpleNamespace(order=int(intent["order"]), market=market)
    return SimpleNamespace(order_id="0x", placement=placement, fields=fields)


def test_of_a_paper_run_orders_are_simulated(tmp_path: Path) -> None:
    kept_run(tmp_path, Start(mode=PAPER), day(), LISTED, "sim.entry_latency_ms=40")
    found = latencies(tmp_path, RUN_ID)
    assert not found.is_measured
    assert span(found, Step.ANSWER).n == 10
    assert "dates no match" in found.missing["match"]
    assert "nothing is signed" in found.missing["sign"]
    shown = on_screen(latencies_table(found))
    assert "what it was told, nothing that was measured" in shown
    assert "decide: no run keeps it" in shown


def test_of_a_replay_the_feed_is_in_the_lake(tmp_path: Path) -> None:
    lake, rows = Lake(tmp_path), day()
    lake.write_markets("day", LISTED[0])
    lake.write_events("day", rows)
    path, _ = replay(
        tmp_path, load(None, [], {}), Selection(0, START_NS + 10 * APART_NS), lambda *_: None
    )
    found = latencies(tmp_path, path.name)
    assert (found.mode, span(found, Step.FEED).max_ms) == ("replay", 10 * FEED_MS)


def test_an_order_that_is_refused_was_answered(tmp_path: Path) -> None:
    refused = [(250, EventKind.REJECT, {"price_e4": 4})]
    kept_run(tmp_path, Start(mode=LIVE), day(), LISTED, exchange=lambda _: refused)
    found = latencies(tmp_path, RUN_ID)
    assert span(found, Step.ANSWER).p50_ms == 250
    assert {Step.MATCH, Step.NOTICE, Step.CONFIRM} <= found.missing.keys()


def test_an_unknown_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no run nowhere"):
        latencies(tmp_path, "nowhere")


def test_full_books_are_left_out() -> None:
    rows = day()
    assert (rows["flags"] & EventFlag.SNAPSHOT != 0).sum() == len(SLUGS)
