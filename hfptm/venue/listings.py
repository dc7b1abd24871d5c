"""What Gamma lists, as markets and groups of the registry, with the facts to choose them by.

Sans-I/O. A market is refused, with a reason that is counted, rather than completed by a guess: an
unknown protocol version, a fee without a schedule or an off tick would make every figure of a
replay wrong. Source: exchange reference, sections 0 (versions), 5 (fees), 6 and 7 (neg-risk).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from hfptm.market_names import named_start_ns
from hfptm.opportunities import Relation
from hfptm.registry import Group, Market, group_id, market_id, problem
from hfptm.venue.gamma import EventHead, GammaEvent, GammaMarket, exact, floored, strings
from hfptm.venue.resolutions import is_over

TimeParser = Callable[[str], int]
"""An ISO time to ns since 1970, ValueError otherwise: `hfptm.clock.parse_utc_ns`, handed in since
the venue code knows no clock."""

CATEGORY_TAGS = (
    *(("esports", "esports"), ("sports", "sports"), ("crypto", "crypto")),
    *(("geopolitics", "geopolitics"), ("politics", "politics"), ("elections", "politics")),
    *(("finance", "finance"), ("economics", "economics"), ("economy", "economics")),
    *(("tech", "tech"), ("mentions", "mentions"), ("weather", "weather")),
    *(("culture", "culture"), ("pop-culture", "culture")),
)
"""(tag slug, category), the first that an event has decides: esports carry the tag of sports too,
geopolitics that of politics."""

OTHER = "other"

_CONDITION = re.compile(r"0x(?:[0-9a-f]{62}|[0-9a-f]{64})")
_SHORT_GMT = re.compile(r"[+-][0-9]{2}")


class Refusal(StrEnum):
    """Why an entry of Gamma is no market to record; also the name of its count."""

    UNREADABLE = "unreadable"
    NOT_OPEN = "not_open"
    """Not active, closed, or takes no orders (yet, or any more)."""
    BAD_CONDITION = "bad_condition"
    NO_VERSION = "no_version"
    UNKNOWN_VERSION = "unknown_version"
    NO_TOKENS = "no_tokens"
    """Not exactly two outcomes with two token ids; new markets have none for a while."""
    NO_FEE_SCHEDULE = "no_fee_schedule"
    """Fees are on, and their rate or exponent is missing or unreadable."""
    BAD_RULES = "bad_rules"
    """Tick, minimum size, end or fees are missing or impossible, or the delay of a game is."""


class Listed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market that takes orders. Facts that Gamma leaves out are 0 unless said otherwise."""

    market: Market
    group: Group | None
    event_slug: str
    series_slug: str
    start_ns: int
    """Start of the time that a windowed market is about, or of its game."""
    accepting_from_ns: int
    """Since when it has taken orders: the CLOB has no book of a market that is too new."""
    volume_24h_e6: int
    liquidity_e6: int
    series_volume_24h_e6: int | None
    """Of all markets of its series together; None if it is not said."""


class Reading(msgspec.Struct, frozen=True):
    """What an event holds."""

    listed: list[Listed]
    closed: list[GammaMarket]
    """Its markets that are over; their payouts may be known."""
    refused: Counter[str]
    """How many of its markets were refused, by `Refusal`."""


def read_event(event: GammaEvent, now_ns: int, parse_time: TimeParser) -> Reading:
    """Everything in an event that can be recorded, valid from `now_ns`."""
    refused: Counter[str] = Counter()
    refused[Refusal.UNREADABLE] = event.unreadable
    read: list[tuple[GammaMarket, Market]] = []
    for gamma_market in event.markets:
        found = _read_market(event.head, gamma_market, now_ns, parse_time)
        if isinstance(found, Refusal):
            refused[found] += 1
        else:
            read.append((gamma_market, found))
    group = _group(event, [market for _, market in read])
    listed = [_listed(event.head, market, of, group, parse_time) for market, of in read]
    closed = [market for market in event.markets if is_over(market)]
    return Reading(listed, closed, +refused)


def clob_condition(condition_id: str) -> str:
    """As the CLOB and its frames have it: Gamma's 31 bytes of protocol V2 are padded to 32."""
    return condition_id.lower().ljust(66, "0")


def _read_market(
    head: EventHead, market: GammaMarket, now_ns: int, parse_time: TimeParser
) -> Market | Refusal:
    if not is_open(market):
        return Refusal.NOT_OPEN
    if not _CONDITION.fullmatch(market.condition_id.lower()):
        return Refusal.BAD_CONDITION
    tokens = _tokens(market)
    if isinstance(tokens, Refusal):
        return tokens
    fees = _fees(market)
    if fees is None:
        return Refusal.NO_FEE_SCHEDULE
    tick_e4 = exact(market.order_price_min_tick_size, 4)
    min_size_e6 = exact(market.order_min_size, 6)
    game_delay_ms = exact(market.seconds_delay or 0, 3)
    if tick_e4 is None or min_size_e6 is None or game_delay_ms is None:
        return Refusal.BAD_RULES
    condition_id = clob_condition(market.condition_id)
    rules = Market(
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=tokens[0],
        no_token=tokens[1],
        slug=market.slug,
        question=market.question or "",
        category=category(head, market),
        group=0,
        tick_e4=tick_e4,
        min_size_e6=min_size_e6,
        fee_rate_e4=fees[0],
        fee_exponent=fees[1],
        neg_risk=bool(market.neg_risk),
        version=market.version or "",
        end_ts_ns=_time_ns(market.end_date or head.end_date, parse_time),
        valid_from_ns=now_ns,
        game_delay_ms=game_delay_ms,
        game_start_ns=_time_ns(market.game_start_time, parse_time),
    )
    return Refusal.BAD_RULES if problem(rules) else rules


