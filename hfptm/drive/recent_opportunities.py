"""The opportunities that were displayed last, put together from journal rows."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.engine import Output
from hfptm.opportunities import Artefact, OpportunityKind, Phase, Reason
from hfptm.registry import Group, Market
from hfptm.trading_status import RECENT_MAX, OpportunityView

Rows = npt.NDArray[np.void]


class RecentOpportunities:
    """`add` what came since the last time; a burst costs by its rows as arrays do, and by
    RECENT_MAX opportunities one by one."""

    def __init__(self) -> None:
        self._views: dict[int, OpportunityView] = {}
        self._shown: set[int] = set()
        """Displayed and not ended: of those a later row is no news."""

    def views(self) -> list[OpportunityView]:
        """Newest first."""
        return list(reversed(self._views.values()))

    def add(
        self, outputs: Sequence[Output], markets: Mapping[int, Market], groups: Mapping[int, Group]
    ) -> None:
        decisions = joined([output.decisions for output in outputs])
        decisions = decisions[decisions["phase"] != Phase.ORDER]
        self._begin(decisions, markets, groups)
        self._go_on(decisions)
        self._measure(joined([output.outcomes for output in outputs]))
        for serial in list(self._views)[:-RECENT_MAX]:
            del self._views[serial]

    def _begin(
        self, decisions: Rows, markets: Mapping[int, Market], groups: Mapping[int, Group]
    ) -> None:
        shown = decisions[(decisions["phase"] != Phase.END) & (decisions["size_e6"] > 0)]
        first = shown[np.sort(np.unique(shown["decision"], return_index=True)[1])]
        new = [row for row in first["decision"].tolist() if row not in self._shown]
        latest = set(new[-RECENT_MAX:])
        for row in first[np.isin(first["decision"], list(latest))]:
            view = _begun(row, markets, groups)
            self._views[view.serial] = view
        ended = decisions["decision"][decisions["phase"] == Phase.END]
        self._shown.update(new)
        self._shown.difference_update(ended.tolist())

    def _go_on(self, decisions: Rows) -> None:
        """What became of those that are kept, as `replay.episodes` reads it."""
        rows = decisions[np.isin(decisions["decision"], list(self._views))]
        is_end = rows["phase"] == Phase.END
        for row in _last(rows[~is_end]):
            self._change(row, artefact=_artefact(row))
        for row in _last(rows[~is_end & (rows["size_e6"] > 0)]):
            self._change(row, reason=Reason(row["reason"]).name.lower())
        for row in _last(rows[~is_end & (rows["plan"] > 0)]):
            self._change(row, plan=int(row["plan"]))
        for row in _last(rows[is_end]):
            self._change(row, ended_ns=int(row["ts_ns"]))
            if row["reason"] == Reason.CONFIRMED:
                self._change(row, reason=Reason.CONFIRMED.name.lower())

    def _measure(self, outcomes: Rows) -> None:
        for row in _last(outcomes[np.isin(outcomes["decision"], list(self._views))]):
            has_arrived = bool(row["arrived"])
            self._change(
                row,
                is_measured=True,
                arrived=has_arrived,
                arrived_e6=int(row["edge_e6"]) if has_arrived else 0,
                printed=bool(row["printed"]),
                unseen=bool(row["unseen"]),
            )

    def _change(self, row: np.void, **fields: int | str | bool) -> None:
        serial = int(row["decision"])
        self._views[serial] = msgspec.structs.replace(self._views[serial], **fields)


def _begun(
    row: np.void, markets: Mapping[int, Market], groups: Mapping[int, Group]
) -> OpportunityView:
    slug, event_slug = slugs(int(row["market"]), markets, groups)
    return OpportunityView(
        serial=int(row["decision"]),
        ts_ns=int(row["ts_ns"]),
        ended_ns=0,
        kind=OpportunityKind(row["kind"]).name.lower(),
        market=int(row["market"]),
        slug=slug,
        event_slug=event_slug,
        legs=int(row["legs"]),
        size_e6=int(row["size_e6"]),
        outlay_e6=int(row["outlay_e6"]),
        displayed_e6=int(row["edge_e6"]),
        reason=Reason(row["reason"]).name.lower(),
        artefact=_artefact(row),
        plan=int(row["plan"]),
        is_measured=False,
        arrived=False,
        arrived_e6=0,
        printed=False,
        unseen=False,
    )


def slugs(
    subject: int, markets: Mapping[int, Market], groups: Mapping[int, Group]
) -> tuple[str, str]:
    """Of a market or a group, by its lake id, and of the event."""
    if subject in groups:
        return groups[subject].slug, groups[subject].slug
    market = markets[subject]
    return market.slug, groups[market.group].slug if market.group in groups else ""


def _artefact(row: np.void) -> str:
    return Artefact(row["artefact"]).name.lower() if row["artefact"] else ""


def _last(rows: Rows) -> Rows:
    """Of each decision."""
    places = np.unique(rows["decision"][::-1], return_index=True)[1]
    return rows[len(rows) - 1 - places]


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of several outputs, of one at least."""
    return np.concatenate(parts) if len(parts) > 1 else parts[0]
