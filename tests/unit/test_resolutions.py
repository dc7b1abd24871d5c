"""Payouts: only what was said beyond doubt."""

import json
from pathlib import Path
from typing import Any

import pytest

from hfptm.venue.gamma import GammaMarket
from hfptm.venue.messages import MarketResolved, decode
from hfptm.venue.resolutions import Resolution, Source, of_clob, of_feed, of_gamma
from tests.gamma import condition, market_json, market_of


def gamma(**changes: Any) -> GammaMarket:
    resolved = {"closed": True, "umaResolutionStatus": "resolved", "outcomePrices": '["1", "0"]'}
    return market_of(market_json(1, **resolved | changes))


def payout(**changes: Any) -> int | None:
    found = of_gamma(gamma(**changes), condition(1))
    return found.payout_e4 if found else None


@pytest.mark.parametrize(
    ("changes", "payout_e4"),
    [
        ({}, 10_000),
        ({"outcomePrices": '["0", "1"]'}, 0),
        ({"outcomePrices": ["0.5", "0.5"]}, 5_000),
        ({"umaResolutionStatus": "settled"}, 10_000),
        ({"version": "v2", "resolutionStatus": "resolved", "umaResolutionStatus": None}, 10_000),
        ({"version": "v2"}, None),
        ({"umaResolutionStatus": "proposed"}, None),
        ({"umaResolutionStatus": None}, None),
        ({"closed": False}, None),
        ({"outcomePrices": '["0", "0"]'}, None),
        ({"outcomePrices": '["0.9995", "0.0005"]'}, None),
        ({"outcomePrices": '["1"]'}, None),
        ({"outcomePrices": None}, None),
        ({"outcomePrices": '["1", "x"]'}, None),
        ({"outcomePrices": '["0.50001", "0.49999"]'}, None),
    ],
)
def test_gamma(changes: dict[str, Any], payout_e4: int | None) -> None:
    assert payout(**changes) == payout_e4


@pytest.mark.parametrize(
    ("name", "payout_e4"),
    [
        ("gamma_market_closed_binary_accepting_false.json", 0),
        ("gamma_market_closed_binary_accepting_true.json", None),
        ("gamma_market_closed_nonbinary_legacy.json", None),
        ("gamma_market_closed_zero_zero_legacy.json", None),
        ("gamma_market_sports_market_money_line.json", 10_000),
        ("gamma_market.json", None),
    ],
)
def test_real_markets(shared: Path, name: str, payout_e4: int | None) -> None:
    """The one that was closed without a word about its resolution is left to the CLOB."""
    market = json.loads((shared / "recordings" / "messages" / name).read_text())
    found = market_of(market)
    resolution = of_gamma(found, found.condition_id)
    assert (resolution.payout_e4 if resolution else None) == payout_e4


@pytest.mark.parametrize(
    ("name", "payout_e4"),
    [
        ("clob_market_closed_binary_accepting_true.json", 10_000),
        ("clob_market_closed_binary_accepting_false.json", 0),
    ],
)
def test_real_markets_of_the_clob(shared: Path, name: str, payout_e4: int) -> None:
    payload = (shared / "recordings" / "messages" / name).read_bytes()
    market = json.loads(payload)
    found = of_clob(payload, market["tokens"][0]["token_id"])
    assert found == Resolution(
        condition_id=market["condition_id"], payout_e4=payout_e4, source=Source.CLOB
    )


def clob(winners: tuple[bool, ...] = (True, False), **changes: Any) -> int | None:
    market = {
        "condition_id": condition(1),
        "closed": True,
        "is_50_50_outcome": False,
        "tokens": [{"token_id": str(n), "winner": won} for n, won in enumerate(winners)],
    }
    found = of_clob(json.dumps(market | changes).encode(), yes_token="0")
    return found.payout_e4 if found else None


def test_clob() -> None:
    assert clob() == 10_000
    assert clob((False, True)) == 0
    assert clob((False, False)) is None
    assert clob((False, False), is_50_50_outcome=True) == 5_000
    assert clob((True, True)) is None
    assert clob((True,)) is None
    assert clob(closed=False) is None
    assert clob(tokens=[{"token_id": "8", "winner": True}, {"token_id": "9"}]) is None
    assert of_clob(b"<html>", "0") is None


def test_feed(shared: Path) -> None:
    payload = (shared / "recordings" / "messages" / "ws_market_resolved_msg.json").read_bytes()
    (message,) = decode(payload)
    assert isinstance(message, MarketResolved)
    yes, no = json.loads(payload)["assets_ids"]
    assert of_feed(message, yes, no) == Resolution(
        condition_id=message.market, payout_e4=10_000, source=Source.FEED
    )
    swapped = of_feed(message, no, yes)
    assert swapped is not None
    assert swapped.payout_e4 == 0
    assert of_feed(message, "1", "2") is None
