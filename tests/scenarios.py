"""Scenarios as tables: a line a row that the kernel receives, and after `|` what it must answer.

    fill a 0.45 100     shares of leg a's last order filled; `make`: the order had rested
    done a              likewise reject, ack, delayed, unknown; `confirm` and `fail` repeat a fill
    settled             the last merge or conversion went through; `unsettled`: it was rejected
    book 0 0.44 0.62    a full book of market 0, 500 shares a side; `-`: nobody there; `0.62x30`
    tick 0 0.005        likewise gap, close, `resolve 0 1` with what a YES pays
    timer               at the time that the kernel asked for; `timer 70000`: at that millisecond
    stop, resume        a human's word

Legs are a, b, c in the order of the basket. Answers: `buy a 100 @0.45 fak`, `sell ...`, `cancel a`,
`merge 30`, `convert 10`, `hold` for none; several are joined by `, `. Rows are a millisecond apart.
Accounts are checked after every row.
"""

from collections.abc import Sequence

from hfptm.opportunities import Relation
from hfptm.records import (
    Control,
    EventFlag,
    EventKind,
    IntentKind,
    LegOrder,
    LegPolicy,
    MarketState,
    OrderType,
    Side,
    Token,
)
from hfptm.units import FAR_NS, ONE_E6, PRICE_ONE_E4
from tests.kernels import MS, Kernel, Record, book, fee, group, market, resolved, row, timer
from tests.tapes import Row

RATE_E4 = 500
PLAIN = {"done": EventKind.DONE, "reject": EventKind.REJECT, "ack": EventKind.ACK} | {
    "delayed": EventKind.DELAYED,
    "unknown": EventKind.UNKNOWN,
}
FILLS = {"fill": EventKind.FILL, "make": EventKind.FILL, "confirm": EventKind.FILL_CONFIRMED} | {
    "fail": EventKind.FILL_FAILED
}
CONTROLS = {"stop": Control.STOP, "resume": Control.RESUME, "halt": Control.HALT}


def e4(text: str) -> int:
    return round(float(text) * PRICE_ONE_E4)


def e6(text: str) -> int:
    return round(float(text) * ONE_E6)


def side_of_book(word: str) -> dict[int, int]:
    price, _, shares = word.partition("x")
    return {} if word == "-" else {e4(price): int(shares or 500)}


class Play:
    """A kernel that plays a table; `sent` holds each leg's last order, and the last merge."""

    def __init__(self, **params: int) -> None:
        self.kernel = Kernel({"slippage_e4": 100, **params})
        self.now_ms = 10
        self.orders: dict[str, Record] = {}

    def open(self, rows: Sequence[Row], answer: str) -> "Play":
        self.apply(list(rows))
        assert self.answers() == answer
        return self

    def apply(self, rows: list[Row]) -> None:
        for item in rows:
            self.kernel.apply([item])
            self.kernel.check_accounts()

    def run(self, table: str) -> "Play":
        for line in filter(None, map(str.strip, table.splitlines())):
            words, _, answer = (part.strip() for part in line.partition("|"))
            self.now_ms += 1
            self.apply(self.rows(words.split()))
            assert self.answers() == (answer or "hold"), line
        return self

    def rows(self, words: list[str]) -> list[Row]:
        verb, rest = words[0], words[1:]
        if verb in PLAIN:
            return [row(PLAIN[verb], self.now_ms, 0, aux=self.orders[rest[0]]["order"])]
        if verb in FILLS:
            return [self.fill(verb, *rest)]
        if verb in CONTROLS:
            return [row(EventKind.CONTROL, self.now_ms, 0, aux=CONTROLS[verb])]
        if verb in ("settled", "unsettled"):
            last = self.orders["sets"]
            kind = EventKind.SETTLED if verb == "settled" else EventKind.REJECT
            return [row(kind, self.now_ms, 0, aux=last["order"], size_e6=last["size_e6"])]
        if verb == "timer":
            self.now_ms = int(rest[0]) if rest else self.wake_ms()
            return [timer(self.now_ms)]
        return self.market_rows(verb, int(rest[0]), rest[1:])

    def fill(self, verb: str, leg: str, price: str, shares: str) -> Row:
        order = self.orders[leg]
        fields = {"price_e4": e4(price), "size_e6": e6(shares), "side": order["side"]}
        flags = EventFlag.MAKER if verb == "make" else 0
        return row(FILLS[verb], self.now_ms, 0, aux=order["order"], flags=flags, **fields)

    def market_rows(self, verb: str, slot: int, rest: list[str]) -> list[Row]:
        if verb == "book":
            bids, asks = map(side_of_book, rest)
            return book(self.now_ms, slot, bids, asks)
        if verb == "tick":
            return [row(EventKind.TICK, self.now_ms, slot, price_e4=e4(rest[0]))]
        if verb == "gap":
            return [row(EventKind.GAP, self.now_ms, slot)]
        if verb == "close":
            return [row(EventKind.STATE, self.now_ms, slot, aux=MarketState.CLOSED)]
        assert verb == "resolve", verb
        return [resolved(self.now_ms, slot, e4(rest[0]))]

    def wake_ms(self) -> int:
        wake_ns = self.kernel.counters()["wake_ns"]
        assert wake_ns != FAR_NS
        return wake_ns // MS

    def answers(self) -> str:
        """What was sent since the last call, and remember it."""
        told = []
        for intent in self.kernel.intents:
            kind, leg = intent["kind"], "abc"[intent["leg"]] if intent["leg"] < 3 else "sets"
            if kind == IntentKind.OBSERVE:
                continue
            if kind == IntentKind.CANCEL:
                assert intent["order"] == self.orders[leg]["order"]
                told.append(f"cancel {leg}")
                continue
            self.orders[leg] = intent
            told.append(self.told(intent, leg))
        self.kernel.intents.clear()
        return ", ".join(told) or "hold"

    def told(self, intent: Record, leg: str) -> str:
        size = f"{intent['size_e6'] / ONE_E6:g}"
        if leg == "sets":
            return f"{IntentKind(intent['kind']).name.lower()} {size}"
        side = "buy" if intent["side"] == Side.BID else "sell"
        price = f"{intent['price_e4'] / PRICE_ONE_E4:g}"
        kind = OrderType(intent["order_type"]).name.lower()
        return f"{side} {leg} {size} @{price} {kind}"

    def ends(self, held: dict[tuple[int, Token], float], realised: str) -> None:
        """No plan is left, and so much is held by market and token; `realised` in dollars."""
        state = self.kernel.state
        assert not state.plans["stage"].any()
        assert not state.lanes["reserved_e6"].any()
        sizes = state.positions[0]["size_e6"]
        found = {(m, Token(t)): int(sizes[m, t]) for m in range(8) for t in range(2) if sizes[m, t]}
        assert found == {key: round(shares * ONE_E6) for key, shares in held.items()}
        assert f"{self.kernel.lane()['realised_e6'] / ONE_E6:.6f}" == realised


