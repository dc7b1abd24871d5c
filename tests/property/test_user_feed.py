"""What the user feed tells is what the exchange's own books say, however the frames come."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.kernel.cash import fill_cash_e6
from hfptm.kernel.fees import taker_fee_e6
from hfptm.records import BUY, SELL, EventFlag, EventKind, Side
from hfptm.sandbox.history import Fate
from hfptm.sandbox.user_channel import UserChannels
from hfptm.units import NS_PER_S, ONE_E6, PRICE_ONE_E4
from hfptm.venue.own_order import OwnOrder
from hfptm.venue.own_orders import OwnOrders, Rows
from hfptm.venue.user_feed import UserFeed
from hfptm.venue.user_messages import decode_page
from tests.own_orders import NOW_NS, feed_of, own_order
from tests.sandbox_api import STANDARD_SLUG, Api, Trader, entry_of, make_sandbox, post_body

KEY = "0x" + "11" * 32
FUNDS_E6 = 1_000 * ONE_E6
FILL, FAILED, CONFIRMED = EventKind.FILL, EventKind.FILL_FAILED, EventKind.FILL_CONFIRMED
SIGNS = {FILL: 1, FAILED: -1}

placing = st.tuples(
    st.sampled_from([Side(BUY), Side(SELL)]),
    st.sampled_from([4_300, 5_100, 6_700]),
    st.sampled_from([5, 10, 25]),
    st.booleans(),
)
"""Side, price, shares, in the NO token."""
acts = st.lists(
    st.one_of(
        st.tuples(st.just("own"), placing, st.sampled_from(["GTC", "FAK", "FOK"])),
        st.tuples(st.just("other"), placing),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([NS_PER_S, 3 * NS_PER_S])),
    ),
    min_size=1,
    max_size=15,
)


class Desk:
    """A trader whose orders are known to `own`; `frames` is what its user channel sent."""

    def __init__(self, fates: list[Fate]) -> None:
        self.api = Api(make_sandbox())
        self.trader = Trader(self.api, KEY)
        sandbox, address = self.api.sandbox, self.trader.signer.address
        self.market = entry_of(sandbox, STANDARD_SLUG).listed.market
        sandbox.fund(address, FUNDS_E6)
        sandbox.exchange.split(address, self.market.market, 500 * ONE_E6)
        sandbox.history.fate = lambda record: fates[record.trade.trade_id % len(fates)]
        self.account = sandbox.exchange.accounts[address]
        self.before_e6 = self.holdings()
        self.cash_before_e6 = self.account.cash_e6
        self.own, self.sent = OwnOrders(), list[OwnOrder]()
        self.frames: list[bytes] = []
        credentials = self.trader.credentials
        auth = {
            "apiKey": credentials.api_key,
            "secret": credentials.secret,
            "passphrase": credentials.passphrase,
        }
        channel = UserChannels(sandbox).open(self.frames.append)
        channel.receive(msgspec.json.encode({"type": "user", "auth": auth}).decode())

    def holdings(self) -> Counter[str]:
        return Counter(self.account.shares_e6)

    def act(self, what: tuple[Any, ...]) -> None:
        if what[0] == "own":
            self.place(what[1], what[2])
        elif what[0] == "other":
            side, price_e4, shares, is_no = what[1]
            self.api.rest(STANDARD_SLUG, side, price_e4, shares, is_no=is_no)
        elif what[0] == "wait":
            self.api.advance(what[1])
        elif self.sent:
            order_id = self.sent[what[1] % len(self.sent)].order_id
            self.trader.call("DELETE", "/order", {"orderID": order_id})

    def place(self, terms: tuple[Side, int, int, bool], kind: str) -> None:
        side, price_e4, shares, is_no = terms
        token = self.market.no_token if is_no else self.market.yes_token
        body = post_body(
            self.trader, STANDARD_SLUG, side, price_e4, shares, orderType=kind, token=token
        )
        status, reply = self.trader.call("POST", "/order", body)
        if status == 200:
            made = OwnOrder(
                order_id=reply["orderID"],
                order=len(self.sent) + 1,
                market=self.market.market,
                condition_id=self.market.condition_id,
                side=side,
                size_e6=shares * ONE_E6,
                is_immediate=kind != "GTC",
                sent_ns=self.api.now_ns,
            )
            self.own.add(made)
            self.sent.append(made)

    def finish(self) -> None:
        self.trader.call("DELETE", "/cancel-all")
        self.api.advance(10 * NS_PER_S)

    def query(self, feed: UserFeed) -> None:
        """What a reconciliation reads."""
        for made in self.sent:
            _, shown = self.trader.call("GET", f"/data/order/{made.order_id}")
            feed.receive(msgspec.json.encode(shown), self.api.now_ns)
        _, page = self.trader.call("GET", "/data/trades")
        for message in decode_page(msgspec.json.encode(page))[0]:
            feed.take(message, self.api.now_ns)


@settings(max_examples=60)
@given(
    acts,
    st.lists(st.sampled_from(list(Fate)), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.sampled_from([0, 3, 10]),
)
def test_rows_are_the_exchanges_books(
    what: list[Any], fates: list[Fate], rng: Any, lost_of_ten: int
) -> None:
    desk = Desk(fates)
    for act in what:
        desk.act(act)
    desk.finish()
    frames = [f for f in desk.frames for _ in range(rng.choice([1, 1, 2]))]
    frames = [f for f in frames if rng.randrange(10) >= lost_of_ten]
    rng.shuffle(frames)
    feed = UserFeed(desk.own)
    for frame in frames:
        feed.receive(frame, desk.api.now_ns)
    if lost_of_ten:
        desk.query(feed)
    check(desk, desk.own.take())


@pytest.mark.parametrize(("fate", "beyond_e6"), [("CONFIRMED", [1]), ("FAILED", [1, -1])])
def test_a_trade_with_two_broken_parts_leaves_the_taker_more(
    fate: str, beyond_e6: list[int]
) -> None:
    """What is left of a seller of five whom the first order broke, and a part of the next."""
    desk = Desk([Fate(fate), Fate.CONFIRMED])
    sale, buy = (Side(SELL), 4_300, 5, False), (Side(BUY), 5_100, 5, False)
    pair = (Side(BUY), 5_700, 5, True)
    others = [("other", sale), ("other", pair), ("other", (Side(SELL), 4_300, 25, False))]
    for act in [*others, ("own", buy, "FAK"), ("own", buy, "FAK")]:
        desk.act(act)
    desk.finish()
    feed = UserFeed(desk.own)
    for frame in desk.frames:
        feed.receive(frame, desk.api.now_ns)
    rows = desk.own.take()
    assert rows["size_e6"][rows["kind"] == EventKind.CASH].tolist() == beyond_e6
    check(desk, rows)


def check(desk: Desk, rows: Rows) -> None:
    assert list(desk.own.unsettled()) == []
    tokens = {o.order: token_of(desk, o) for o in desk.sent}
    shares_e6: Counter[str] = Counter()
    for row in rows:
        sign = SIGNS.get(EventKind(int(row["kind"])), 0)
        bought = 1 if row["side"] == BUY else -1
        shares_e6[tokens[int(row["aux"])]] += sign * bought * int(row["size_e6"])
    after_e6 = desk.holdings()
    assert all(after_e6[t] - desk.before_e6[t] == shares_e6[t] for t in set(tokens.values()))
    gained_e6 = sum(gain_e6(desk, row) for row in rows)
    assert desk.account.cash_e6 - desk.cash_before_e6 == gained_e6
    for made in desk.sent:
        kinds = Counter(int(row["kind"]) for row in rows if row["aux"] == made.order)
        assert kinds[EventKind.DONE] + kinds[EventKind.REJECT] == 1
        assert kinds[EventKind.ACK] <= 1
        assert kinds[CONFIRMED] + kinds[FAILED] == kinds[FILL]
        assert kinds[EventKind.UNKNOWN] == 0


def gain_e6(desk: Desk, row: Any) -> int:
    """Cash that the kernel books for it."""
    kind, price_e4, size_e6 = int(row["kind"]), int(row["price_e4"]), int(row["size_e6"])
    if kind == EventKind.CASH:
        return size_e6
    if kind not in SIGNS:
        return 0
    is_buy, is_maker = row["side"] == BUY, bool(row["flags"] & EventFlag.MAKER)
    gross_e6 = int(fill_cash_e6(price_e4, size_e6, is_buy, is_maker))
    rates = desk.market.fee_rate_e4, desk.market.fee_exponent
    fee_e6 = 0 if is_maker else int(taker_fee_e6(*rates, price_e4, size_e6))
    return SIGNS[EventKind(kind)] * ((-gross_e6 if is_buy else gross_e6) - fee_e6)


def token_of(desk: Desk, own: OwnOrder) -> str:
    order = desk.api.sandbox.exchange.orders.get(own.order_id)
    assert order is not None
    assert order.size_e6 == own.size_e6
    assert 0 < order.price_e4 < PRICE_ONE_E4
    return order.token


KEYS = (
    *("event_type", "id", "market", "type", "status", "size_matched", "taker_order_id", "size"),
    *("price", "timestamp", "maker_orders", "order_id", "matched_amount", "asset_id"),
)
words = st.sampled_from(
    ["order", "trade", "0xaa", "MATCHED", "LIVE", "CANCELED", "CANCELLATION", "FAILED", "10", "0.5"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | words,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
    max_leaves=12,
)
messages = st.fixed_dictionaries(
    {"event_type": st.sampled_from(["order", "trade"]), "id": st.just("0xaa")},
    optional=dict.fromkeys(KEYS[2:], words | values),
)


@given(st.lists(st.binary() | values.map(msgspec.json.encode) | messages.map(msgspec.json.encode)))
def test_it_never_raises_and_ends_each_order_at_most_once(payloads: list[bytes]) -> None:
    feed, own = feed_of(own_order("0xaa"))
    for payload in payloads:
        feed.receive(payload, NOW_NS)
    kinds = Counter(own.take()["kind"].tolist())
    assert kinds[EventKind.DONE] + kinds[EventKind.REJECT] <= 1
    assert kinds[EventKind.ACK] <= 1
    assert kinds[CONFIRMED] + kinds[FAILED] <= kinds[FILL]
    assert feed.counters.frames == len(payloads)
