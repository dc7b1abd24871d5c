"""Every shape becomes its struct, and nothing raises."""

import json

import pytest

from hfptm.venue import messages as m
from hfptm.venue.messages import Trouble, decode
from tests.wire import CONDITION, NO, YES, change, frame, levels, message


def test_object_and_array_frames_are_alike() -> None:
    book = message("book", asset_id=YES, bids=levels(("0.47", "30")), asks=[])
    assert decode(json.dumps(book).encode()) == decode(json.dumps([book]).encode())


@pytest.mark.parametrize("payload", [b"[]", b"PONG", b" PONG\n"])
def test_acknowledgements_are_empty(payload: bytes) -> None:
    assert decode(payload) == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"asset_id": YES, "bids": [], "asks": [], "neg_risk": False}, m.Book),
        ({"market": CONDITION, "price_changes": []}, m.PriceChange),
        ({"asset_id": YES, "changes": []}, m.PriceChange),
        ({"asset_id": YES, "price": "1", "size": "1", "side": "BUY", "hash": ""}, m.PriceChange),
        (
            {"asset_id": YES, "price": "1", "size": "1", "side": "BUY", "fee_rate_bps": "0"},
            m.LastTradePrice,
        ),
        ({"asset_id": YES, "old_tick_size": "1", "new_tick_size": "0.1"}, m.TickSizeChange),
        ({"asset_id": YES, "best_bid": "0.1", "best_ask": "0.2"}, m.BestBidAsk),
        ({"market": CONDITION, "winning_asset_id": YES, "assets_ids": [YES]}, m.MarketResolved),
        ({"market": CONDITION, "question": "?", "assets_ids": [NO, YES]}, m.NewMarket),
    ],
)
def test_messages_without_a_type_are_known_by_their_keys(
    fields: dict[str, object], kind: type
) -> None:
    assert [type(found) for found in decode(json.dumps(fields).encode())] == [kind]


def test_a_user_channel_trade_is_no_print() -> None:
    fields = {"asset_id": YES, "price": "1", "size": "1", "side": "BUY", "fee_rate_bps": "0"}
    assert decode(json.dumps(fields | {"owner": "key"}).encode()) == [
        m.Malformed(Trouble.UNKNOWN_TYPE)
    ]


def test_three_shapes_of_a_price_change_have_one_reading() -> None:
    entry = {"price": "0.51", "size": "40", "side": "BUY"}
    new = frame("price_change", price_changes=[entry | {"asset_id": YES, "hash": "f3"}])
    older = frame("price_change", asset_id=YES, hash="f3", changes=[entry])
    oldest = frame("price_change", asset_id=YES, hash="f3", **entry)
    readings = []
    for payload in (new, older, oldest):
        (found,) = decode(payload)
        assert isinstance(found, m.PriceChange)
        readings.append(found.entries())
    assert readings == [[m.Change(YES, "0.51", "40", "BUY", "f3")]] * 3


@pytest.mark.parametrize(
    ("payload", "trouble"),
    [
        (b"", Trouble.BAD_JSON),
        (b"<html>busy</html>", Trouble.BAD_JSON),
        (b'{"event_type":"book"', Trouble.BAD_JSON),
        (b"[{},", Trouble.BAD_JSON),
        (b'{"event_type":"book","asset_id":"\xff"}', Trouble.BAD_MESSAGE),
        (b'{"\xff":1}', Trouble.BAD_JSON),
        (b'{"a":' * 100_000, Trouble.BAD_JSON),
        (b"[" * 100_000, Trouble.BAD_JSON),
        (b"17", Trouble.BAD_MESSAGE),
        (b'["PONG"]', Trouble.BAD_MESSAGE),
        (b"{}", Trouble.UNKNOWN_TYPE),
        (b'{"event_type":null}', Trouble.UNKNOWN_TYPE),
        (b'{"event_type":"comment"}', Trouble.UNKNOWN_TYPE),
        (b'{"event_type":"book","asset_id":71}', Trouble.BAD_MESSAGE),
    ],
)
def test_what_cannot_be_read_says_why(payload: bytes, trouble: Trouble) -> None:
    assert decode(payload) == [m.Malformed(trouble)]


def test_a_bad_element_spoils_only_itself_and_names_its_market() -> None:
    good = message("price_change", price_changes=[change(YES, "BUY", "0.5", "1")])
    bad = message("book", asset_id=YES, bids="none")
    first, second, third = decode(json.dumps([good, bad, {"event_type": "x"}]).encode())
    assert isinstance(first, m.PriceChange)
    assert second == m.Malformed(Trouble.BAD_MESSAGE, CONDITION)
    assert third == m.Malformed(Trouble.UNKNOWN_TYPE)


def test_a_number_that_should_be_a_string_does_not_spoil_its_neighbours() -> None:
    (book,) = decode(frame("book", asset_id=YES, asks=[], bids=[{"price": 0.5, "size": "1"}]))
    assert isinstance(book, m.Book)
    assert book.bids == [m.Level(0.5, "1")]
