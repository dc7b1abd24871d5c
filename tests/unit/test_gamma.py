"""Gamma's pages: every shape of a value, and one bad entry costs that entry alone."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.venue.gamma import decode_events, decode_markets, exact, floored, strings
from tests.gamma import event_json, events_of, market_json, page


def test_a_page_of_events_has_its_markets_and_its_cursor() -> None:
    found = events_of(page(event_json(market_json(1), market_json(2)), cursor="abc"))
    (event,) = found.events
    assert [market.slug for market in event.markets] == ["market-1", "market-2"]
    assert (event.head.slug, found.next_cursor, found.unreadable) == ("an-event", "abc", 0)
    assert events_of(page()).next_cursor == ""


def test_numbers_are_never_floats() -> None:
    payload = page(event_json(market_json(orderPriceMinTickSize=0.0025, volume24hr=1e-7)))
    market = events_of(payload).events[0].markets[0]
    assert market.order_price_min_tick_size == Decimal("0.0025")
    assert floored(market.volume_24h, 6) == 0


@pytest.mark.parametrize("broken", [{"conditionId": 5}, {"active": "yes"}, {"feeSchedule": []}])
def test_a_market_of_another_shape_costs_itself_alone(broken: dict[str, Any]) -> None:
    payload = page(event_json(market_json(1), market_json(2, **broken)), event_json(market_json(3)))
    found = events_of(payload)
    assert [len(event.markets) for event in found.events] == [1, 1]
    assert [event.unreadable for event in found.events] == [1, 0]


def test_an_event_of_another_shape_costs_itself_alone() -> None:
    found = events_of(page(event_json(tags="none"), event_json(market_json(1)), cursor="next"))
    assert (len(found.events), found.unreadable, found.next_cursor) == (1, 1, "next")


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{}", b"<html>", b"\xff", b'{"events": 5}', b'{"markets": []}']
)
def test_what_is_no_page_of_events_is_none(payload: bytes) -> None:
    assert decode_events(payload) is None


def test_pages_of_markets() -> None:
    good, bad = market_json(1), market_json(2, closed="no")
    found = decode_markets(json.dumps({"markets": [good, bad], "next_cursor": "x"}).encode())
    assert found is not None
    assert [market.slug for market in found.markets] == ["market-1"]
    assert (found.next_cursor, found.unreadable) == ("x", 1)
    assert decode_markets(b"[]") is None
    assert decode_markets(page()) is None


@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["events", "markets", "tags", "conditionId", "series", "slug"]),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_nothing_raises(payload: bytes) -> None:
    decode_events(payload)
    decode_markets(payload)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('["a", "b"]', ("a", "b")),
        (["a", "b"], ("a", "b")),
        (None, ()),
        ("", ()),
        ("[1, 2]", ()),
        ('["a"', ()),
    ],
)
def test_strings_are_found_wherever_they_are_hidden(value: Any, found: tuple[str, ...]) -> None:
    assert strings(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (5, 50_000),
        ("0.0105", 105),
        (Decimal("0.01"), 100),
        (Decimal("1E-4"), 1),
        ("0.01055", None),
        (-1, None),
        (True, None),
        (None, None),
        ("", None),
        ("nan", None),
        ("1e999999999", None),
        ([], None),
    ],
)
def test_exact_numbers(value: Any, found: int | None) -> None:
    assert exact(value, 4) == found


def test_floored_numbers() -> None:
    assert [floored(value, 2) for value in ("1.239", 7, "-0.1", "x")] == [123, 700, None, None]