def is_open(market: GammaMarket) -> bool:
    """Takes orders, as far as Gamma says."""
    is_on = market.active and market.accepting_orders and market.enable_order_book
    return bool(is_on) and not market.closed and not market.archived


def _tokens(market: GammaMarket) -> tuple[str, str] | Refusal:
    """YES and NO by index; where they stand depends on the protocol version."""
    if not market.version:
        return Refusal.NO_VERSION
    if market.version not in ("v1", "v2"):
        return Refusal.UNKNOWN_VERSION
    ids = strings(market.clob_token_ids if market.version == "v1" else market.position_ids)
    is_pair = len(ids) == len(strings(market.outcomes)) == 2
    if not is_pair or not all(token.isascii() and token.isdigit() for token in ids):
        return Refusal.NO_TOKENS
    return ids[0], ids[1]


def _fees(market: GammaMarket) -> tuple[int, int] | None:
    """rate_e4 and exponent of the taker fee; None if there is one that is not said."""
    if not market.fees_enabled:
        return 0, 1
    if market.fee_schedule is None:
        return None
    rate_e4 = exact(market.fee_schedule.rate, 4)
    exponent = exact(market.fee_schedule.exponent, 0)
    return None if rate_e4 is None or not exponent else (rate_e4, exponent)


def category(head: EventHead, market: GammaMarket) -> str:
    """From the event's tags; without a known one from the fee type ("sports_fees_v2")."""
    tags = {tag.slug for tag in head.tags or ()}
    for slug, name in CATEGORY_TAGS:
        if slug in tags:
            return name
    before, separator, _ = (market.fee_type or "").partition("_fees")
    return before if separator and before else OTHER


def _group(event: GammaEvent, markets: Sequence[Market]) -> Group | None:
    """The group of an event's open markets; None for an event of one market."""
    if len(event.markets) < 2 or not markets:
        return None
    head = event.head
    key = head.neg_risk_id or event.markets[0].neg_risk_id
    is_neg_risk = bool(key) and all(market.neg_risk for market in event.markets)
    return Group(
        group=group_id(key.lower() if key and is_neg_risk else head.slug),
        slug=head.slug,
        relation=_relation(event, markets, is_neg_risk=is_neg_risk),
        members=len(markets),
        convertible=is_neg_risk and _converts_freely(head, markets[0]),
    )


def _relation(event: GammaEvent, markets: Sequence[Market], *, is_neg_risk: bool) -> Relation:
    """How the open markets exclude each other, as far as Gamma vouches for it.

    Outcomes "by date" imply later ones, which is an order only if every end is known and another.
    A member that cannot be traded, dead or not ready, may be the one that wins.
    """
    if event.head.cumulative_markets:
        ends_ns = {market.end_ts_ns for market in markets}
        has_order = len(ends_ns) == len(markets) and 0 not in ends_ns
        return Relation.NESTED if has_order else Relation.NONE
    if not is_neg_risk:
        return Relation.NONE
    is_whole = len(markets) == len(event.markets) + event.unreadable
    if is_whole and event.head.neg_risk_augmented is False:
        return Relation.EXACTLY_ONE
    return Relation.AT_MOST_ONE


def _converts_freely(head: EventHead, market: Market) -> bool:
    """At once and without a fee; for protocol V2 nobody documents a conversion."""
    fee_bips = head.neg_risk_fee_bips
    return market.version == "v1" and (fee_bips is None or exact(fee_bips, 0) == 0)


def _listed(
    head: EventHead,
    market: GammaMarket,
    rules: Market,
    group: Group | None,
    parse_time: TimeParser,
) -> Listed:
    series = head.series[0] if head.series else None
    return Listed(
        market=msgspec.structs.replace(rules, group=group.group if group else 0),
        group=group,
        event_slug=head.slug,
        series_slug=head.series_slug or (series and series.slug) or "",
        start_ns=_start_ns(market, rules, parse_time),
        accepting_from_ns=_time_ns(market.accepting_orders_timestamp, parse_time),
        volume_24h_e6=floored(market.volume_24h, 6) or 0,
        liquidity_e6=floored(market.liquidity_num, 6) or 0,
        series_volume_24h_e6=floored(series.volume_24h, 6) if series else None,
    )


def _start_ns(market: GammaMarket, rules: Market, parse_time: TimeParser) -> int:
    """What Gamma says, else the start that the slug of an up or down market names."""
    if market.event_start_time:
        return _time_ns(market.event_start_time, parse_time)
    return named_start_ns(rules.slug, rules.end_ts_ns)


def _time_ns(text: str | None, parse_time: TimeParser) -> int:
    """Also Gamma's "2026-05-08 20:00:00+00"; 0 for none or an unreadable one."""
    if not text:
        return 0
    try:
        return parse_time(f"{text}:00" if _SHORT_GMT.fullmatch(text[-3:]) else text)
    except ValueError:
        return 0
