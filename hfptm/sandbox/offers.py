"""Events and markets before they are listed: everything the exchange will say about them.

Ids and tokens follow from a seed and a slug. Source: exchange reference, sections 0 (ids of both
protocols), 5 (fees) and 7 (kinds of events).
"""

import hashlib

import msgspec

from hfptm.opportunities import Relation
from hfptm.registry import Group, Market, group_id, market_id
from hfptm.sandbox.catalogue import EventTerms, MarketTerms, Tag
from hfptm.sandbox.listings import Listing, Role
from hfptm.units import NS_PER_S, ONE_E6

FEE_RATES_E4 = {
    "crypto": 700,
    "culture": 500,
    "economics": 500,
    "finance": 400,
    "geopolitics": 0,
    "politics": 400,
    "sports": 500,
    "tech": 400,
    "weather": 500,
}
"""Taker fee by category."""

TAGS = {
    "crypto": Tag(21, "Crypto", "crypto"),
    "culture": Tag(596, "Culture", "pop-culture"),
    "economics": Tag(100328, "Economy", "economy"),
    "finance": Tag(120, "Finance", "finance"),
    "geopolitics": Tag(100265, "Geopolitics", "geopolitics"),
    "politics": Tag(2, "Politics", "politics"),
    "sports": Tag(1, "Sports", "sports"),
    "tech": Tag(1401, "Tech", "tech"),
    "weather": Tag(84, "Weather", "weather"),
}

_MIN_SIZE_E6 = 5 * ONE_E6
_DATE_NS = 7 * 86_400 * NS_PER_S
"""Between the ends of nested outcomes."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When what happens to an event; 0 for what never does."""

    lists_ns: int
    opens_ns: int
    starts_ns: int = 0
    """The window begins, or the game."""
    ends_ns: int = 0
    """Takes no orders any more."""
    resolves_ns: int = 0


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One market."""

    listing: Listing
    terms: MarketTerms
    fair_e4: int
    """What a YES share is worth at first."""
    volume_e6: int
    """Traded before the sandbox began, so that filters by volume have something to tell apart."""


class EventOffer(msgspec.Struct, frozen=True, kw_only=True):
    """One event; a market that stands alone is an event of one."""

    terms: EventTerms
    group: Group | None
    times: Times
    offers: tuple[Offer, ...]


class Blueprint(msgspec.Struct, frozen=True, kw_only=True):
    """An event in short."""

    slug: str
    outcomes: tuple[tuple[str, int], ...]
    """(slug ending, opening fair value in e4); one outcome with an empty ending stands alone. Those
    of a NESTED event go from the earliest to the latest."""
    category: str
    times: Times
    end_ns: int
    """When it is scheduled to end, which need not be within anybody's patience."""
    relation: Relation = Relation.NONE
    roles: tuple[Role, ...] = ()
    """By outcome, of an augmented event whose outcomes are not all named."""
    tick_e4: int = 100
    itode_ms: int = 0
    sd_s: int = 0
    is_v2: bool = False
    is_window: bool = False
    series_slug: str = ""


def draw(seed: int, key: str, high: int) -> int:
    """A whole number below `high` that belongs to a key."""
    return int(_digest(seed, f"draw:{key}")[2:18], 16) % high


def offer_event(seed: int, plan: Blueprint) -> EventOffer:
    """The event that a blueprint stands for."""
    is_nested = plan.relation is Relation.NESTED
    is_group = plan.relation is not Relation.NONE
    neg_risk_id = "" if is_nested or not is_group else _digest(seed, plan.slug)
    group = _group(plan, neg_risk_id or plan.slug) if is_group else None
    return EventOffer(
        terms=EventTerms(
            slug=plan.slug,
            title=_title(plan.slug),
            tags=(TAGS[plan.category],),
            start_ns=plan.times.starts_ns or plan.times.opens_ns,
            end_ns=plan.end_ns,
            neg_risk_id=neg_risk_id,
            is_augmented=plan.relation is Relation.AT_MOST_ONE,
            is_cumulative=is_nested,
            series_slug=plan.series_slug,
        ),
        group=group,
        times=plan.times,
        offers=tuple(
            _offer(seed, plan, number, neg_risk_id, group.group if group else 0)
            for number in range(len(plan.outcomes))
        ),
    )


def _group(plan: Blueprint, key: str) -> Group:
    return Group(
        group=group_id(key),
        slug=plan.slug,
        relation=plan.relation,
        members=len(plan.outcomes),
        convertible=plan.relation is not Relation.NESTED,
    )


def _offer(seed: int, plan: Blueprint, number: int, neg_risk_id: str, group: int) -> Offer:
    ending, fair_e4 = plan.outcomes[number]
    slug = f"{plan.slug}-{ending}" if ending else plan.slug
    starts_ns = plan.times.starts_ns
    listing = Listing(
        market=_market(seed, slug, plan, group, number),
        event=neg_risk_id,
        role=plan.roles[number] if plan.roles else Role.NAMED,
        itode_ms=plan.itode_ms,
        sd_s=plan.sd_s,
        game_start_ns=0 if plan.is_window else starts_ns,
        clears_at_start=bool(starts_ns and not plan.is_window),
    )
    terms = MarketTerms(group_title=_title(ending))
    if plan.is_window:
        terms = MarketTerms(outcomes=("Up", "Down"), window_start_ns=starts_ns)
    # From a thousand dollars to four million, most of them small.
    volume_e6 = (1_000 << draw(seed, f"{slug}:volume", 13)) * ONE_E6
    return Offer(listing=listing, terms=terms, fair_e4=fair_e4, volume_e6=volume_e6)


def _market(seed: int, slug: str, plan: Blueprint, group: int, number: int) -> Market:
    condition_id, yes_token, no_token = (_v2_ids if plan.is_v2 else _v1_ids)(seed, slug)
    return Market(
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=yes_token,
        no_token=no_token,
        slug=slug,
        question=_title(slug) + "?",
        category=plan.category,
        group=group,
        tick_e4=plan.tick_e4,
        min_size_e6=_MIN_SIZE_E6,
        fee_rate_e4=FEE_RATES_E4[plan.category],
        fee_exponent=1,
        neg_risk=bool(group) and plan.relation is not Relation.NESTED,
        version="v2" if plan.is_v2 else "v1",
        end_ts_ns=_end_ns(plan, number),
        valid_from_ns=plan.times.starts_ns if plan.is_window else plan.times.lists_ns,
    )


def _end_ns(plan: Blueprint, number: int) -> int:
    """Outcomes by date end one after the other, which is how Gamma's readers know their order."""
    later = len(plan.outcomes) - 1 - number if plan.relation is Relation.NESTED else 0
    return plan.end_ns - later * _DATE_NS


def _v1_ids(seed: int, slug: str) -> tuple[str, str, str]:
    """Condition id and both tokens, as hashes."""
    yes, no = (str(int(_digest(seed, f"{slug}:{token}"), 16)) for token in ("yes", "no"))
    return _digest(seed, slug), yes, no


def _v2_ids(seed: int, slug: str) -> tuple[str, str, str]:
    """A position id names its condition: module, hash, arity, chain, condition, outcome."""
    position = 1 << 248 | int(_digest(seed, slug)[:34], 16) << 120 | 2 << 104 | 1 << 24
    return f"0x{position >> 8:062x}", str(position), str(position | 1)


def _title(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _digest(seed: int, key: str) -> str:
    return "0x" + hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
