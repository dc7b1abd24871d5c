"""Two connections that lose, delay and repeat frames, against what was sent."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hfptm.normaliser.normaliser import Normaliser
from hfptm.raw import RawKind
from hfptm.records import EventKind
from tests.wire import TS_MS, YES, change, frame, make_market

MS = 1_000_000
PRICES = ["0.1", "0.2", "0.3", "0.4"]
Book = dict[tuple[int, int], int]
Levels = list[tuple[int, int]]
"""(index into PRICES, shares)."""


class Action(NamedTuple):
    """What happens at the exchange in one millisecond: frames of one level each, or a trade."""

    levels: Levels
    is_trade: bool


class Arrival(NamedTuple):
    """`action`: its index; of a book, of the last action that is in it; -1 for link changes."""

    at_ns: int
    connection: int
    kind: RawKind
    payload: bytes
    action: int = -1
    levels: tuple[tuple[int, int], ...] = ()
    is_book: bool = False


class Line(NamedTuple):
    """One connection after the other."""

    cuts: list[int]
    """The actions before which it reconnects; the first: before which it connects."""
    down: int
    """How many actions a reconnection takes."""
    fates: dict[int, str]
    """Of the k-th frame meant for it: 'lost', 'twice' or 'stall'."""
    lag_ms: int


def scenario(seed: int, fates: list[str]) -> tuple[list[Action], list[Line]]:
    """Few levels and much trouble, so that late frames meet newer ones of the same level."""
    rng = np.random.default_rng(seed)
    actions = []
    for _ in range(30):
        levels = rng.choice(len(PRICES), rng.integers(1, 3), replace=False)
        sizes = rng.integers(0, 9, len(levels))
        actions.append(
            Action([*zip(levels.tolist(), sizes.tolist(), strict=True)], rng.random() < 0.1)
        )
    return actions, [line(rng, fates) for _ in range(2)]


def line(rng: np.random.Generator, fates: list[str]) -> Line:
    cuts = {int(rng.integers(0, 3)), *rng.integers(5, 30, rng.integers(0, 3)).tolist()}
    trouble = rng.random(60) < 0.3
    chosen = {k: str(rng.choice(fates)) for k in np.flatnonzero(trouble).tolist()}
    return Line(sorted(cuts), int(rng.integers(0, 4)), chosen, int(rng.integers(0, 40)))


SEEDS = st.integers(0, 1 << 32)


def ts_ms(index: int) -> int:
    return TS_MS + 10 * index


def state_after(actions: list[Action], index: int) -> dict[int, int]:
    book: dict[int, int] = {}
    for action in actions[: index + 1]:
        if not action.is_trade:
            book.update(action.levels)
    return {level: size for level, size in book.items() if size}


def book_payload(actions: list[Action], index: int) -> bytes:
    bids = [
        {"price": PRICES[level], "size": str(size)}
        for level, size in state_after(actions, index).items()
    ]
    return frame("book", asset_id=YES, timestamp=str(ts_ms(index)), bids=bids, asks=[])


def payloads(action: Action, index: int) -> list[tuple[Levels, bytes]]:
    stamp = str(ts_ms(index))
    if action.is_trade:
        fields = {"asset_id": YES, "price": "0.2", "side": "BUY", "size": str(index + 1)}
        return [([], frame("last_trade_price", timestamp=stamp, **fields))]
    return [
        (
            [(level, size)],
            frame(
                "price_change",
                timestamp=stamp,
                price_changes=[change(YES, "BUY", PRICES[level], str(size))],
            ),
        )
        for level, size in action.levels
    ]


def arrivals(actions: list[Action], line: Line, number: int) -> list[Arrival]:
    """All that one line receives; it keeps the order, whatever stalls."""
    found: list[Arrival] = []
    connection, is_up, down_until = 10 * number, False, -1
    fates = iter([line.fates.get(k, "ok") for k in range(75)])
    now_ns = 0
    for index, action in enumerate(actions):
        now_ns = max(now_ns, (10 * index + line.lag_ms) * MS)
        if index in line.cuts:
            if is_up:
                found.append(Arrival(now_ns, connection, RawKind.LINK_DOWN, b""))
            connection, is_up, down_until = connection + 1, False, index + line.down
        if not is_up and line.cuts[0] <= index and index >= down_until:
            is_up = True
            found.append(Arrival(now_ns, connection, RawKind.LINK_UP, b""))
            payload = book_payload(actions, index - 1)
            found.append(
                Arrival(now_ns, connection, RawKind.FRAME, payload, index - 1, is_book=True)
            )
        for levels, payload in payloads(action, index):
            if not is_up:
                continue
            what = next(fates)
            now_ns += 60 * MS * (what == "stall")
            arrival = Arrival(now_ns, connection, RawKind.FRAME, payload, index, tuple(levels))
            found += [arrival] * {"lost": 0, "twice": 2}.get(what, 1)
    if is_up:
        found.append(Arrival(now_ns, connection, RawKind.LINK_DOWN, b""))
    return found


class Truth:
    """What is known of the book once these arrivals have been seen, by the rules of the docs."""

    def __init__(self, actions: list[Action]) -> None:
        self.actions = actions
        self.carriers: set[int] = set()
        """Connections that have delivered something."""
        self.levels: dict[int, tuple[int, int]] = {}
        """(index of the action that set it, size) by level."""
        self.book_index = -1
        self.latest = -2
        self.is_seen = False
        self.trades: Counter[int] = Counter()
        self.since_gap: set[int] = set()

    def receive(self, arrival: Arrival) -> None:
        if arrival.kind == RawKind.LINK_DOWN:
            self.carriers.discard(arrival.connection)
            self.is_seen &= bool(self.carriers)
        elif arrival.kind == RawKind.FRAME:
            if not self.carriers:
                self.latest = -2
                self.since_gap = set()
            self.carriers.add(arrival.connection)
            if arrival.is_book:
                self.adopt(arrival.action)
            elif not arrival.levels:
                self.trades[arrival.action] += arrival.action not in self.since_gap
                self.since_gap.add(arrival.action)
            for level, size in arrival.levels:
                if (
                    arrival.action > self.book_index
                    and arrival.action >= self.levels.get(level, (-2, 0))[0]
                ):
                    self.levels[level] = (arrival.action, size)
            self.latest = max(self.latest, arrival.action)

    def adopt(self, index: int) -> None:
        if index >= self.latest:
            self.levels = {
                level: (index, size) for level, size in state_after(self.actions, index).items()
            }
            self.book_index = index
            self.is_seen = True

    @property
    def book(self) -> dict[int, int]:
        return {level: size for level, (_, size) in self.levels.items() if size}


class Applied:
    """The book that the rows describe."""

    def __init__(self) -> None:
        self.book: dict[int, int] = {}
        self.is_seen = False
        self.trades: Counter[int] = Counter()
        self.last_ns = 0

    def apply(self, row: np.void) -> None:
        assert row["ts_recv_ns"] >= self.last_ns
        self.last_ns = row["ts_recv_ns"]
        kind = row["kind"]
        if kind == EventKind.SNAPSHOT:
            self.book, self.is_seen = {}, True
        elif kind == EventKind.GAP:
            self.is_seen = False
        elif kind == EventKind.TRADE:
            self.trades[int(row["size_e6"]) // 1_000_000 - 1] += 1
        elif kind == EventKind.LEVEL:
            level = PRICES.index(f"0.{row['price_e4'] // 1000}")
            self.book[level] = int(row["size_e6"]) // 1_000_000
            if not self.book[level]:
                del self.book[level]


def merged(actions: list[Action], both: list[Line]) -> list[Arrival]:
    found = [
        arrival for number, line in enumerate(both) for arrival in arrivals(actions, line, number)
    ]
    return sorted(found, key=lambda arrival: arrival.at_ns)


def receive(normaliser: Normaliser, arrival: Arrival) -> None:
    line = arrival.connection // 10
    normaliser.receive(1 + arrival.at_ns, line, arrival.connection, arrival.kind, arrival.payload)


def check(actions: list[Action], both: list[Line]) -> tuple[Truth, Applied]:
    normaliser = Normaliser([make_market()])
    truth, applied = Truth(actions), Applied()
    for arrival in merged(actions, both):
        receive(normaliser, arrival)
        truth.receive(arrival)
        for row in normaliser.take():
            applied.apply(row)
        assert applied.is_seen == truth.is_seen, arrival
        assert not (truth.is_seen and normaliser.unseen)
        if truth.is_seen:
            assert applied.book == truth.book, arrival
    return truth, applied


@given(SEEDS)
def test_the_book_is_right_wherever_one_of_two_lines_saw_the_market(seed: int) -> None:
    """Nothing is lost but by disconnecting."""
    truth, applied = check(*scenario(seed, ["stall", "twice"]))
    assert applied.trades.keys() == truth.trades.keys()


@given(SEEDS)
def test_what_either_line_brings_is_in_the_book_in_the_exchange_s_order(seed: int) -> None:
    truth, applied = check(*scenario(seed, ["lost", "twice", "stall"]))
    assert applied.trades.keys() == truth.trades.keys()


@given(SEEDS)
def test_without_repeated_frames_every_trade_comes_once(seed: int) -> None:
    truth, applied = check(*scenario(seed, ["lost", "stall"]))
    assert applied.trades == truth.trades


@given(SEEDS, st.lists(st.integers(0, 200), max_size=4))
def test_saved_and_restored_anywhere_it_gives_the_same(seed: int, stops: list[int]) -> None:
    actions, both = scenario(seed, ["lost", "twice", "stall"])
    whole, parted = Normaliser([make_market()]), Normaliser([make_market()])
    rows, gaps = [], []
    for number, arrival in enumerate(merged(actions, both)):
        receive(whole, arrival)
        if number in stops:
            rows.append(parted.take())
            gaps += parted.take_gaps()
            parted = Normaliser([make_market()], parted.save())
        receive(parted, arrival)
    assert np.concatenate([*rows, parted.take()]).tobytes() == whole.take().tobytes()
    assert gaps + parted.take_gaps() == whole.take_gaps()
    assert parted.save() == whole.save()
    assert parted.unseen == whole.unseen
