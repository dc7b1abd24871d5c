"""The sandbox's markets: twelve fixed ones, and as many more of every kind as are asked for."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

from hfptm.opportunities import Relation
from hfptm.registry import Group, Market
from hfptm.sandbox.listings import Role
from hfptm.sandbox.offers import Blueprint, EventOffer, Times, draw, offer_event
from hfptm.sandbox.series import GAME_PERIOD_S, SPEED_MAX, Series
from hfptm.units import NS_PER_S, PRICE_ONE_E4

START_MS = 1_795_183_200_000
"""2026-11-20 14:00:00 UTC, when every sandbox recording begins."""

FEWEST_MARKETS = 12

_START_NS = START_MS * 1_000_000
_LASTING_NS = 90 * 86_400 * NS_PER_S
"""How far the end of events is that do not end while anybody watches."""

_ASSETS = ("btc", "eth", "sol", "xrp", "doge", "bnb", "ada", "link")
_SINGLES = (
    ("geopolitics", 10, False),
    ("tech", 100, True),
    ("weather", 25, False),
    ("finance", 50, False),
    ("economics", 1, False),
)
"""(category, tick_e4, whether it is of protocol V2) of markets that stand alone, in turns."""

_DATES_E4 = 1_200
"""Between the fair values of nested outcomes at first."""


class Universe(msgspec.Struct, frozen=True):
    """What there is at the start, and the series that go on from there."""

    seed: int
    start_ns: int
    speed: int
    events: tuple[EventOffer, ...]
    series: tuple[Series, ...]
    """Each has one round in `events`: the one that runs at `start_ns`."""

    @property
    def markets(self) -> list[Market]:
        return [offer.listing.market for event in self.events for offer in event.offers]

    @property
    def groups(self) -> list[Group]:
        return [event.group for event in self.events if event.group]

    @property
    def fairs_e4(self) -> list[int]:
        """Opening fair value of YES, by position in `markets`."""
        return [offer.fair_e4 for event in self.events for offer in event.offers]

    def members(self, group: int) -> list[int]:
        """Positions of a group's markets."""
        return [i for i, market in enumerate(self.markets) if group and market.group == group]


def make_universe(
    seed: int, markets: int = FEWEST_MARKETS, *, start_ns: int = _START_NS, speed: int = 1
) -> Universe:
    """So many markets at `start_ns`; the first twelve are the same for every seed but their ids.

    Raises ValueError for fewer than `FEWEST_MARKETS`, or a speed outside 1 to `SPEED_MAX`.
    """
    if markets < FEWEST_MARKETS:
        raise ValueError(f"markets={markets}: at least {FEWEST_MARKETS}")
    if not 1 <= speed <= SPEED_MAX:
        raise ValueError(f"speed={speed} is not between 1 and {SPEED_MAX}")
    series: list[Series] = []
    events: list[EventOffer] = []
    for part in _parts(seed, start_ns, speed):
        if isinstance(part, Series):
            event = part.round(part.round_at(start_ns))
        else:
            event = offer_event(seed, part)
        if len(event.offers) > markets:
            continue
        if isinstance(part, Series):
            series.append(part)
        events.append(event)
        markets -= len(event.offers)
        if not markets:
            break
    return Universe(seed, start_ns, speed, tuple(events), tuple(series))


def _parts(seed: int, start_ns: int, speed: int) -> Iterator[Blueprint | Series]:
    """The fixed ones first, then all kinds in turns, without end."""

    def window(asset: str, minutes: int) -> Series:
        return Series(seed=seed, name=asset, period_s=60 * minutes, speed=speed)

    def lasting(slug: str, *outcomes: tuple[str, int], **more: Any) -> Blueprint:
        times = Times(lists_ns=start_ns, opens_ns=start_ns)
        end_ns = start_ns + _LASTING_NS
        return Blueprint(slug=slug, outcomes=outcomes, times=times, end_ns=end_ns, **more)

    yield from (window(asset, 15) for asset in _ASSETS[:2])
    for fixed in _FIXED:
        yield lasting(*fixed[0], **fixed[1])
    for turn in count(1):
        asset = _ASSETS[turn - 1] if turn <= len(_ASSETS) else f"coin{turn}"
        yield window(asset, 5)
        yield Series(seed=seed, name=str(turn), period_s=GAME_PERIOD_S, speed=speed, is_game=True)
        if asset not in _ASSETS[:2]:
            yield window(asset, 15)
        yield lasting(*_election(seed, turn), relation=Relation.EXACTLY_ONE, category="politics")
        category, tick_e4, is_v2 = _SINGLES[turn % len(_SINGLES)]
        for number in (2 * turn, 2 * turn + 1):
            yield lasting(
                f"will-it-happen-{number}",
                ("", 600 + draw(seed, f"single:{number}", 8_800)),
                category=category,
                tick_e4=tick_e4,
                is_v2=is_v2,
            )
        yield lasting(*_by_dates(seed, turn), relation=Relation.NESTED, category="tech")
        yield lasting(
            f"person-of-the-year-{turn}",
            *(("first", 2_700), ("second", 2_300), ("third", 1_700)),
            *(("person-d", 800), ("other", 1_900)),
            relation=Relation.AT_MOST_ONE,
            roles=(Role.NAMED, Role.NAMED, Role.NAMED, Role.PLACEHOLDER, Role.OTHER),
            category="culture",
        )


def _election(seed: int, turn: int) -> tuple[Any, ...]:
    """Slug and four to nine candidates, the first of which lead."""
    slug = f"election-{turn}-winner"
    weights = [12, 8, *(2 + draw(seed, f"{slug}:{n}", 4) for n in range(2 + turn % 6))]
    fairs_e4 = [PRICE_ONE_E4 * weight // sum(weights) for weight in weights]
    fairs_e4[0] += PRICE_ONE_E4 - sum(fairs_e4)
    return slug, *((f"candidate-{n}", fair_e4) for n, fair_e4 in enumerate(fairs_e4, 1))


def _by_dates(seed: int, turn: int) -> tuple[Any, ...]:
    """Slug and four dates, each of which the later ones follow from."""
    slug = f"launched-{turn}-by"
    first_e4 = 800 + draw(seed, slug, 2_000)
    months = ("march", "june", "september", "december")
    return slug, *((month, first_e4 + n * _DATES_E4) for n, month in enumerate(months))


_FIXED: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    (
        ("rate-decision-december", ("cut", 3_000), ("hold", 5_500), ("hike", 1_500)),
        {"relation": Relation.EXACTLY_ONE, "category": "finance"},
    ),
    (
        (
            "next-secretary-general",
            *(("avila", 3_200), ("brandt", 2_600), ("costa", 1_900)),
            *(("diallo", 1_300), ("ek", 1_000)),
        ),
        {"relation": Relation.EXACTLY_ONE, "category": "geopolitics", "tick_e4": 10},
    ),
    (
        ("album-of-the-year", ("north", 4_600), ("south", 3_900)),
        {"relation": Relation.AT_MOST_ONE, "category": "culture"},
    ),
)
