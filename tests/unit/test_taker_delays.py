"""Whether markets delay what would take, asked of the CLOB while discovery runs."""

from pathlib import Path

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hfptm.records import TakerDelay
from hfptm.registry import Market
from hfptm.units import NS_PER_S
from recorder import rest, taker_delays
from tests.discovery import House, run
from tests.sandbox_api import START_NS

RULES = "/clob-markets/{condition_id}"


def delays(markets: list[Market]) -> list[TakerDelay]:
    return [market.taker_delay for market in markets]


def test_a_few_at_a_time_up_or_down_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taker_delays, "AT_ONCE", 2)

    async def scenario(house: House) -> None:
        for number in (50, 51):
            house.list_window(number, START_NS + number * NS_PER_S, itode_ms=150)
        added = (await house.step()).add
        known = [market for market in added if market.taker_delay]
        assert len(known) == 2
        assert all("updown" in market.slug for market in known)
        assert len(added) % 2 == 0
        for _ in range(len(added) // 2 - 1):
            updated = (await house.step(5, is_look=False)).updated
            assert len(updated) == 2
            assert TakerDelay.UNKNOWN not in delays(updated)
        assert not await house.step(5, is_look=False)
        assert not await house.step(60)
        markets = house.lake.markets()
        assert delays(markets) == delays([house.market(market.slug) for market in markets])
        assert {TakerDelay.NO, TakerDelay.YES} == set(delays(markets))

    run(tmp_path, scenario)


def test_a_clob_that_fails_is_asked_again_and_markets_are_recorded_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "FIRST_WAIT_S", 0.001)
    status_code = 503

    async def reply(_request: Request) -> Response:
        return Response(b'{"itode":true}', status_code)

    async def scenario(house: House) -> None:
        nonlocal status_code
        added = (await house.step()).add
        assert set(delays(added)) == {TakerDelay.UNKNOWN}
        assert house.discovery.status.problems == 1
        status_code = 200
        updated = (await house.step(5, is_look=False)).updated
        assert len(updated) == len(added)
        assert set(delays(updated)) == {TakerDelay.YES}

    run(tmp_path, scenario, further=(Route(RULES, reply),))


def test_who_is_forgotten_is_asked_about_again(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        added = (await house.step()).add
        market = added[0]
        rng = np.random.default_rng(1)
        async with rest.Rest(house.server.clob_url, "server.clob_url", rng) as clob:
            found = taker_delays.TakerDelays(clob)
            assert await found.ask([market]) == {market.market}
            assert await found.ask([market]) == set()
            assert found.noted(market).taker_delay == TakerDelay.NO
            found.forget([market.market])
            assert found.noted(market).taker_delay == TakerDelay.UNKNOWN
            assert await found.ask([market]) == {market.market}

    run(tmp_path, scenario)


@pytest.mark.parametrize("payload", [None, b"", b"[]", b"{}", b'{"itode":null}', b'{"itode":"no"}'])
def test_without_a_clear_word_it_stays_unknown(payload: bytes | None) -> None:
    assert taker_delays.of_clob(payload) is TakerDelay.UNKNOWN
