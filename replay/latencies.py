"""How long everything took in a run: from what it kept, and nothing that it did not keep.

Of a live run orders are answered by the exchange; of any other by the simulated venue, which says
only what it was told to (`is_measured`). Times of the exchange are compared with this machine's, so
what two clocks disagree by is in `feed`, `match` and `notice`.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.clock import format_utc, parse_utc_ns
from hfptm.drive.inputs import LIVE, SHADOW, read_inputs
from hfptm.drive.order_log import ORDERS, SHADOW_ORDERS, read_orders
from hfptm.journal import Run, read_run
from hfptm.lake import Lake
from hfptm.market_rows import is_news
from hfptm.records import EventKind, IntentKind
from hfptm.units import NS_PER_MS, NS_PER_S
from replay.reader import EventReader
from replay.run_list import REPLAY

Rows = npt.NDArray[np.void]
Times = npt.NDArray[np.int64]

STRETCHES = 12
"""Into which a run is cut at most, to see how a latency went."""
_STRETCHES_NS = tuple(seconds * NS_PER_S for seconds in (1, 10, 60, 600, 3_600, 21_600, 86_400))


class Step(StrEnum):
    FEED = "feed"
    """From the exchange's time of a frame to its receipt; of full books nothing, which say when
    they changed last."""
    SIGN = "sign"
    """From the receipt of what decided an order to its signature, in whole ms."""
    MATCH = "match"
    """From the decision to the exchange's time of the first fill."""
    NOTICE = "notice"
    """From the exchange's time of a fill to our knowing it."""
    ANSWER = "answer"
    """From the decision to the first that was heard of the order."""
    CONFIRM = "confirm"
    """From our knowing of the first fill to its trade being final."""


_OF_THE_EXCHANGE = (Step.MATCH, Step.NOTICE)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    since: str
    n: int
    p50_ms: float
    p99_ms: float


class Span(msgspec.Struct, frozen=True, kw_only=True):
    step: str
    n: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    over_time: list[Stretch]
    """By when it began; none if all began in one second."""


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    mode: str
    is_measured: bool
    """The answers to orders are the exchange's own."""
    spans: list[Span]
    missing: dict[str, str]
    """Why a step is not among them."""


class _Spans(NamedTuple):
    """Of each: when it began, and how long it took; all in ns."""

    began: Times
    took: Times


_NOTHING = _Spans(np.zeros(0, np.int64), np.zeros(0, np.int64))


def latencies(data: Path, run_id: str) -> Latencies:
    """Of a closed run. Raises LakeError if there is none of that name, or its files are damaged."""
    run = read_run(data, run_id)
    mode = run.summary.get("mode", REPLAY)
    found = {Step.FEED: _feed(data, run, mode), Step.SIGN: _signed(run)} | _orders(run)
    if mode != LIVE:
        found |= dict.fromkeys(_OF_THE_EXCHANGE, _NOTHING)
    return Latencies(
        run_id=run_id,
        mode=mode,
        is_measured=mode == LIVE,
        spans=[_span(step, found[step]) for step in Step if len(found[step].took)],
        missing={str(s): _why_not(s, mode) for s in Step if not len(found[s].took)}
        | {"decide": DECIDE},
    )


DECIDE = (
    "no run keeps it: an intent is dated by the frame that it follows from; a bulletin "
    "tells it while it runs, and `python -m benchmarks.engine` measures it"
)


def _why_not(step: Step, mode: str) -> str:
    if step is Step.SIGN and mode not in (LIVE, SHADOW):
        return "nothing is signed in such a run"
    if step in _OF_THE_EXCHANGE and mode != LIVE:
        return "the simulated venue dates no match apart from its answer"
    return "nothing of it is in this run"


