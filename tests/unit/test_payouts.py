"""Asking for payouts: Gamma first, the CLOB where Gamma leaves it open, none where they differ."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfptm.errors import VenueError
from hfptm.registry import Market
from hfptm.venue.listings import clob_condition
from hfptm.venue.resolutions import Resolution, Source
from recorder.payouts import Payouts
from recorder.rest import Rest
from tests.gamma import listed, market_json
from tests.gamma_server import Answer, ScriptedServer, ok

RESOLVED = {"closed": True, "umaResolutionStatus": "resolved", "outcomePrices": '["1", "0"]'}
V2 = {"version": "v2", "conditionId": "0x" + "12" * 31, "positionIds": ["5", "6"]}


def ask(
    markets: list[Market], gamma: object, clob: bytes = b"{}", status: int = 200
) -> tuple[dict[int, Resolution], list[str]]:
    """(what is known, what was asked)."""

    def answer(_number: int, path: str) -> Answer:
        is_gamma = path.startswith("/markets/keyset")
        return ok(json.dumps(gamma).encode()) if is_gamma else (status, clob, {})

    async def run() -> tuple[dict[int, Resolution], list[str]]:
        rng = np.random.default_rng(1)
        async with ScriptedServer(answer) as server, Rest(server.url, "server.x_url", rng) as rest:
            return await Payouts(rest, rest).ask(markets), server.asked

    return asyncio.run(run())


def market_of(**changes: Any) -> Market:
    return listed(1, **changes).market


def test_nothing_is_asked_about_nothing() -> None:
    assert ask([], {}) == ({}, [])


def test_gamma_alone_is_enough_and_knows_v2_by_its_own_ids() -> None:
    v1, v2 = market_of(), market_of(**V2)
    resolved = [
        market_json(1, **RESOLVED),
        market_json(2, **V2, **RESOLVED, resolutionStatus="resolved"),
    ]
    found, asked = ask([v1, v2], {"markets": resolved})
    assert {market: each.payout_e4 for market, each in found.items()} == {
        v1.market: 10_000,
        v2.market: 10_000,
    }
    assert {each.source for each in found.values()} == {Source.GAMMA}
    (path,) = asked
    assert path.startswith("/markets/keyset?closed=true&limit=2&condition_ids=")
    assert path.endswith(f"condition_ids={V2['conditionId']}")


def clob(market: Market, winner: int | None, *, is_tie: bool = False) -> bytes:
    tokens = [
        {"token_id": token, "winner": number == winner}
        for number, token in enumerate((market.yes_token, market.no_token))
    ]
    reply = {"condition_id": market.condition_id, "closed": True, "tokens": tokens}
    return json.dumps(reply | {"is_50_50_outcome": is_tie}).encode()


@pytest.mark.parametrize(
    ("prices", "winner", "is_tie", "payout_e4"),
    [
        (["1", "0"], 0, False, 10_000),
        (["0", "1"], 1, False, 0),
        (["0.5", "0.5"], None, True, 5_000),
        (["0.7", "0.3"], None, True, None),
        (["1", "0"], 1, False, None),
        (["1", "0"], None, False, None),
        (["0", "0"], 1, False, None),
    ],
)
def test_the_clob_decides_what_gamma_leaves_open_and_agrees_with(
    prices: list[str], winner: int | None, is_tie: bool, payout_e4: int | None
) -> None:
    market = market_of()
    gamma = {"markets": [market_json(1, closed=True, outcomePrices=json.dumps(prices))]}
    found, asked = ask([market], gamma, clob(market, winner, is_tie=is_tie))
    assert asked[1:] == [f"/markets/{clob_condition(market.condition_id)}"]
    assert [each.payout_e4 for each in found.values()] == ([] if payout_e4 is None else [payout_e4])
    assert {each.source for each in found.values()} <= {Source.CLOB}


def test_what_is_open_or_of_others_is_left_alone() -> None:
    market = market_of()
    gamma = {"markets": [market_json(1), market_json(9, **RESOLVED)]}
    found, asked = ask([market], gamma)
    assert (found, len(asked)) == ({}, 1)


def test_a_clob_that_knows_nothing_leaves_it_open() -> None:
    gamma = {"markets": [market_json(1, closed=True)]}
    assert ask([market_of()], gamma, status=404)[0] == {}


def test_a_reply_that_is_no_page_is_an_error() -> None:
    with pytest.raises(VenueError, match="answered with no page of markets"):
        ask([market_of()], {"events": []})


def test_real_replies_of_both(shared: Path) -> None:
    """Gamma closed this market without a word about its resolution."""
    folder = shared / "recordings" / "messages"
    name = "market_closed_binary_accepting_true.json"
    gamma = json.loads((folder / f"gamma_{name}").read_text())
    opened = {**gamma, "closed": False, "version": "v1"}
    market = listed(1, **opened).market
    found, _ = ask([market], {"markets": [gamma]}, (folder / f"clob_{name}").read_bytes())
    assert found[market.market].payout_e4 == 10_000