def pair(**params: int) -> Play:
    """100 sets of market 0, a: YES at 0.45, b: NO at 0.40; then its book is 0.44 to 0.62."""
    policy = params.get("leg_policy", LegPolicy.FAK)
    kind = {LegPolicy.FAK: "fak", LegPolicy.FOK: "fok", LegPolicy.GTC: "gtc"}[LegPolicy(policy)]
    rows = [market(0), fee(0, RATE_E4), *book(10, 0, {6_000: 100}, {4_500: 100})]
    play = Play(**params).open(rows, f"buy a 100 @0.45 {kind}, buy b 100 @0.4 {kind}")
    return play.run("book 0 0.44 0.62")


def basket(*, no: bool, convertible: int = 1, answer: str = "", **params: int) -> Play:
    """100 sets of two outcomes' NO at 0.40 and 0.45, or of three outcomes' YES at 0.30."""
    play = Play(**params)
    play.apply([group(0, Relation.EXACTLY_ONE, 3, convertible)])
    play.apply([item for m in range(3) for item in (market(m, group=0), fee(m, RATE_E4))])
    for slot, (bid_e4, shares) in enumerate(((6_000, 100), (5_500, 120), (0, 0))):
        bids = {bid_e4: shares} if bid_e4 else {}
        rows = book(10, slot, bids, {}) if no else book(10, slot, {}, {3_000: 100})
        play.apply(rows if slot == 2 else rows[:-1])
    told = "buy a 100 @0.4 fak, buy b 100 @0.45 fak"
    if not no:
        told = "buy a 100 @0.3 fak, buy b 100 @0.3 fak, buy c 100 @0.3 fak"
    assert play.answers() == (answer or told)
    return play


def by_date(**params: int) -> Play:
    """100 sets of a: YES of the later outcome (market 1) at 0.40, b: NO of the earlier at 0.45."""
    play = Play(**params)
    play.apply([group(0, Relation.NESTED, 2, 0)])
    play.apply([market(m, group=0, end_ms=10**9 * (m + 1)) for m in range(2)])
    play.apply([fee(m, RATE_E4) for m in range(2)])
    play.apply(book(10, 0, {5_500: 100}, {5_700: 100}))
    return play.open(
        book(10, 1, {3_800: 100}, {4_000: 100}), "buy a 100 @0.4 fak, buy b 100 @0.45 fak"
    )


def pair_thin(*, resting: bool = False) -> Play:
    """As `pair`, with 80 of b alone, which goes first."""
    params = {"leg_order": int(LegOrder.THINNEST_FIRST)}
    if resting:
        params = {"leg_policy": int(LegPolicy.RESTING)}
    rows = [market(0), fee(0, RATE_E4), *book(10, 0, {6_000: 80}, {4_500: 100})]
    return Play(**params).open(rows, "buy b 80 @0.39 post_only" if resting else "buy b 80 @0.4 fak")
