"""Frames of the market channel: their text is the exchange's, and each action is one batch."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.catalogue import EventTerms, MarketTerms, Tag
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.market_frames import EventType, MarketFrames, Published
from hfptm.sandbox.reports import Rejected
from hfptm.units import NS_PER_MS, NS_PER_S
from tests.sandbox import make_market
from tests.sandbox_api import (
    SPORTS_SLUG,
    STANDARD_SLUG,
    V2_SLUG,
    Api,
    entry_of,
    make_sandbox,
)
from tests.wire import capture_frames


class Printed:
    """A sandbox whose frames are kept, batch by batch."""

    def __init__(self) -> None:
        self.api = Api(make_sandbox())
        self.sandbox = self.api.sandbox
        self.batches: list[list[Published]] = []
        MarketFrames(self.sandbox).listeners.append(self.batches.append)

    def last(self) -> list[dict[str, Any]]:
        """The messages of the last batch."""
        return [msgspec.json.decode(frame.payload) for frame in self.batches[-1]]

    def kinds(self) -> list[str]:
        return [str(frame.event_type) for frame in self.batches[-1]]

    def text(self, kind: EventType) -> str:
        frames = [frame for frame in self.batches[-1] if frame.event_type is kind]
        return frames[0].payload.decode()


@pytest.fixture
def printed() -> Printed:
    """Bids of 20 at 0.40 and 0.39, asks of 20 at 0.60 and 0.61."""
    printed = Printed()
    for price_e4 in (3_900, 4_000):
        printed.api.rest(STANDARD_SLUG, BUY, price_e4, 20)
        printed.api.rest(STANDARD_SLUG, SELL, 10_000 - price_e4, 20)
    return printed


def skeleton(text: str) -> str:
    """A message without its values: what is left are keys, order and blanks."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"(?=[,}\]])', '""', text)
    level = r'\{"price":"","size":""\}'
    text = re.sub(rf"{level}(,{level})*", "LEVELS", text)
    text = re.sub(r'\[""(, "")*\]', "[...]", text)
    return re.sub(r'"tags":\[[.]*\]', '"tags":[...]', text)


def _keys(text: str) -> int:
    return text.count('":')


@pytest.fixture(scope="module")
def captured(shared: Path) -> dict[str, str]:
    """The real frame of each type with the most keys, as text."""
    found: dict[str, str] = {}
    for payload, _ in capture_frames(shared):
        text = payload.decode()
        kind = re.search(r'"event_type":"(\w+)"', text)
        if kind:
            message = text.removeprefix("[").removesuffix("]").partition('},{"market"')[0]
            found[kind[1]] = max(found.get(kind[1], ""), message, key=_keys)
    return found


def test_a_price_change_is_printed_as_on_the_real_wire(
    printed: Printed, captured: dict[str, str]
) -> None:
    printed.api.rest(STANDARD_SLUG, BUY, 3_000, 20)
    text = printed.text(EventType.PRICE_CHANGE)
    assert skeleton(text) == skeleton(captured["price_change"])


def test_a_book_is_printed_as_on_the_real_wire(printed: Printed, captured: dict[str, str]) -> None:
    printed.api.rest(STANDARD_SLUG, BUY, 6_000, 5)
    real = skeleton(captured["book"].rstrip("}") + "}")
    assert skeleton(printed.text(EventType.BOOK)) == real


def test_a_new_market_is_printed_as_on_the_real_wire(
    printed: Printed, captured: dict[str, str]
) -> None:
    printed.sandbox.add_event(
        EventTerms(slug="e", title="E", tags=(Tag(1, "T", "t"),), start_ns=0, end_ns=0), 0
    )
    listing = Listing(market=make_market(9, fee_rate_e4=700, question='"So?"'))
    printed.sandbox.add_market("e", listing, MarketTerms(), 5 * NS_PER_MS)
    (frame,) = printed.batches[-1]
    assert skeleton(frame.payload.decode()) == skeleton(captured["new_market"])
    (message,) = printed.last()
    assert message["question"] == '"So?"'
    assert message["timestamp"] == "5"
    rebate = {"exponent": "1", "rate": "0.07", "taker_only": True, "rebate_rate": "0.25"}
    assert (message["fees_enabled"], message["fee_schedule"]) == (True, rebate)
    assert message["clob_token_ids"] == ["Y9", "N9"]
    assert message["assets_ids"] == ["N9", "Y9"]
    assert (frame.is_custom, frame.is_exchange_wide) == (True, True)


