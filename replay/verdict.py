"""Is the best of many sets worth anything? Best sets, walk-forward, correction, one word.

Pure: results of sets by day and event in, figures out. All amounts are micro-dollars of result:
realised, locked profit, and residue at the best bids less its cost.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from replay.confidence import Estimate, totals_by_event
from replay.reality_check import ALPHA, METHOD, reality_check
from replay.sensitivity import Influence, Setting, influences

Word = Literal["edge", "no edge", "too little data"]

FIRST_DAYS = 3
"""Before the first that a winner is judged on."""
DAYS_MIN = 5
EVENTS_MIN = 20
"""In which any set gained or lost; of fewer days or events nothing is called an edge."""
BEST_SETS = 10

Amounts = npt.NDArray[np.int64]


class Results(NamedTuple):
    """A cell is one event on one day; those in which no set has a result may be left out."""

    days: tuple[str, ...]
    """All that were replayed, in order."""
    day: Amounts
    """(C,), place in `days` of each cell."""
    event: Amounts
    """(C,), lake id."""
    result_e6: Amounts
    """(S, C)"""


class Best(msgspec.Struct, frozen=True):
    """The band holds for all the best together; how many more were tried it does not know."""

    set: int
    settings: dict[str, Setting]
    result_e6: int
    low_e6: float | None
    high_e6: float | None


class Judged(msgspec.Struct, frozen=True):
    """A day, and what the set made of it that was best on the days before."""

    date: str
    set: int
    result_e6: int


class WalkForward(msgspec.Struct, frozen=True):
    days: list[Judged]
    total_e6: Estimate


class Corrected(msgspec.Struct, frozen=True):
    method: str
    tried: int
    p_value: float
    threshold_e6: float
    """What the best of so many would have to exceed."""


class Conclusion(msgspec.Struct, frozen=True):
    word: Word
    sentence: str


class Verdict(msgspec.Struct, frozen=True):
    """As `summary.json` of a sweep keeps it."""

    verdict: Conclusion
    best: list[Best]
    sensitivity: list[Influence]
    walk_forward: WalkForward
    correction: Corrected
    events: int
    """In which any set gained or lost."""


def judge(
    settings: Sequence[dict[str, Setting]], results: Results, first_days: int = FIRST_DAYS
) -> Verdict:
    """settings: of each set, the swept keys and their values. first_days: before the first that a
    winner is judged on."""
    totals = results.result_e6.sum(axis=1)
    by_event = _by_event(results)
    best = _best(settings, totals, by_event)
    walked = _walk_forward(results, first_days)
    found = reality_check(by_event, best[0].set)
    corrected = Corrected(METHOD, found.tried, found.p_value, found.threshold)
    events = by_event.shape[1]
    word, sentence = _conclude(results, best[0], walked, corrected, events)
    return Verdict(
        Conclusion(word, sentence),
        best,
        influences(settings, totals, best[0].set),
        walked,
        corrected,
        events,
    )


def _conclude(
    results: Results, best: Best, walked: WalkForward, corrected: Corrected, events: int
) -> tuple[Word, str]:
    days, tried = len(results.days), corrected.tried
    of_sets = "The set that was tried" if tried == 1 else f"The best of {tried:,} sets"
    if days < DAYS_MIN:
        return "too little data", (
            f"Days recorded: {days}. To judge a set on others than it was chosen on takes at "
            f"least {DAYS_MIN}."
        )
    if best.result_e6 <= 0:
        return (
            "no edge",
            f"{of_sets} made {_usd(best.result_e6)} in {days} days: nothing is earned.",
        )
    if events < EVENTS_MIN:
        return "too little data", (
            f"Only {events} events gave any result; {EVENTS_MIN} are the least that say anything."
        )
    made = f"{of_sets} made {_usd(best.result_e6)} in {days} days"
    if corrected.p_value >= ALPHA:
        return "no edge", (
            f"{made}, and luck alone does as well with a chance of {corrected.p_value:.1%}; "
            f"{_usd(corrected.threshold_e6)} would be more than luck."
        )
    low_e6 = walked.total_e6.low
    if low_e6 is None or low_e6 <= 0:
        return "no edge", (
            f"{made}, but winners chosen on the days before made "
            f"{_usd(walked.total_e6.value)} on the days after, which may be nothing."
        )
    return "edge", (
        f"{made}; luck alone does that with a chance of {corrected.p_value:.2%}. Chosen on the "
        f"days before alone it made {_usd(walked.total_e6.value)}, at least {_usd(low_e6)}."
    )


def _best(settings: Sequence[dict[str, Setting]], totals: Amounts, by_event: Amounts) -> list[Best]:
    """Best first; of equal ones the lower number."""
    numbers = np.argsort(-totals, kind="stable")[:BEST_SETS].tolist()
    bands = totals_by_event(by_event[numbers])
    return [
        Best(number, settings[number], int(totals[number]), band.low, band.high)
        for number, band in zip(numbers, bands, strict=True)
    ]


def _by_event(results: Results) -> Amounts:
    """(S, E), events by id."""
    events, places = np.unique(results.event, return_inverse=True)
    by_event = np.zeros((len(events), len(results.result_e6)), np.int64)
    np.add.at(by_event, places, results.result_e6.T)
    return by_event.T


def _walk_forward(results: Results, first_days: int) -> WalkForward:
    so_far_e6 = np.zeros(len(results.result_e6), np.int64)
    judged, cells = [], []
    for number, date in enumerate(results.days):
        of_day = np.flatnonzero(results.day == number)
        if number >= first_days:
            winner = int(so_far_e6.argmax())
            result_e6 = results.result_e6[winner, of_day]
            judged.append(Judged(date, winner, int(result_e6.sum())))
            cells.append((results.event[of_day], result_e6))
        so_far_e6 += results.result_e6[:, of_day].sum(axis=1)
    if not cells:
        return WalkForward([], Estimate(0.0))
    events, result_e6 = (np.concatenate(parts) for parts in zip(*cells, strict=True))
    by_event = np.zeros(len(np.unique(events)), np.int64)
    np.add.at(by_event, np.unique(events, return_inverse=True)[1], result_e6)
    return WalkForward(judged, totals_by_event(by_event)[0])


def _usd(amount_e6: float) -> str:
    sign = "-" if amount_e6 < 0 else ""
    return f"{sign}${abs(amount_e6) / 1e6:,.2f}"
