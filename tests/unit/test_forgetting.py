"""What reads along while recording goes on for months: of markets that are gone nothing is kept."""

import gc
import tracemalloc
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from hfptm.book_check import BookCheck
from hfptm.normaliser.normaliser import Normaliser
from hfptm.raw import RawKind, Silence
from hfptm.records import GapReason
from hfptm.registry import Market
from hfptm.units import NS_PER_S
from tests.wire import RECV_NS, frame, levels, make_market

WAVE = 100
WAVE_NS = 7_200 * NS_PER_S
WARM, WAVES = 3, 9
EACH_BYTES = 100
"""Of a market that is gone: the places of its id in a hash table take 55 of them."""


class _Reader:
    """As `LiveBooks` reads: through the normaliser into the check of books."""

    def __init__(self) -> None:
        self._normaliser = Normaliser(())
        self._book = BookCheck((), room=3 * WAVE)
        self._ts_ns = RECV_NS
        for connection in (1, 11):
            self._receive(connection, RawKind.LINK_UP, b"")

    def wave(self, number: int) -> None:
        markets = [_market(number * WAVE + each) for each in range(WAVE)]
        for market in markets:
            self._normaliser.add_market(market)
            self._book.add(market, self._ts_ns)
            self._tell(market)
        for market in markets:
            self._normaliser.remove_market(market)
            self._book.end(market.market, self._ts_ns)
        assert len(self._book.take()) == WAVE
        assert self._normaliser.take_gaps() == []
        self._ts_ns += WAVE_NS

    def _tell(self, market: Market) -> None:
        told = {"market": market.condition_id}
        event = {"slug": market.slug, "description": "What it is about. " * 50}
        sides = {"bids": levels(("0.4", "10")), "asks": levels(("0.6", "10"))}
        gone = Silence([market.yes_token, market.no_token], GapReason.REMOVED)
        for kind, payload in (
            (RawKind.FRAME, frame("new_market", **told, event_message=event)),
            (RawKind.FRAME, frame("book", **told, asset_id=market.yes_token, **sides)),
            (RawKind.SILENCE, msgspec.json.encode(gone)),
        ):
            for connection in (1, 11):
                self._receive(connection, kind, payload)

    def _receive(self, connection: int, kind: RawKind, payload: bytes) -> None:
        self._normaliser.receive(self._ts_ns, connection // 10, connection, kind, payload)
        rows = self._normaliser.take()
        self._book.feed(np.asarray(rows))


def _market(number: int) -> Market:
    return make_market(f"0x{number << 193:064x}", f"{number}1", f"{number}2")


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_markets_that_come_and_go_leave_nothing() -> None:
    reader, sizes = _Reader(), []
    for number in range(1, WAVES + 1):
        reader.wave(number)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    kept_bytes = sizes[-1] - sizes[WARM - 1]
    assert kept_bytes < (WAVES - WARM) * WAVE * EACH_BYTES, sizes
