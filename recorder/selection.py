"""Which of the listed markets are recorded: filters, priority, room, and a memory of the choice.

Pure and deterministic. A market that was chosen stays at half the volume and liquidity that a new
one needs, and a new one takes its place only with twice its volume: figures that waver do not move
the border. Short windows come before all others, and room is kept for as many as their series can
have at once, so that a window that begins throws nothing out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from enum import StrEnum

import msgspec

from hfptm import sections
from hfptm.market_names import is_named, is_short_window, names_of
from hfptm.opportunities import Relation
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.listings import Listed

STICKINESS = 2
"""How much more a new market needs than one that is recorded."""

LINGER_NS = 600 * NS_PER_S
"""How long after its end a window may wait for its resolution; they take 1 to 3 minutes."""

DEAD_NS = 7 * 86_400 * NS_PER_S
"""A market this long after its end is a zombie, whatever its listing says."""

_STAMP = re.compile(r"[0-9]{10}$")


class Refused(StrEnum):
    """Why a listed market is not recorded."""

    BLACKLISTED = "blacklisted"
    TOO_EARLY = "too_early"
    """A short window that is further ahead than it is recorded."""
    DEAD = "dead"
    LOW_VOLUME = "low_volume"
    LOW_LIQUIDITY = "low_liquidity"
    NO_ROOM = "no_room"
    NOT_LISTED = "not_listed"
    """Takes no orders any more, or is gone from the listing."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The section [discovery] in the units of `hfptm.units`."""

    categories: tuple[str, ...]
    blacklist: tuple[str, ...]
    min_volume_24h_e6: int
    min_liquidity_e6: int
    min_series_volume_24h_e6: int
    window_max_ns: int
    ahead_ns: int
    max_order_books: int


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    chosen: frozenset[int]
    """Market ids."""
    added: frozenset[int]
    removed: dict[int, Refused]
    refused: Counter[Refused]
    """Every listed market that is not chosen, counted by reason."""


class _Unit(msgspec.Struct, frozen=True, gc=False):
    """Markets that are recorded all or none."""

    members: tuple[Listed, ...]
    is_chosen: bool
    is_window: bool


def rules_of(section: sections.Discovery) -> Rules:
    return Rules(
        categories=names_of(section.prioritize_categories),
        blacklist=names_of(section.blacklisted_markets),
        min_volume_24h_e6=section.min_volume_24h_usd * ONE_E6,
        min_liquidity_e6=section.min_liquidity_usd * ONE_E6,
        min_series_volume_24h_e6=section.min_volume_24h_short_usd * ONE_E6,
        window_max_ns=section.short_window_s * NS_PER_S,
        ahead_ns=section.short_window_ahead_s * NS_PER_S,
        max_order_books=section.max_order_books,
    )


def select(listed: Mapping[int, Listed], recorded: Set[int], rules: Rules, now_ns: int) -> Choice:
    """Choose among `listed` (by market id), given what is recorded already."""
    passing: list[_Unit] = []
    reasons: dict[int, Refused] = {}
    for unit in _units(listed.values(), recorded, rules):
        reason = _refusal(unit, rules, now_ns)
        if reason is None:
            passing.append(unit)
        else:
            reasons.update((each.market.market, reason) for each in unit.members)
    chosen = _fill(passing, rules, reasons)
    gone = dict.fromkeys(recorded - listed.keys(), Refused.NOT_LISTED)
    return Choice(
        chosen=frozenset(chosen),
        added=frozenset(chosen - recorded),
        removed=gone | {id_: why for id_, why in reasons.items() if id_ in recorded},
        refused=Counter(reasons.values()),
    )


def _units(listed: Iterable[Listed], recorded: Set[int], rules: Rules) -> Iterable[_Unit]:
    """Groups whose outcomes exclude or imply each other, and all other markets alone."""
    members: dict[int, list[Listed]] = {}
    for each in listed:
        is_bound = each.group is not None and each.group.relation is not Relation.NONE
        key = each.market.group if is_bound else each.market.market
        members.setdefault(key, []).append(each)
    for found in members.values():
        yield _Unit(
            members=tuple(found),
            is_chosen=any(each.market.market in recorded for each in found),
            is_window=all(is_window(each, rules.window_max_ns) for each in found),
        )


