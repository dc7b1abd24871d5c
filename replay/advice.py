"""What to change, as far as the data supports it; else that it supports no change, and why.

Rules of thumb look at one figure and name a change. Here such a figure is said with its interval,
and the change is recommended only if a pass with it, over the same recording, earned more: with an
interval over events that is clear of nothing although several changes were tried
(`confidence.totals_by_event`). docs/capture.md says what is wrong with each rule. Pure.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from replay.confidence import EVENTS_MIN, Estimate, totals_by_event

CAPTURED_LEAST = 0.6
OFTEN = 0.1
"""The rules say "often"; a tenth is taken for that."""
SLOW_MS = 200


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at, under the configuration as it is; None: not measured."""

    captured: Estimate | None = None
    """Still there at arrival, of all that was displayed."""
    at_limits: Estimate | None = None
    """Refused at a limit of exposure, of all that was displayed."""
    slow: Estimate | None = None
    """Orders that are answered later than `SLOW_MS`, of all."""
    refused: Estimate | None = None
    """Refusals by the exchange, of these and all fills; its interval is over days."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A pass with one thing changed."""

    change: dict[str, tuple[str, str]]
    """Before and after, by "section.key"."""
    gains_usd: dict[int, float]
    """What it earned more than the configuration as it is, by event."""

    @property
    def name(self) -> str:
        return ", ".join(
            f"{key} {before} -> {after}" for key, (before, after) in self.change.items()
        )

    def moves(self, key: str) -> int:
        """1 if it raises a setting, -1 if it lowers it, else 0."""
        if key not in self.change:
            return 0
        before, after = map(Decimal, self.change[key])
        return 1 if after > before else -1


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    change: str
    gain_usd: Estimate
    """Its interval holds together with those of all others that were tried."""

    @property
    def is_better(self) -> bool:
        return self.gain_usd.low is not None and self.gain_usd.low > 0


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    rule: str
    """As it is told; empty for a change that no rule names."""
    figure: Estimate | None
    text: str
    change: str
    """Empty: none is supported."""


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    sentence: str
    statements: list[Statement]
    tried: list[Tried]
    """Best first."""


