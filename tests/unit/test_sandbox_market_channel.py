"""Subscribers of the market channel: what they ask for, and which frames they get for it."""

import json
from typing import Any

import msgspec
import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.catalogue import EventTerms, MarketTerms
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.market_channel import MarketChannels
from hfptm.sandbox.market_frames import MarketFrames
from hfptm.venue.book_hash import HashedBook, book_hash
from tests.sandbox import make_market
from tests.sandbox_api import SPORTS_SLUG, STANDARD_SLUG, V2_SLUG, Api, entry_of, make_sandbox


class Room:
    """A sandbox and its subscribers."""

    def __init__(self) -> None:
        self.api = Api(make_sandbox())
        self.sandbox = self.api.sandbox
        self.channels = MarketChannels(self.sandbox.catalogue, lambda: self.sandbox.now_ns)
        MarketFrames(self.sandbox).listeners.append(self.channels.publish)

    def tokens(self, slug: str = STANDARD_SLUG) -> tuple[str, str]:
        return entry_of(self.sandbox, slug).listed.tokens()


class Subscriber:
    def __init__(self, room: Room) -> None:
        self.heard: list[tuple[str, str]] = []
        """(event type, first asset) of each frame."""
        self.channel = room.channels.open(
            lambda frame: self.heard.append((str(frame.event_type), frame.assets[0]))
        )

    def send(self, **request: Any) -> Any:
        answer = self.channel.receive(json.dumps(request))
        return None if answer is None else msgspec.json.decode(answer)

    def begin(self, *assets: str, **more: Any) -> Any:
        return self.send(type="market", assets_ids=assets, **more)

    def take(self) -> list[tuple[str, str]]:
        heard, self.heard = self.heard, []
        return heard


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def subscriber(room: Room) -> Subscriber:
    return Subscriber(room)


def test_a_subscription_is_answered_with_full_books(room: Room, subscriber: Subscriber) -> None:
    yes, no = room.tokens()
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    books = subscriber.begin(no, yes, "7")
    assert [book["asset_id"] for book in books] == [no, yes]
    assert books[0]["asks"] == [{"price": "0.6", "size": "20"}]
    rules = {"min_order_size": "5", "neg_risk": False, "hash": ""}
    hashed = msgspec.convert(books[0] | rules, HashedBook)
    assert book_hash(hashed) == books[0]["hash"]


def test_without_a_dump_there_is_no_answer(room: Room, subscriber: Subscriber) -> None:
    yes, _ = room.tokens()
    assert subscriber.begin(yes, initial_dump=False) is None
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == [("price_change", yes)]


def test_nothing_known_is_an_empty_dump(subscriber: Subscriber) -> None:
    assert subscriber.begin() == []


def test_markets_that_trade_have_books_others_have_none(room: Room, subscriber: Subscriber) -> None:
    entry = entry_of(room.sandbox, STANDARD_SLUG)
    room.sandbox.close_market(entry.listed.market.market, room.sandbox.now_ns)
    assert len(subscriber.begin(*room.tokens())) == 2
    room.sandbox.resolve_market(entry.listed.market.market, 0, room.sandbox.now_ns)
    assert Subscriber(room).begin(*room.tokens()) == []


def test_one_token_brings_the_changes_of_both_but_only_its_own_books(
    room: Room, subscriber: Subscriber
) -> None:
    yes, no = room.tokens()
    subscriber.begin(no)
    room.api.rest(STANDARD_SLUG, SELL, 6_000, 20)
    room.api.rest(STANDARD_SLUG, BUY, 6_000, 5)
    room.api.rest(STANDARD_SLUG, SELL, 4_000, 5, is_no=True)
    changed = ("price_change", yes)
    sold = ("last_trade_price", no)
    assert subscriber.take() == [changed, changed, ("book", no), changed, sold, ("book", no)]


def test_both_tokens_bring_each_frame_once(room: Room, subscriber: Subscriber) -> None:
    yes, no = room.tokens()
    subscriber.begin(yes, no)
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == [("price_change", yes)]


def test_a_frame_goes_to_those_who_named_either_token(room: Room, subscriber: Subscriber) -> None:
    yes, no = room.tokens()
    other, stranger = Subscriber(room), Subscriber(room)
    subscriber.begin(yes)
    other.begin(no)
    stranger.begin(*room.tokens(V2_SLUG))
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == other.take() == [("price_change", yes)]
    assert stranger.take() == []