def _feed(data: Path, run: Run, mode: str) -> _Spans:
    """A replay keeps no inputs, but its recording does."""
    parts = [_NOTHING]
    for rows in _replayed(data, run) if mode == REPLAY else _given(run):
        rows = rows[is_news(rows)]
        parts.append(_Spans(rows["ts_recv_ns"], rows["ts_recv_ns"] - rows["ts_venue_ns"]))
    return _Spans(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _replayed(data: Path, run: Run) -> Iterator[Rows]:
    first_ns, last_ns = (parse_utc_ns(run.summary[name]) for name in ("from", "to"))
    yield from EventReader(Lake(data), first_ns, last_ns + 1)


def _given(run: Run) -> Iterator[Rows]:
    if (run.path / "inputs.wal").exists():  # a twin's are those of its live run
        for _, rows in read_inputs(run.path):
            yield rows


def _signed(run: Run) -> _Spans:
    logs = [name for name in (ORDERS, SHADOW_ORDERS) if (run.path / name).exists()]
    signed = {
        line.order: int(line.fields.timestamp)
        for log in logs
        for line in read_orders(run.path, log)
    }
    placed = _placed(run)
    placed = placed[np.isin(placed["order"], list(signed))]
    at_ms = np.array([signed[order] for order in placed["order"].tolist()], np.int64)
    return _Spans(placed["ts_ns"], (at_ms - placed["ts_ns"] // NS_PER_MS) * NS_PER_MS)


def _orders(run: Run) -> dict[Step, _Spans]:
    placed, reports = _placed(run), run.rows("reports")
    answers = reports[(reports["kind"] >= EventKind.ACK) & (reports["kind"] != EventKind.SETTLED)]
    fills = reports[reports["kind"] == EventKind.FILL]
    final = reports[reports["kind"] == EventKind.FILL_CONFIRMED]
    known_ns = dict(zip(*_first(fills, "ts_recv_ns"), strict=True))
    order, final_ns = _first(final, "ts_recv_ns")
    began = np.array([known_ns.get(number, at) for number, at in zip(order, final_ns, strict=True)])
    return {
        Step.ANSWER: _since(placed, *_first(answers, "ts_recv_ns")),
        Step.MATCH: _since(placed, *_first(fills, "ts_venue_ns")),
        Step.NOTICE: _Spans(fills["ts_venue_ns"], fills["ts_recv_ns"] - fills["ts_venue_ns"]),
        Step.CONFIRM: _Spans(began.astype(np.int64), final_ns - began.astype(np.int64)),
    }


def _placed(run: Run) -> Rows:
    intents = run.rows("intents")
    placed: Rows = intents[intents["kind"] == IntentKind.PLACE]
    return placed


def _first(reports: Rows, name: str) -> tuple[Times, Times]:
    """Orders, sorted, and the time of the first report of each."""
    orders, places = np.unique(reports["aux"], return_index=True)
    return orders, reports[name][places]


def _since(placed: Rows, orders: Times, times_ns: Times) -> _Spans:
    """From the decision of each order that is in both."""
    placed = placed[np.argsort(placed["order"], kind="stable")]
    is_known = np.isin(orders, placed["order"])
    sent_ns = placed["ts_ns"][np.searchsorted(placed["order"], orders[is_known])]
    return _Spans(sent_ns, times_ns[is_known] - sent_ns)


def _span(step: Step, spans: _Spans) -> Span:
    p50_ms, p90_ms, p99_ms, max_ms = _percentiles_ms(spans.took, (50, 90, 99, 100))
    return Span(
        step=step,
        n=len(spans.took),
        p50_ms=p50_ms,
        p90_ms=p90_ms,
        p99_ms=p99_ms,
        max_ms=max_ms,
        over_time=list(_over_time(spans)),
    )


def _over_time(spans: _Spans) -> Iterator[Stretch]:
    lasted_ns = int(spans.began.max() - spans.began.min())
    fitting = (each for each in _STRETCHES_NS if lasted_ns <= STRETCHES * each)
    length_ns = next(fitting, lasted_ns // STRETCHES + 1)
    if lasted_ns < NS_PER_S:
        return
    stretch = spans.began // length_ns
    for number in np.unique(stretch).tolist():
        took_ns = spans.took[stretch == number]
        p50_ms, p99_ms = _percentiles_ms(took_ns, (50, 99))
        since = format_utc(number * length_ns)
        yield Stretch(since=since, n=len(took_ns), p50_ms=p50_ms, p99_ms=p99_ms)


def _percentiles_ms(took_ns: Times, percents: tuple[int, ...]) -> list[float]:
    """Of the nearest rank: a time that was measured."""
    ordered = np.sort(took_ns)
    return [float(ordered[-(-len(ordered) * p // 100) - 1]) / NS_PER_MS for p in percents]