class _Rule(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    field: str
    """Of `Watched`."""
    threshold: float
    is_below: bool
    """It speaks up below its threshold, not above."""
    key: str
    """What it changes; empty: something that there is no setting for."""
    direction: int
    unless: str = ""
    """Why it may not be followed, whatever the figure is."""


RULES = (
    _Rule(
        text="captured below 60 %: lower min_edge",
        field="captured",
        threshold=CAPTURED_LEAST,
        is_below=True,
        key="trading.min_edge",
        direction=-1,
    ),
    _Rule(
        text="often at the limits of exposure: raise them by half",
        field="at_limits",
        threshold=OFTEN,
        is_below=False,
        key="risk.max_exposure_per_event_usd",
        direction=1,
    ),
    _Rule(
        text="often above 200 ms: make the machine faster",
        field="slow",
        threshold=OFTEN,
        is_below=False,
        key="sim.entry_latency_ms",
        direction=-1,
    ),
    _Rule(
        text="orders fail: retry them",
        field="refused",
        threshold=OFTEN,
        is_below=False,
        key="",
        direction=0,
        unless="an order that is sent again can fill twice, and one that was refused met a book "
        "that has gone: there is nothing to set",
    ),
)


def advise(watched: Watched, trials: Sequence[Trial]) -> Advice:
    """Statements for every rule, then for every other change that was tried and is better."""
    tried = judged(trials)
    best = sorted(tried, key=_least_gain, reverse=True)
    by_rule = [_by_rule(rule, watched, trials, tried) for rule in RULES]
    said = {statement.change for statement in by_rule}
    others = [_other(each) for each in best if each.is_better and each.change not in said]
    return Advice(sentence=_sentence(best), statements=[*by_rule, *others], tried=best)


def judged(trials: Sequence[Trial]) -> list[Tried]:
    """In their order; an event in which a change made no difference counts as one."""
    events = sorted({event for trial in trials for event in trial.gains_usd})
    gains = np.array([[trial.gains_usd.get(event, 0.0) for event in events] for trial in trials])
    found = totals_by_event(gains) if trials else []
    return [
        Tried(change=trial.name, gain_usd=gain) for trial, gain in zip(trials, found, strict=True)
    ]


def dollars(gain: Estimate) -> str:
    """With its interval, or that there are too few events for one."""
    if gain.low is None or gain.high is None:
        return f"{gain.value:+,.2f} $ (too few for an interval)"
    return f"{gain.value:+,.2f} $ (95 %: {gain.low:+,.2f} to {gain.high:+,.2f})"


def percent(share: Estimate) -> str:
    if share.low is None or share.high is None:
        return f"{share.value:.1%} (too few for an interval)"
    if share.low == share.high:
        return f"{share.value:.1%}"
    return f"{share.value:.1%} (95 %: {share.low:.1%} to {share.high:.1%})"


def _by_rule(
    rule: _Rule, watched: Watched, trials: Sequence[Trial], tried: Sequence[Tried]
) -> Statement:
    figure: Estimate | None = getattr(watched, rule.field)
    mine = [
        each
        for trial, each in zip(trials, tried, strict=True)
        if trial.moves(rule.key) == rule.direction != 0
    ]
    better = max((each for each in mine if each.is_better), key=_least_gain, default=None)
    if better:
        why, change = f"the change earned {dollars(better.gain_usd)} more", better.change
    else:
        why, change = f"no change: {_why_not(rule, figure, mine)}", ""
    shown = percent(figure) if figure else "not measured"
    text = f"{_NAMES[rule.field]}: {shown}; {why}"
    return Statement(rule=rule.text, figure=figure, text=text, change=change)


_NAMES: Mapping[str, str] = {
    "captured": "still there at arrival, of what was displayed",
    "at_limits": "refused at a limit of exposure, of what was displayed",
    "slow": f"orders answered later than {SLOW_MS} ms",
    "refused": "refused by the exchange, of refusals and fills",
}


def _why_not(rule: _Rule, figure: Estimate | None, mine: Sequence[Tried]) -> str:
    if rule.unless:
        return rule.unless
    if figure is None:
        return "the rule's figure was not measured"
    if figure.low is None or figure.high is None:
        return f"too few events, {EVENTS_MIN} are the least"
    speaks = figure.high < rule.threshold if rule.is_below else figure.low > rule.threshold
    silent = figure.low >= rule.threshold if rule.is_below else figure.high <= rule.threshold
    tried = "; ".join(f"{each.change}: {dollars(each.gain_usd)}" for each in mine)
    gained = f"tried on the same recording it gained nothing that is clear ({tried})"
    if speaks:
        return gained if mine else "it could not be tried"
    side = "is not beyond" if silent else "may be on either side of"
    return f"the figure {side} {rule.threshold:.0%}" + (f", and {gained}" if mine else "")


def _other(tried: Tried) -> Statement:
    text = f"tried on the same recording: {dollars(tried.gain_usd)}"
    return Statement(rule="", figure=None, text=text, change=tried.change)


def _least_gain(tried: Tried) -> float:
    low = tried.gain_usd.low
    return float("-inf") if low is None else low


def _sentence(best: Sequence[Tried]) -> str:
    better = [each for each in best if each.is_better]
    if better:
        gain = dollars(better[0].gain_usd)
        return f"Change {better[0].change}: {gain} more, with {len(best)} changes tried."
    return f"No change is supported by this data: {_no_change(best)}."


def _no_change(best: Sequence[Tried]) -> str:
    if not best:
        return "none was tried"
    if all(each.gain_usd == Estimate(0.0) for each in best):
        return f"with none of {len(best)} changes was there anything to gain or lose"
    if all(each.gain_usd.low is None for each in best):
        return f"too few events to judge one, {EVENTS_MIN} are the least"
    return f"of {len(best)} that were tried none gained anything that is clear of chance"
