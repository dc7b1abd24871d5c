"""What a capture analysis concludes: the curve, lives, ends, where it was, a verdict and advice.

Pure: rows of the tables of `sweep_files` in, figures out. What was not measured at arrival (the
book was not recorded) counts as neither caught nor missed. Rates have intervals over events.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import polars as pl

from hfptm.opportunities import OpportunityKind, Reason
from hfptm.units import NS_PER_S, ONE_E6
from replay.advice import Advice, Watched, advise
from replay.capture_sets import CaptureSet
from replay.capture_trials import slow_share, trials_of
from replay.confidence import Estimate, ratio_by_event, share_by_event, totals_by_event
from replay.endings import Ending
from replay.lifetimes import Lives, Survival, survival
from replay.verdict import DAYS_MIN, EVENTS_MIN, Conclusion

SIZES_USD = (10, 100, 1_000)
"""Borders of what the displayed sets cost."""

_LIMITS = [int(r) for r in (Reason.MARKET_EXPOSURE, Reason.EVENT_EXPOSURE, Reason.TOTAL_EXPOSURE)]
_CUT = [str(Ending.UNSEEN), str(Ending.OPEN)]
_HOUR_NS = 3_600 * NS_PER_S


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Of some displayed opportunities, how many were still there at arrival."""

    displayed: int
    arrived: int
    printed: int
    unseen: int
    events: int
    displayed_usd: float
    arrived_usd: float
    """May be more: a basket that is shown leg by leg grows while the order is under way."""
    kept_usd: float
    """Of it, what had been displayed."""
    count: Estimate
    """arrived over displayed, by number; without those unseen, like the next."""
    dollars: Estimate
    """kept over displayed."""


class Point(Rate, frozen=True, kw_only=True):
    """Of the curve."""

    set: int
    latency_ms: int


class Slice(Rate, frozen=True, kw_only=True):
    """Of the configuration as it is: all of one kind, category, hour (UTC) or size."""

    by: str
    name: str


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Who took those of one kind; "all" for any."""

    kind: str
    counts: dict[str, int]
    displayed_usd: dict[str, float]


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """`summary.json` of a capture analysis."""

    verdict: Conclusion
    result_usd: Estimate
    """Of the configuration as it is; as `days.result_e6`."""
    as_configured: Rate
    curve: list[Point]
    """By latency, without those at which nothing that was displayed could be measured."""
    survival: list[Survival]
    endings: list[Ends]
    slices: list[Slice]
    advice: Advice
    recorded: list[dict[str, str | int | None]]
    """What each day of the recording is worth."""
    selection: str
    """Of what, as the command's options; empty: all of the lake."""


class Tables(NamedTuple):
    """All days, as in the files of the same names; `seen_to_ns` of an opportunity that had not
    ended is when its day's recording did."""

    opportunities: pl.DataFrame
    events: pl.DataFrame
    days: pl.DataFrame


def summarise(
    sets: Sequence[CaptureSet],
    tables: Tables,
    recorded: list[dict[str, str | int | None]],
    selection: str,
) -> Findings:
    """The first set is the configuration as it is."""
    base = tables.opportunities.filter(pl.col("set") == 0)
    as_configured = rate(base)
    results = _result_usd(tables.events)
    return Findings(
        verdict=conclude(as_configured, results, tables.days["date"].n_unique()),
        result_usd=results,
        as_configured=as_configured,
        curve=sorted(_curve(sets, tables.opportunities), key=lambda point: point.latency_ms),
        survival=list(_survival(base)),
        endings=list(_endings(base)),
        slices=list(_slices(base)),
        advice=advise(
            _watched(sets, base, as_configured, tables.days), trials_of(sets, tables.events)
        ),
        recorded=recorded,
        selection=selection,
    )


def conclude(found: Rate, result_usd: Estimate, days: int) -> Conclusion:
    """In one word and one sentence, of one configuration that nobody chose among others."""
    if days < DAYS_MIN:
        return Conclusion(
            "too little data", f"A verdict takes {DAYS_MIN} days at least; this is of {days}."
        )
    if found.displayed == 0:
        return Conclusion(
            "no edge", f"In {days} days nothing paid the least edge after fees: nothing to catch."
        )
    if found.events < EVENTS_MIN or result_usd.low is None or result_usd.high is None:
        few = f"{found.events} events with something displayed are too few for a verdict"
        return Conclusion("too little data", f"{few}; {EVENTS_MIN} are the least.")
    earned = f"{result_usd.value:+,.2f} $ (95 %: {result_usd.low:+,.2f} to {result_usd.high:+,.2f})"
    told = f"As configured it earned {earned} at the simulated venue, in {found.events} events"
    if result_usd.low > 0:
        return Conclusion("edge", f"{told} and {days} days.")
    return Conclusion("no edge", f"{told} and {days} days: not clear of nothing.")


