"""What comes round: up or down windows of five and fifteen minutes, and games, by number.

Source: exchange reference, section 6 (up/down series) and 3.6 (delays).
"""

import msgspec

from hfptm.opportunities import Relation
from hfptm.sandbox.offers import Blueprint, EventOffer, Times, draw, offer_event
from hfptm.units import NS_PER_S, PRICE_ONE_E4

SPEED_MAX = 100
"""A window of five minutes then lasts three seconds; names of windows have whole ones."""

WINDOW_ITODE_MS = 150
"""Taker delay of five-minute windows; the protocol's, so no speed shortens it."""

GAME_SD_S = 1
GAME_PERIOD_S = 3 * 3_600
_RESOLVES_S = (53, 153)
"""How long after its end a window resolves."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Endless rounds, one after the other; times are by the exchange's clock.

    `speed` shortens what is the world's: windows, leads, how long a resolution takes.
    """

    seed: int
    name: str
    """An asset, or a league's number."""
    period_s: int
    speed: int
    is_game: bool = False

    @property
    def period_ns(self) -> int:
        return self.period_s * NS_PER_S // self.speed

    def round_at(self, ts_ns: int) -> int:
        """The number of the round that a time falls into: periods since 1970."""
        return ts_ns // self.period_ns

    def round(self, number: int) -> EventOffer:
        """Everything about one round."""
        return offer_event(self.seed, (self._game if self.is_game else self._window)(number))

    def lists_ns(self, number: int) -> int:
        """Listed before the round before it is half over, so that there is always a next one."""
        return number * self.period_ns - self.period_ns * 3 // 2

    def _window(self, number: int) -> Blueprint:
        starts_ns = number * self.period_ns
        ends_ns = starts_ns + self.period_ns
        minutes = f"{self.period_s // 60}m"
        slug = f"{self.name}-updown-{minutes}-{starts_ns // NS_PER_S}"
        low_s, high_s = _RESOLVES_S
        after_s = low_s + draw(self.seed, f"{slug}:resolves", high_s - low_s)
        return Blueprint(
            slug=slug,
            outcomes=(("", PRICE_ONE_E4 // 2),),
            category="crypto",
            times=Times(
                lists_ns=self.lists_ns(number),
                opens_ns=self.lists_ns(number) + self.period_ns // 10,
                starts_ns=starts_ns,
                ends_ns=ends_ns,
                resolves_ns=ends_ns + after_s * NS_PER_S // self.speed,
            ),
            end_ns=ends_ns,
            itode_ms=WINDOW_ITODE_MS if self.period_s == 300 else 0,
            is_window=True,
            series_slug=f"{self.name}-up-or-down-{minutes}",
        )

    def _game(self, number: int) -> Blueprint:
        """Home, draw, away: the game takes the second and third quarter of its round."""
        begins_ns, quarter_ns = number * self.period_ns, self.period_ns // 4
        starts_ns = begins_ns + quarter_ns
        slug = f"league-{self.name}-match-{starts_ns // NS_PER_S}"
        home_e4 = 2_500 + 100 * draw(self.seed, f"{slug}:home", 25)
        outcomes = (("home", home_e4), ("draw", 2_500), ("away", PRICE_ONE_E4 - 2_500 - home_e4))
        return Blueprint(
            slug=slug,
            outcomes=outcomes,
            category="sports",
            times=Times(
                lists_ns=self.lists_ns(number),
                opens_ns=self.lists_ns(number) + self.period_ns // 10,
                starts_ns=starts_ns,
                ends_ns=begins_ns + 3 * quarter_ns,
                resolves_ns=begins_ns + 3 * quarter_ns + quarter_ns // 10,
            ),
            end_ns=begins_ns + 3 * quarter_ns,
            relation=Relation.EXACTLY_ONE,
            sd_s=GAME_SD_S,
            series_slug=f"league-{self.name}",
        )