def test_a_market_without_fees_has_no_schedule(printed: Printed) -> None:
    printed.sandbox.add_event(EventTerms(slug="e", title="E", tags=(), start_ns=0, end_ns=0), 0)
    printed.sandbox.add_market("e", Listing(market=make_market(9)), MarketTerms(), 0)
    (message,) = printed.last()
    assert (message["fees_enabled"], message["taker_base_fee"]) == (False, "0")
    assert message["fee_schedule"] is None


def test_both_tokens_mirrored_the_bought_one_first(printed: Printed) -> None:
    yes, no = entry_of(printed.sandbox, STANDARD_SLUG).listed.tokens()
    printed.api.rest(STANDARD_SLUG, SELL, 5_500, 20)
    change, *_ = printed.last()
    bought, sold = change["price_changes"]
    head = ("asset_id", "price", "size", "side", "best_bid", "best_ask")
    assert [bought[key] for key in head] == [no, "0.45", "20", "BUY", "0.45", "0.6"]
    assert [sold[key] for key in head] == [yes, "0.55", "20", "SELL", "0.4", "0.55"]
    (frame, *_) = printed.batches[-1]
    assert (frame.assets, frame.is_custom) == ((yes, no), False)


def test_a_sweep_is_one_batch_that_shows_its_end_in_every_frame(printed: Printed) -> None:
    yes, no = entry_of(printed.sandbox, STANDARD_SLUG).listed.tokens()
    printed.api.rest(STANDARD_SLUG, BUY, 6_100, 30)
    assert printed.kinds() == [
        *["price_change"] * 2,
        *["last_trade_price"] * 2,
        *["book"] * 2,
        *["best_bid_ask"] * 2,
    ]
    messages = printed.last()
    assert len({message["timestamp"] for message in messages}) == 1
    hashes = [[entry["hash"] for entry in change["price_changes"]] for change in messages[:2]]
    books = {book["asset_id"]: book["hash"] for book in messages[4:6]}
    assert hashes == [[books[no], books[yes]]] * 2
    bests = {(e["best_bid"], e["best_ask"]) for c in messages[:2] for e in c["price_changes"]}
    assert bests == {("0.4", "0.61"), ("0.39", "0.6")}
    trades = [(m["asset_id"], m["price"], m["size"], m["side"]) for m in messages[2:4]]
    assert trades == [(yes, "0.6", "20", "BUY"), (yes, "0.61", "10", "BUY")]
    assert books.keys() == {yes, no}
    assert {book["last_trade_price"] for book in messages[4:6]} == {"0.610"}
    assert [frame.assets for frame in printed.batches[-1][4:]] == [(yes,), (no,)] * 2


def test_a_trade_names_its_transaction_and_the_takers_token(printed: Printed) -> None:
    _, no = entry_of(printed.sandbox, STANDARD_SLUG).listed.tokens()
    printed.api.rest(STANDARD_SLUG, BUY, 6_000, 5, is_no=True)
    (trade,) = [m for m in printed.last() if m["event_type"] == "last_trade_price"]
    assert (trade["asset_id"], trade["price"], trade["side"]) == (no, "0.6", "BUY")
    printed.api.advance(NS_PER_S)
    (record,) = printed.sandbox.history.trades_of(["0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"])
    assert trade["transaction_hash"] == record.transaction_hash
    assert len(record.transaction_hash) == 66


def test_actions_of_one_millisecond_have_times_of_their_own(printed: Printed) -> None:
    for _ in range(3):
        printed.api.rest(STANDARD_SLUG, BUY, 3_000, 20)
    stamps = [batch[0].ts_ms for batch in printed.batches[-3:]]
    assert stamps == [stamps[0], stamps[0] + 1, stamps[0] + 2]
    token = entry_of(printed.sandbox, STANDARD_SLUG).listed.market.yes_token
    assert printed.api.get("/book", token_id=token)["timestamp"] == str(stamps[-1])
    printed.api.rest(V2_SLUG, BUY, 3_000, 20)
    assert printed.batches[-1][0].ts_ms < stamps[0]