def is_window(listed: Listed, window_max_ns: int) -> bool:
    """Whether it is a short window of an up or down series."""
    slugs = (listed.market.slug, listed.event_slug, listed.series_slug)
    return is_short_window(listed.start_ns, listed.market.end_ts_ns, window_max_ns, *slugs)


def _refusal(unit: _Unit, rules: Rules, now_ns: int) -> Refused | None:
    if rules.blacklist and any(_is_blacklisted(each, rules) for each in unit.members):
        return Refused.BLACKLISTED
    ends_ns = [each.market.end_ts_ns for each in unit.members]
    wait_ns = LINGER_NS if unit.is_window else DEAD_NS
    if all(0 < end_ns < now_ns - wait_ns for end_ns in ends_ns):
        return Refused.DEAD
    relief = STICKINESS if unit.is_chosen else 1
    if unit.is_window:
        return _window_refusal(unit.members[0], relief, rules, now_ns)
    if _volume_e6(unit) * relief < rules.min_volume_24h_e6:
        return Refused.LOW_VOLUME
    if sum(each.liquidity_e6 for each in unit.members) * relief < rules.min_liquidity_e6:
        return Refused.LOW_LIQUIDITY
    return None


def _window_refusal(window: Listed, relief: int, rules: Rules, now_ns: int) -> Refused | None:
    """By its series: a window that has not begun has neither volume nor orders."""
    if window.start_ns - rules.ahead_ns > now_ns:
        return Refused.TOO_EARLY
    volume_e6 = window.series_volume_24h_e6
    if volume_e6 is not None and volume_e6 * relief < rules.min_series_volume_24h_e6:
        return Refused.LOW_VOLUME
    return None


def _is_blacklisted(listed: Listed, rules: Rules) -> bool:
    market = listed.market
    texts = (market.slug, listed.event_slug, market.question)
    return is_named(rules.blacklist, market.condition_id, *texts)


def _fill(passing: list[_Unit], rules: Rules, reasons: dict[int, Refused]) -> set[int]:
    """Market ids by rank until there is no room; what finds none goes into `reasons`."""
    windows = [unit for unit in passing if unit.is_window]
    room = rules.max_order_books
    kept_free = max(0, _windows_at_once(windows, rules) - len(windows))
    chosen: set[int] = set()
    for unit in sorted(passing, key=lambda unit: _rank(unit, rules)):
        ids = [each.market.market for each in unit.members]
        if len(chosen) + len(ids) > room - (0 if unit.is_window else kept_free):
            reasons.update(dict.fromkeys(ids, Refused.NO_ROOM))
        else:
            chosen.update(ids)
    return chosen


def _rank(unit: _Unit, rules: Rules) -> tuple[int, int, int]:
    """Windows by start, then categories in their order; in each the larger volume first."""
    first = unit.members[0]
    market = first.market
    if unit.is_window:
        return -1, first.start_ns, market.market
    is_prior = market.category in rules.categories
    category = rules.categories.index(market.category) if is_prior else len(rules.categories)
    relief = STICKINESS if unit.is_chosen else 1
    return category, -_volume_e6(unit) * relief, market.market


def _volume_e6(unit: _Unit) -> int:
    return sum(each.volume_24h_e6 for each in unit.members)


def _windows_at_once(windows: Iterable[_Unit], rules: Rules) -> int:
    """The most windows that the series seen here have between being due and being resolved."""
    lengths_ns: dict[str, int] = {}
    for unit in windows:
        window = unit.members[0]
        series = window.series_slug or _STAMP.sub("", window.market.slug)
        lengths_ns[series] = window.market.end_ts_ns - window.start_ns
    waits_ns = rules.ahead_ns + LINGER_NS
    return sum(waits_ns // length_ns + 2 for length_ns in lengths_ns.values())
