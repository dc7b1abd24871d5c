"""What holds, since when, and every alert that came of it: a state that is kept across restarts."""

from collections.abc import Callable, Iterable

import msgspec

from hfptm.alerts import rules
from hfptm.alerts.bounds import Bounds, span
from hfptm.alerts.kinds import SEVERITIES, Alert, Kind, Severity
from hfptm.bulletin import Bulletin
from hfptm.redaction import redacted
from hfptm.secrets import known
from hfptm.units import NS_PER_S

ALERTS_MAX = 200
"""Kept; of older ones that nobody was told of, a message says how many there were."""

CALM_NS = 30 * NS_PER_S
"""A condition is over when it did not hold for so long."""

LONG_CALM_NS = 300 * NS_PER_S
"""The same, of conditions that come and go by nature."""

CALMS_NS = {Kind.GAPS: LONG_CALM_NS, Kind.LIMIT: LONG_CALM_NS, Kind.BREAKER: LONG_CALM_NS}


class Condition(msgspec.Struct, kw_only=True):
    """One that holds."""

    kind: Kind
    serial: int
    """Of the alert that told of it."""
    since_ns: int
    held_ns: int
    """When it last held, or not quite."""
    text: str


class State(msgspec.Struct, kw_only=True):
    """Of the rules; times UTC."""

    serial: int = 0
    """Of the last alert."""
    alerts: list[Alert] = []
    """Oldest first."""
    conditions: dict[str, Condition] = {}
    """By key."""
    run_id: str = ""
    plans: list[int] = []
    """Plans of this run that were told."""
    began_ns: int = 0
    gaps: int = 0
    """Of the program that began then."""


def look(
    state: State,
    bulletin: Bulletin,
    bounds: Bounds,
    now_ns: int,
    *,
    killed: str | None = None,
    is_orphan: bool = False,
) -> None:
    """Brings the state up to now. A program that says nothing more changes nothing but that.

    `killed`: why the kill switch is thrown; None if it is not.
    """

    def tell(kind: Kind, key: str, text: str, *, is_over: bool = False) -> Alert:
        state.serial += 1
        alert = Alert(
            serial=state.serial,
            ts_ns=now_ns,
            mode=bulletin.mode,
            name=kind,
            severity=Severity.INFO if is_over else SEVERITIES[kind],
            key=key,
            is_over=is_over,
            text=redacted(text, known()),
        )
        state.alerts = [*state.alerts[1 - ALERTS_MAX :], alert]
        return alert

    _tell_plans(state, bulletin, bounds, tell)
    death = rules.death(bulletin, bounds, now_ns, is_orphan=is_orphan)
    is_new, gaps_before = _meet(state, bulletin)
    if death or bulletin.ended or is_new:  # it says nothing of whether they still hold
        for condition in state.conditions.values():
            condition.held_ns = now_ns
    if killed is not None:
        _hold(state, [rules.killed(killed)], now_ns, tell)
    if death:
        _hold(state, [death], now_ns, tell)
    elif not bulletin.ended:
        gaps = rules.gaps(bulletin.feed, gaps_before)
        found = [*rules.conditions(bulletin, bounds), *([gaps] if gaps else [])]
        _hold(state, found, now_ns, tell)
        _release(state, now_ns, tell)


Tell = Callable[..., Alert]


def _tell_plans(state: State, bulletin: Bulletin, bounds: Bounds, tell: Tell) -> None:
    if bulletin.trading is None:
        return
    if state.run_id != bulletin.run_id:
        state.run_id, state.plans = bulletin.run_id, []
    large = rules.large_plans(bulletin.trading, bounds)
    for plan in large:
        if plan.serial not in state.plans:
            tell(Kind.TRADE, f"{Kind.TRADE}:{plan.serial}", rules.plan_text(plan, bounds))
    state.plans = [plan.serial for plan in large]


def _meet(state: State, bulletin: Bulletin) -> tuple[bool, int]:
    """Whether the program is another one than before, and its gaps when it was looked at last."""
    is_new = state.began_ns != bulletin.began_ns
    gaps_before = 0 if is_new else state.gaps
    state.began_ns, state.gaps = bulletin.began_ns, bulletin.feed.books.gaps
    return is_new, gaps_before


def _hold(state: State, found: Iterable[rules.Finding], now_ns: int, tell: Tell) -> None:
    for finding in found:
        condition = state.conditions.get(finding.key)
        if condition:
            condition.held_ns = now_ns
        elif finding.holds:
            alert = tell(finding.kind, finding.key, finding.text)
            state.conditions[finding.key] = Condition(
                kind=finding.kind,
                serial=alert.serial,
                since_ns=now_ns,
                held_ns=now_ns,
                text=alert.text,
            )


def _release(state: State, now_ns: int, tell: Tell) -> None:
    """Ends what has not held for a while, also if the clock was set back in the meantime."""
    for key, condition in list(state.conditions.items()):
        calm_ns = now_ns - condition.held_ns
        if 0 <= calm_ns < CALMS_NS.get(condition.kind, CALM_NS):
            continue
        del state.conditions[key]
        lasted = span(condition.held_ns - condition.since_ns)
        tell(condition.kind, key, f"over, after {lasted}: {condition.text}", is_over=True)