def test_numbers_run_over_all_markets(printed: Printed) -> None:
    printed.api.rest(V2_SLUG, BUY, 3_000, 20)
    printed.api.rest(STANDARD_SLUG, BUY, 6_000, 5)
    numbers = [frame.number for batch in printed.batches for frame in batch]
    assert numbers == list(range(1, len(numbers) + 1))


def test_best_prices_are_told_only_when_they_change(printed: Printed) -> None:
    printed.api.rest(STANDARD_SLUG, BUY, 3_500, 20)
    assert printed.kinds() == ["price_change"]
    printed.api.rest(STANDARD_SLUG, BUY, 4_500, 20)
    assert printed.kinds() == ["price_change", "best_bid_ask", "best_bid_ask"]
    keys = ("best_bid", "best_ask", "spread")
    told = [tuple(message[key] for key in keys) for message in printed.last()[1:]]
    assert told == [("0.45", "0.6", "0.15"), ("0.4", "0.55", "0.15")]


def test_an_empty_side_is_at_zero_or_one(printed: Printed) -> None:
    printed.api.rest(V2_SLUG, BUY, 3_000, 20)
    change, *_ = printed.last()
    bests = [(entry["best_bid"], entry["best_ask"]) for entry in change["price_changes"]]
    assert bests == [("0.3", "1"), ("0", "0.7")]


def test_a_new_tick_comes_with_both_books(printed: Printed) -> None:
    market = entry_of(printed.sandbox, STANDARD_SLUG).listed.market.market
    printed.api.rest(STANDARD_SLUG, BUY, 3_000, 20)
    printed.sandbox.change_tick(market, 1_000, printed.sandbox.now_ns)
    # Orders off the new grid go first, while it is still the old one for those who follow.
    assert printed.kinds() == [*["price_change"] * 2, *["tick_size_change"] * 2, *["book"] * 2]
    *_, tick, _, book, _ = printed.last()
    assert (tick["old_tick_size"], tick["new_tick_size"]) == ("0.01", "0.1")
    assert book["tick_size"] == "0.1"


def test_a_market_opens_with_empty_books_and_resolves_with_the_winner(printed: Printed) -> None:
    sandbox, now_ns = printed.sandbox, printed.sandbox.now_ns
    sandbox.add_event(EventTerms(slug="e", title="E", tags=(), start_ns=0, end_ns=0), now_ns)
    listing = Listing(market=make_market(9))
    sandbox.add_market("e", listing, MarketTerms(outcomes=("Up", "Down")), now_ns)
    sandbox.open_market(listing.market.market, now_ns)
    assert printed.kinds() == ["book", "book"]
    assert printed.last()[0]["bids"] == []
    sandbox.resolve_market(listing.market.market, 0, now_ns)
    assert printed.kinds() == ["market_resolved"]
    (message,) = printed.last()
    assert (message["winning_asset_id"], message["winning_outcome"]) == ("N9", "Down")
    (frame,) = printed.batches[-1]
    assert (frame.assets, frame.is_custom) == (("Y9", "N9"), True)
    assert not frame.is_exchange_wide


def test_what_still_rests_at_the_end_is_taken_out_first(printed: Printed) -> None:
    market = entry_of(printed.sandbox, STANDARD_SLUG).listed.market.market
    printed.sandbox.resolve_market(market, 10_000, printed.sandbox.now_ns)
    assert printed.kinds() == [*["price_change"] * 4, *["best_bid_ask"] * 2, "market_resolved"]
    assert {e["size"] for c in printed.last()[:4] for e in c["price_changes"]} == {"0"}


def test_in_a_tie_no_token_wins(printed: Printed) -> None:
    market = entry_of(printed.sandbox, SPORTS_SLUG).listed.market.market
    printed.sandbox.resolve_market(market, 5_000, printed.sandbox.now_ns)
    *_, message = printed.last()
    assert (message["winning_asset_id"], message["winning_outcome"]) == ("", "")


def test_what_changes_nothing_prints_nothing(printed: Printed) -> None:
    before = len(printed.batches)
    for slug in (STANDARD_SLUG, SPORTS_SLUG):
        market = entry_of(printed.sandbox, slug).listed.market.market
        if slug == SPORTS_SLUG:
            printed.sandbox.resolve_market(market, 0, printed.sandbox.now_ns)
            before += 1
        with pytest.raises(AssertionError, match=Rejected.__name__):
            printed.api.rest(slug, BUY, 5_000, 1)
    assert len(printed.batches) == before
