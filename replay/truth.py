"""What a run made of each thing that was planted in its recording."""

from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.journal import RowKind
from hfptm.lake import Lake
from hfptm.records import EventKind, IntentKind, Side
from hfptm.sandbox.planted import Expected, Kind, Planted
from hfptm.sandbox.recording import Truth
from hfptm.units import NS_PER_MS, ONE_E6
from replay.episodes import Episode, by_decision

Rows = npt.NDArray[np.void]

DELAY_MAX_NS = 250 * NS_PER_MS
"""No frame of a sandbox recording is under way for longer."""


class Journal(Protocol):
    """Rows of a run, or of one lane of a pass."""

    def rows(self, kind: RowKind) -> Rows: ...


class Sighting(msgspec.Struct, kw_only=True):
    """One episode of the journal, with what was measured and sent."""

    kind: str
    """OpportunityKind, in lower case, as the two below."""
    slug: str
    """Of the market, or of the group."""
    begin_ns: int
    artefact: str
    """Empty if the books could be trusted."""
    reason: str
    is_confirmed: bool
    is_displayed: bool
    displayed_usd: float
    is_arrived: bool = False
    is_printed: bool = False
    legs: int = 0
    """Orders sent, one a leg."""
    legs_filled: int = 0
    """Of them, whole."""

    @property
    def is_real(self) -> bool:
        return not self.artefact


class Verdict(msgspec.Struct, kw_only=True):
    """A planted thing beside what was found of it."""

    planted: Planted
    found: list[Sighting]
    is_as_planted: bool


class Comparison(msgspec.Struct, kw_only=True):
    verdicts: list[Verdict]
    unplanted: list[Sighting]
    """What was found and not planted; any of it contradicts the truth."""
    is_as_planted: bool


def compare(truth: Truth, run: Journal, lake: Lake) -> Comparison:
    """Match everything found to what was planted, by kind, market or group, and time."""
    unplanted = sightings(run, lake)
    verdicts = []
    for planted in truth.planted:
        found = [seen for seen in unplanted if _belongs(seen, planted)]
        unplanted = [seen for seen in unplanted if seen not in found]
        verdicts.append(
            Verdict(planted=planted, found=found, is_as_planted=is_as_planted(planted, found))
        )
    agrees = not unplanted and all(verdict.is_as_planted for verdict in verdicts)
    return Comparison(verdicts=verdicts, unplanted=unplanted, is_as_planted=agrees)


def is_as_planted(planted: Planted, found: list[Sighting]) -> bool:
    """Whether a correct detector, risk check and venue would have left this.

    Legs of a basket arrive one after another, so a planted one may come and go before it stays.
    """
    real = [seen for seen in found if seen.is_real]
    if planted.expected is Expected.NOT_EXCLUSIVE:
        return not found
    if planted.expected is Expected.ARTEFACT:
        return bool(found) and not real
    displayed = [seen for seen in real if seen.is_displayed]
    if planted.expected in (Expected.BELOW_FEES, Expected.BELOW_MINIMUM):
        return bool(real) and not displayed
    return len(displayed) == 1 and _was_tried(planted, displayed[0])


def _was_tried(planted: Planted, seen: Sighting) -> bool:
    is_caught = planted.expected is Expected.CATCHABLE
    return (
        seen.reason == "taken"
        and seen.is_arrived is is_caught
        and (seen.legs_filled == seen.legs) is is_caught
        and (seen.is_printed or not planted.is_printed)
    )


def _belongs(seen: Sighting, planted: Planted) -> bool:
    late_ns = seen.begin_ns - planted.start_ts_venue_ns
    lasts_ns = planted.end_ts_venue_ns - planted.start_ts_venue_ns
    if not 0 <= late_ns <= lasts_ns + DELAY_MAX_NS:
        return False
    is_edge = planted.kind not in (Kind.HALF_BATCH, Kind.LOST_DELTA)
    kind = planted.kind.lower() if is_edge else "binary"
    return seen.kind == kind and seen.slug == planted.slug


def sightings(run: Journal, lake: Lake) -> list[Sighting]:
    """Every episode of a run, in order of its beginning."""
    slugs = {market.market: market.slug for market in lake.markets()}
    slugs |= {group.group: group.slug for group in lake.groups()}
    episodes = by_decision(run.rows("decisions"))
    fills = _Fills(run)
    found = {
        decision: _sighting(episode, slugs[episode.market], fills)
        for decision, episode in episodes.items()
    }
    for row in run.rows("outcomes"):
        seen = found[int(row["decision"])]
        seen.is_arrived, seen.is_printed = bool(row["arrived"]), bool(row["printed"])
    return list(found.values())


def _sighting(episode: Episode, slug: str, fills: "_Fills") -> Sighting:
    legs, legs_filled = fills.of_plan(episode.plan) if episode.plan else (0, 0)
    return Sighting(
        kind=episode.kind.name.lower(),
        slug=slug,
        begin_ns=episode.begin_ns,
        artefact=episode.artefact.name.lower() if episode.artefact else "",
        reason=episode.reason.name.lower(),
        is_confirmed=episode.is_confirmed,
        is_displayed=episode.is_displayed,
        displayed_usd=episode.displayed_e6 / ONE_E6,
        legs=legs,
        legs_filled=legs_filled,
    )


class _Fills:
    """Entry orders of each plan, and how much of each was filled."""

    def __init__(self, run: Journal) -> None:
        intents, reports = run.rows("intents"), run.rows("reports")
        is_entry = (intents["kind"] == IntentKind.PLACE) & (intents["side"] == Side.BID)
        self._entries = intents[is_entry]
        self._fills = reports[reports["kind"] == EventKind.FILL]

    def of_plan(self, plan: int) -> tuple[int, int]:
        """(legs, legs filled whole)."""
        entries = self._entries[self._entries["plan"] == plan]
        whole = 0
        for entry in entries:
            mine = self._fills[self._fills["aux"] == entry["order"]]
            whole += bool(mine["size_e6"].sum() >= entry["size_e6"])
        return len(entries), whole
