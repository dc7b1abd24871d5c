"""What an event's shares are worth as time passes: random walks that keep its outcomes consistent.

In integers, so that they are the same on every machine. An up or down window is a bet on whether a
Brownian path ends above where it began: Phi(path / sqrt(time left)), which ends at 0 or 1.
"""

from math import isqrt
from statistics import NormalDist

from hfptm.opportunities import Relation
from hfptm.sandbox.draws import Draws
from hfptm.sandbox.offers import EventOffer
from hfptm.sandbox.quoter import Quoter
from hfptm.units import NS_PER_S, PRICE_ONE_E4

LASTING_E4 = 60
"""Standard deviation of a lasting market's fair value after a minute of the world's time."""

LOW_E4, HIGH_E4 = 60, 9_800
"""Where fair values outside windows stay."""

NESTED_GAP_E4 = 300
"""Fair values of nested outcomes stay so far apart."""

_MINUTE_NS = 60 * NS_PER_S
_Q = 1 << 10
"""Scale of normal variates."""

_NORMAL = NormalDist()
_VARIATES = [round(_NORMAL.inv_cdf((i + 0.5) / 257) * _Q) for i in range(257)]
_PHI_STEP = _Q // 32
_PHI_END = 4 * _Q
_PHI_E4 = [round(_NORMAL.cdf(x / _Q) * PRICE_ONE_E4) for x in range(-_PHI_END, _PHI_END + 64, 32)]
"""By 32nds of a standard deviation, from -4 on."""


def phi_e4(x: int) -> int:
    """The normal distribution at x / 1024, in e4."""
    index, part = divmod(max(-_PHI_END, min(_PHI_END, x)) + _PHI_END, _PHI_STEP)
    low_e4 = _PHI_E4[index]
    return low_e4 + (_PHI_E4[index + 1] - low_e4) * part // _PHI_STEP


class FairValues:
    """Of the quoters of one event, in the order of its offers."""

    def __init__(
        self, event: EventOffer, quoters: list[Quoter], draws: Draws, speed: int, ts_ns: int
    ) -> None:
        self._relation = event.group.relation if event.group else Relation.NONE
        self._times = event.times
        self._is_window = bool(event.offers[0].terms.window_start_ns)
        self._quoters, self._draws, self._speed = quoters, draws, speed
        self._moved_ns = [max(ts_ns, event.times.starts_ns if self._is_window else 0)] * len(
            quoters
        )
        self._exact_e4 = [quoter.fair_e4 << 16 for quoter in quoters]
        """In 65,536ths, so that small steps add up."""
        self._path = 0
        """Of a window, in standard deviations of its whole length / 2**20."""

    def move(self, index: int, ts_ns: int) -> None:
        """Let time pass at one market; what it gains, one that it excludes gives."""
        passed_ns = ts_ns - self._moved_ns[index]
        if passed_ns <= 0:
            return
        self._moved_ns[index] = ts_ns
        if self._is_window:
            self._move_window(ts_ns, passed_ns)
            return
        root = isqrt((passed_ns * self._speed << 40) // _MINUTE_NS)
        step = self._draws.quantile(_VARIATES) * root * LASTING_E4 >> 14
        moves = {index: step}
        if self._relation in (Relation.EXACTLY_ONE, Relation.AT_MOST_ONE):
            other = (index + 1 + self._draws.below(len(self._quoters) - 1)) % len(self._quoters)
            moves[other] = -step
        if all(self._may_be(i, self._exact(i) + move) for i, move in moves.items()):
            for i, move in moves.items():
                self._exact_e4[i] = self._exact(i) + move
                self._quoters[i].fair_e4 = self._exact_e4[i] >> 16

    def _exact(self, index: int) -> int:
        """What it was last, or what somebody else has made of it since."""
        fair_e4 = self._quoters[index].fair_e4
        exact = self._exact_e4[index]
        return exact if exact >> 16 == fair_e4 else fair_e4 << 16

    def _may_be(self, index: int, exact: int) -> bool:
        low_e4, high_e4 = LOW_E4, HIGH_E4
        if self._relation is Relation.NESTED:
            if index:
                low_e4 = self._quoters[index - 1].fair_e4 + NESTED_GAP_E4
            if index + 1 < len(self._quoters):
                high_e4 = self._quoters[index + 1].fair_e4 - NESTED_GAP_E4
        return low_e4 <= exact >> 16 <= high_e4

    def _move_window(self, ts_ns: int, passed_ns: int) -> None:
        times = self._times
        length_ns = times.ends_ns - times.starts_ns
        step = self._draws.quantile(_VARIATES) * isqrt((passed_ns << 40) // length_ns)
        self._path += step // _Q
        left = isqrt((max(times.ends_ns - ts_ns, 0) << 40) // length_ns)
        self._quoters[0].fair_e4 = phi_e4(self._path * _Q // max(left, 1))

    def payouts_e4(self) -> list[int]:
        """What each YES share pays in the end: as likely as it was worth by then."""
        fairs_e4 = [quoter.fair_e4 for quoter in self._quoters]
        if len(fairs_e4) == 1:
            wins = [self._draws.below(PRICE_ONE_E4) < fairs_e4[0]]
        else:
            place = self._draws.below(sum(fairs_e4))
            wins = [
                sum(fairs_e4[:i]) <= place < sum(fairs_e4[: i + 1]) for i in range(len(fairs_e4))
            ]
        return [PRICE_ONE_E4 if is_won else 0 for is_won in wins]
