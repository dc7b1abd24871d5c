"""A day of a sandbox, with planted edges or without, as a lake: what `benchmarks.capture` and
`benchmarks.planted_week` are measured on.

It is lived through in the sandbox's own time, without a socket; baskets of every kind are planted
one after another in each of its lasting events, with lives drawn evenly. A line that takes 20 ms
brings its frames.
"""

import gzip
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.records import BUY, SELL, Token
from hfptm.registry import Group, Market, group_id
from hfptm.sandbox.books import print_book
from hfptm.sandbox.line import FrameRecord
from hfptm.sandbox.market_frames import Published
from hfptm.sandbox.planted import End, Kind, Planted, edge
from hfptm.sandbox.recording import Truth
from hfptm.sandbox.session import Session, Settings
from hfptm.sandbox.truth_file import read_truth
from hfptm.sandbox.universe import START_MS, make_universe
from hfptm.units import FAR_NS, NS_PER_MS, NS_PER_S, ONE_E6, PRICE_ONE_E4
from replay.importers import ImportOptions, import_paths

START_NS = START_MS * NS_PER_MS
LINE_NS = 20 * NS_PER_MS
LIFE_MS = (30, 1_500)
MARKETS, RATE = 60, 40
MIN_EDGE = 0.015
"""What all that is planted pays: 14 cents or more of a set that costs five dollars at most."""
LEAST_ORDER_E10 = ONE_E6 * PRICE_ONE_E4
"""A dollar; reference, section 3.4."""
SHOWS_WITHIN_NS = 100 * NS_PER_MS
"""All makers of a thing quote in less."""


class Day(NamedTuple):
    data: Path
    truth: Truth
    sights_ns: list[int]
    """When each planted thing came into sight; FAR_NS if it never did."""


class Plan(NamedTuple):
    """Of one day."""

    seed: int
    minutes: int
    every_s: int | None
    """From one plant of an event to its next; None: nothing is planted."""
    start_ns: int = START_NS
    ending: str = ""
    """Of every slug, where a lake holds several days: the same slug would be the same thing."""
    ends: tuple[End, ...] = (End.REQUOTE,)
    """How what is planted goes away, in turn."""


def sandbox_day(folder: Path, plan: Plan, data: Path) -> Day:
    """A day of a sandbox into the lake of `data`; in `folder` it leaves what it was made of."""
    start_ns = plan.start_ns
    groups = make_universe(plan.seed, MARKETS, start_ns=start_ns).groups
    plant = None
    if plan.every_s is not None:
        plant = folder / "plant.toml"
        plant.write_text("\n".join(_plants(groups, plan, plan.every_s)))
    session = Session(Settings(seed=plan.seed, markets=MARKETS, rate=RATE, plant=plant), start_ns)
    session.open_files()
    with gzip.open(folder / "frames.jsonl.gz", "wb", compresslevel=1) as file:
        line = _Line(session, groups, file)
        session.sandbox.advance(start_ns + plan.minutes * 60 * NS_PER_S, 0)
    session.close()
    planted = _planted(session.settings.truth)
    sights_ns = [line.sight_ns(thing) for thing in planted]
    groups_by_id = {group.group: _named_group(group, plan.ending) for group in groups}
    markets = [
        replace(market, slug=market.slug + plan.ending, group=groups_by_id[market.group].group)
        for market in line.markets
    ]
    _write(folder / "markets.jsonl", markets)
    _write(folder / "groups.jsonl", list(groups_by_id.values()))
    import_paths("frames-jsonl", [folder], ImportOptions(), Lake(data))
    named = [_named_plant(thing, plan.ending) for thing in planted]
    truth = Truth(plan.seed, start_ns, session.sandbox.now_ns, line.frames, [], named)
    return Day(data, truth, sights_ns)


def _planted(truth: Path | None) -> list[Planted]:
    told = read_truth(truth)[1] if truth else []
    return [what for what in told if isinstance(what, Planted)]


def _named_group(group: Group, ending: str) -> Group:
    slug = group.slug + ending
    is_known_by_slug = group.group == group_id(group.slug)
    return replace(group, slug=slug, group=group_id(slug) if is_known_by_slug else group.group)


def _named_plant(thing: Planted, ending: str) -> Planted:
    legs = [replace(leg, slug=leg.slug + ending) for leg in thing.legs]
    return replace(thing, slug=thing.slug + ending, legs=legs)