def rate(rows: pl.DataFrame) -> Rate:
    """Of rows of `sweep_files.OPPORTUNITIES`."""
    rows = rows.with_columns(kept_e6=pl.min_horizontal("arrived_e6", "displayed_e6"))
    known = rows.filter(pl.col("unseen") == 0)
    sums = ("arrived", "displayed_e6", "kept_e6")
    by_event = known.group_by("event").agg(pl.col(sums).sum(), pl.len().alias("known"))
    by_event = by_event.sort("event").cast(pl.Float64)

    def share(part: str, whole: str) -> Estimate:
        return share_by_event(by_event[part].to_list(), by_event[whole].to_list())

    return Rate(
        displayed=len(rows),
        arrived=int(rows["arrived"].sum()),
        printed=int(rows["printed"].sum()),
        unseen=int(rows["unseen"].sum()),
        events=rows["event"].n_unique(),
        displayed_usd=int(rows["displayed_e6"].sum()) / ONE_E6,
        arrived_usd=int(rows["arrived_e6"].sum()) / ONE_E6,
        kept_usd=int(rows["kept_e6"].sum()) / ONE_E6,
        count=share("arrived", "known"),
        dollars=share("kept_e6", "displayed_e6"),
    )


def _curve(sets: Sequence[CaptureSet], rows: pl.DataFrame) -> Iterator[Point]:
    for number, one in enumerate(sets):
        if one.latency_ms is None:
            continue
        found = rate(rows.filter(pl.col("set") == number))
        if found.unseen < found.displayed or not found.displayed:
            told = msgspec.structs.asdict(found)
            yield Point(set=number, latency_ms=one.latency_ms, **told)


def _survival(base: pl.DataFrame) -> Iterator[Survival]:
    for kind, rows in _by_kind(base):
        yield survival(
            kind,
            Lives(
                (rows["seen_to_ns"] - rows["displayed_ns"]).to_numpy(),
                rows["taken_by"].is_in(_CUT).to_numpy(),
                rows["event"].to_numpy(),
            ),
        )


def _endings(base: pl.DataFrame) -> Iterator[Ends]:
    for kind, rows in _by_kind(base):
        ends = rows.group_by("taken_by").agg(pl.len(), pl.col("displayed_e6").sum())
        found = {end: (count, e6) for end, count, e6 in ends.iter_rows()}
        yield Ends(
            kind=kind,
            counts={str(end): found.get(end, (0, 0))[0] for end in Ending},
            displayed_usd={str(end): found.get(end, (0, 0))[1] / ONE_E6 for end in Ending},
        )


def _by_kind(base: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """All, then each kind that was displayed."""
    if len(base):
        yield "all", base
    for kind in OpportunityKind:
        rows = base.filter(pl.col("kind") == int(kind))
        if len(rows):
            yield kind.name.lower(), rows


def _slices(base: pl.DataFrame) -> Iterator[Slice]:
    ways: dict[str, tuple[pl.Expr, Callable[[Any], str]]] = {
        "kind": (pl.col("kind"), lambda kind: OpportunityKind(kind).name.lower()),
        "category": (pl.col("category"), str),
        "hour": (pl.col("displayed_ns") // _HOUR_NS % 24, "{:02d}".format),
        "size": (_at_least_usd(), _size),
    }
    for by, (key, name) in ways.items():
        for (value,), rows in sorted(base.group_by(key.alias("key")), key=lambda found: found[0]):
            yield Slice(by=by, name=name(value), **msgspec.structs.asdict(rate(rows)))


def _at_least_usd() -> pl.Expr:
    outlay_e6 = pl.col("displayed_outlay_e6")
    return sum((pl.lit(0), *(outlay_e6 >= size_usd * ONE_E6 for size_usd in SIZES_USD)), pl.lit(0))


def _size(bucket: int) -> str:
    if bucket == 0:
        return f"below {SIZES_USD[0]:,} $"
    if bucket == len(SIZES_USD):
        return f"{SIZES_USD[-1]:,} $ or more"
    return f"{SIZES_USD[bucket - 1]:,} to {SIZES_USD[bucket]:,} $"


def _result_usd(events: pl.DataFrame) -> Estimate:
    mine = events.filter(pl.col("set") == 0).group_by("event").agg(pl.col("result_e6").sum())
    gains_e6 = mine.sort("event")["result_e6"].to_numpy()
    return totals_by_event(gains_e6 / ONE_E6)[0]


def _watched(
    sets: Sequence[CaptureSet], base: pl.DataFrame, found: Rate, days: pl.DataFrame
) -> Watched:
    at_limits = base.group_by("event").agg(
        pl.col("reason").is_in(_LIMITS).sum().alias("held"), pl.len().alias("all")
    )
    at_limits = at_limits.sort("event").cast(pl.Float64)
    mine = days.filter(pl.col("set") == 0).sort("date").cast({"rejects": pl.Float64})
    orders = mine["rejects"] + mine["fills"]
    held = share_by_event(at_limits["held"].to_list(), at_limits["all"].to_list())
    return Watched(
        captured=found.count if found.displayed else None,
        at_limits=held if found.displayed else None,
        slow=slow_share(sets[0].config),
        refused=ratio_by_event(mine["rejects"].to_list(), orders.to_list())
        if orders.sum()
        else None,
    )