def test_custom_features_are_off_until_asked_for(room: Room, subscriber: Subscriber) -> None:
    yes, no = room.tokens()
    subscriber.begin(yes)
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == [("price_change", yes)]
    # A token that is active already: refused as a duplicate, but the flag is taken over first.
    assert (
        subscriber.send(operation="subscribe", assets_ids=[yes, no], custom_feature_enabled=True)
        is None
    )
    room.api.rest(STANDARD_SLUG, BUY, 4_100, 20)
    assert subscriber.take() == [("price_change", yes), ("best_bid_ask", yes)]
    subscriber.send(operation="subscribe", assets_ids=[no], custom_feature_enabled=False)
    room.api.rest(STANDARD_SLUG, BUY, 4_200, 20)
    assert subscriber.take() == [("price_change", yes)]


def test_a_subscription_that_says_nothing_of_the_flag_leaves_it(
    room: Room, subscriber: Subscriber
) -> None:
    yes, _ = room.tokens()
    subscriber.begin(custom_feature_enabled=True)
    subscriber.send(operation="subscribe", assets_ids=[yes])
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert ("best_bid_ask", yes) in subscriber.take()


def test_new_markets_are_told_to_all_who_asked_resolved_ones_to_subscribers(
    room: Room, subscriber: Subscriber
) -> None:
    sandbox, plain = room.sandbox, Subscriber(room)
    yes, _ = room.tokens(SPORTS_SLUG)
    subscriber.begin(custom_feature_enabled=True)
    plain.begin(yes)
    sandbox.add_event(EventTerms(slug="e", title="E", tags=(), start_ns=0, end_ns=0), 0)
    sandbox.add_market("e", Listing(market=make_market(9)), MarketTerms(), 0)
    assert (subscriber.take(), plain.take()) == ([("new_market", "Y9")], [])
    watching = Subscriber(room)
    watching.begin(yes, custom_feature_enabled=True)
    market = entry_of(sandbox, SPORTS_SLUG).listed.market.market
    sandbox.resolve_market(market, 0, sandbox.now_ns)
    assert watching.take() == [("market_resolved", yes)]
    assert subscriber.take() == plain.take() == []


def test_a_token_may_be_named_before_it_is_listed(room: Room, subscriber: Subscriber) -> None:
    assert subscriber.begin("Y9") == []
    sandbox, listing = room.sandbox, Listing(market=make_market(9))
    sandbox.add_event(EventTerms(slug="e", title="E", tags=(), start_ns=0, end_ns=0), 0)
    sandbox.add_market("e", listing, MarketTerms(), 0)
    sandbox.open_market(listing.market.market, sandbox.now_ns)
    assert subscriber.take() == [("book", "Y9")]


def test_subscribing_and_unsubscribing_on_the_way(room: Room, subscriber: Subscriber) -> None:
    yes, _ = room.tokens()
    v2, _ = room.tokens(V2_SLUG)
    subscriber.begin(yes)
    (book,) = subscriber.send(operation="subscribe", assets_ids=[v2, v2])
    assert book["asset_id"] == v2
    assert subscriber.send(operation="unsubscribe", assets_ids=[yes, "7"]) is None
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    room.api.rest(V2_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == [("price_change", v2)]
    (again,) = subscriber.send(operation="subscribe", assets_ids=[yes])
    assert again["bids"] == [{"price": "0.4", "size": "20"}]


def test_a_second_beginning_is_a_subscription(room: Room, subscriber: Subscriber) -> None:
    yes, no = room.tokens()
    subscriber.begin(yes)
    assert subscriber.begin(yes, no) is None
    assert [book["asset_id"] for book in subscriber.begin(no)] == [no]


def test_it_begins_with_the_right_frame_or_not_at_all(room: Room, subscriber: Subscriber) -> None:
    yes, _ = room.tokens()
    assert subscriber.send(operation="subscribe", assets_ids=[yes]) is None
    assert subscriber.send(type="user", assets_ids=[yes]) is None
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == []


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[]", "7", '{"type":"market","assets_ids":7}', '{"x":' + "[" * 100_000],
)
def test_what_cannot_be_read_is_ignored(subscriber: Subscriber, text: str) -> None:
    assert subscriber.channel.receive(text) is None


def test_ping_is_answered_at_any_time(room: Room, subscriber: Subscriber) -> None:
    assert subscriber.channel.receive("PING") == b"PONG"
    subscriber.begin(*room.tokens())
    assert subscriber.channel.receive("PING") == b"PONG"


def test_who_has_left_gets_nothing(room: Room, subscriber: Subscriber) -> None:
    subscriber.begin(*room.tokens(), custom_feature_enabled=True)
    stays = Subscriber(room)
    stays.begin(*room.tokens())
    room.channels.close(subscriber.channel)
    room.api.rest(STANDARD_SLUG, BUY, 4_000, 20)
    assert subscriber.take() == []
    assert len(stays.take()) == 1