def _plants(groups: list[Group], plan: Plan, every_s: int) -> Iterator[str]:
    rng, ends = np.random.default_rng(plan.seed), cycle(plan.ends)
    for number, group in enumerate(groups):
        for start_s in range(2 + number, plan.minutes * 60 - 5, every_s):
            kinds = [Kind.NO_BASKET]
            if group.relation is Relation.EXACTLY_ONE:
                kinds.append(Kind.YES_BASKET)
            kind = Kind.NESTED if group.relation is Relation.NESTED else rng.choice(kinds)
            yield (
                f'[[plant]]\nkind = "{kind}"\nevent = "{group.slug}"\nstart_s = {start_s}\n'
                f"life_ms = {rng.integers(LIFE_MS[0], LIFE_MS[1] + 1)}\n"
                f"edge_usd = 0.{rng.integers(14, 21)}\nshares = {rng.integers(60, 300)}\n"
                f'ends = "{next(ends)}"\n'
            )


class _Shown(NamedTuple):
    """Best YES prices of a market at the exchange, and when they were known here."""

    ts_recv_ns: int
    market: Market
    bid_e4: int
    ask_e4: int

    def leg(self, token: Token) -> tuple[Market, Token, int]:
        cost_e4 = PRICE_ONE_E4 - self.bid_e4 if token is Token.NO else self.ask_e4
        return self.market, token, cost_e4


class _Line:
    """Brings every frame of the lasting events' markets, 20 ms after it was sent."""

    def __init__(self, session: Session, groups: list[Group], file: gzip.GzipFile) -> None:
        self.frames = 0
        self._file = file
        self._sandbox = session.sandbox
        self._last_ns = 0
        lasting = {group.group for group in groups}
        entries = [
            entry
            for entry in session.sandbox.catalogue.markets
            if entry.listed.market.group in lasting
        ]
        self.markets = [entry.listed.market for entry in entries]
        self._entries = {entry.listed.market.market: entry for entry in entries}
        self._shown: dict[str, list[_Shown]] = {market.slug: [] for market in self.markets}
        books = (print_book(entry, token).frame() for entry in entries for token in Token)
        self._deliver(session.start_ns, f"[{','.join(books)}]")
        session.feed.listeners.append(self._send)

    def _send(self, batch: list[Published]) -> None:
        entry = self._entries.get(batch[0].market)
        if entry is None:
            return
        for frame in batch:
            if not frame.is_custom:
                sent_ns = max(self._sandbox.now_ns, frame.ts_ms * NS_PER_MS)
                self._deliver(sent_ns, frame.payload.decode())
        bid_e4, ask_e4 = (entry.listed.book.published_best_e4(side) for side in (BUY, SELL))
        market = entry.listed.market
        self._shown[market.slug].append(_Shown(self._last_ns, market, bid_e4, ask_e4))

    def sight_ns(self, planted: Planted) -> int:
        """With which frame the exchange's best prices of a thing's legs first paid `MIN_EDGE`, and
        none of them cost less than the dollar that an immediate order has to spend."""
        payout_e4 = planted.net_e4 + planted.outlay_e4
        begin_ns = planted.start_ts_venue_ns + LINE_NS - SHOWS_WITHIN_NS
        end_ns = planted.end_ts_venue_ns + LINE_NS
        coming, legs = [], {}
        for leg in planted.legs:
            shown = self._shown[leg.slug]
            first, last = (bisect_left(shown, (ts_ns,)) for ts_ns in (begin_ns, end_ns))
            legs[leg.slug] = shown[max(0, first - 1)].leg(Token[leg.token])
            coming += [(change, Token[leg.token]) for change in shown[first:last]]
        for change, token in sorted(coming, key=lambda shown: shown[0].ts_recv_ns):
            legs[change.market.slug] = change.leg(token)
            found = edge(list(legs.values()), payout_e4)
            cheapest_e4 = min(cost_e4 for _, _, cost_e4 in legs.values())
            is_accepted = cheapest_e4 * planted.size_e6 >= LEAST_ORDER_E10
            if is_accepted and found.net_e4 >= MIN_EDGE * found.outlay_e4:
                return change.ts_recv_ns
        return FAR_NS

    def _deliver(self, sent_ns: int, payload: str) -> None:
        self._last_ns = max(sent_ns + LINE_NS, self._last_ns + 1)
        record = FrameRecord(self._last_ns, 1, self.frames, "ws", payload)
        self._file.write(msgspec.json.encode(record) + b"\n")
        self.frames += 1


def _write(path: Path, items: Sequence[msgspec.Struct]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(item) + b"\n" for item in items))
