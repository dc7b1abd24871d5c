"""The twelve made-up markets of the sandbox: their rules, groups and opening fair values."""

import hashlib

import msgspec

from hfptm.records import Relation
from hfptm.registry import Group, Market, group_id, market_id
from hfptm.units import NS_PER_S, ONE_E6

START_MS = 1_795_183_200_000
"""2026-11-20 14:00:00 UTC, when every sandbox recording begins."""

_START_NS = START_MS * 1_000_000
_MIN_SIZE_E6 = 5 * ONE_E6


class Universe(msgspec.Struct, frozen=True):
    markets: list[Market]
    groups: list[Group]
    fairs_e4: list[int]
    """Opening fair value of YES, by position in `markets`."""

    def members(self, group: int) -> list[int]:
        """Positions of a group's markets."""
        return [i for i, market in enumerate(self.markets) if group and market.group == group]


class _Event(msgspec.Struct, frozen=True):
    slug: str
    outcomes: tuple[tuple[str, int], ...]
    """(slug ending, opening fair value in e4); one outcome with an empty ending stands alone."""
    relation: Relation
    category: str
    tick_e4: int
    fee_rate_e4: int


_EVENTS = (
    _Event("btc-updown-15m-1795183200", (("", 5_150),), Relation.NONE, "crypto", 100, 700),
    _Event("eth-updown-15m-1795183200", (("", 4_380),), Relation.NONE, "crypto", 100, 700),
    _Event(
        "rate-decision-december",
        (("cut", 3_000), ("hold", 5_500), ("hike", 1_500)),
        Relation.EXACTLY_ONE,
        "finance",
        100,
        400,
    ),
    _Event(
        "next-secretary-general",
        (("avila", 3_200), ("brandt", 2_600), ("costa", 1_900), ("diallo", 1_300), ("ek", 1_000)),
        Relation.EXACTLY_ONE,
        "geopolitics",
        10,
        0,
    ),
    _Event(
        "album-of-the-year",
        (("north", 4_600), ("south", 3_900)),
        Relation.AT_MOST_ONE,
        "culture",
        100,
        500,
    ),
)


def make_universe(seed: int) -> Universe:
    """The same markets for every seed, under condition and token ids of their own."""
    markets: list[Market] = []
    groups: list[Group] = []
    fairs_e4: list[int] = []
    for event in _EVENTS:
        is_group = event.relation is not Relation.NONE
        group = group_id(_digest(seed, event.slug)) if is_group else 0
        if is_group:
            groups.append(_group(group, event))
        for ending, fair_e4 in event.outcomes:
            slug = f"{event.slug}-{ending}" if ending else event.slug
            markets.append(_market(seed, slug, group, event))
            fairs_e4.append(fair_e4)
    return Universe(markets, groups, fairs_e4)


def _group(group: int, event: _Event) -> Group:
    return Group(
        group=group,
        slug=event.slug,
        relation=event.relation,
        members=len(event.outcomes),
        convertible=True,
    )


def _market(seed: int, slug: str, group: int, event: _Event) -> Market:
    condition_id = _digest(seed, slug)
    return Market(
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=_token(seed, slug, "yes"),
        no_token=_token(seed, slug, "no"),
        slug=slug,
        question=slug.replace("-", " ").capitalize() + "?",
        category=event.category,
        group=group,
        tick_e4=event.tick_e4,
        min_size_e6=_MIN_SIZE_E6,
        fee_rate_e4=event.fee_rate_e4,
        fee_exponent=1,
        neg_risk=bool(group),
        version="v1",
        end_ts_ns=_START_NS + 900 * NS_PER_S,
        valid_from_ns=_START_NS,
    )


def _digest(seed: int, key: str) -> str:
    return "0x" + hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def _token(seed: int, slug: str, token: str) -> str:
    return str(int(_digest(seed, f"{slug}:{token}"), 16))
