"""One market among a hundred falls silent: the recorder notices, heals and records it."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from hfptm import sections
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.config import Config
from hfptm.feed_status import FeedStatus
from hfptm.lake import Lake
from hfptm.raw import RawKind, Silence
from hfptm.records import GapReason
from hfptm.sandbox.faults_kinds import Lose
from hfptm.sandbox.market_frames import Published
from hfptm.sandbox.server import Server
from hfptm.sandbox.session import Session, Settings
from hfptm.units import NS_PER_S
from recorder.service import Service

MARKETS = 100
LIMIT_PATIENCES = 3
"""As 30 s are to the usual patience of 10 s."""


class Watched:
    def __init__(self) -> None:
        self.status: FeedStatus | None = None

    def note(self, status: FeedStatus) -> None:
        self.status = status

    async def until(self, is_true: Callable[[FeedStatus], bool], seconds: float) -> float:
        """How long it took."""
        begun_ns = monotonic_ns()
        while (taken_s := (monotonic_ns() - begun_ns) / NS_PER_S) < seconds:
            if self.status and is_true(self.status):
                return taken_s
            await asyncio.sleep(0.05)
        raise AssertionError(f"not so after {seconds} s: {self.status}")


def usual_silence_s(ts_ms: list[int]) -> float:
    """The longest one of the last minute: what is usual is how long the long ones are."""
    last_ms = [each for each in ts_ms if each > ts_ms[-1] - 60_000]
    return max(b - a for a, b in pairwise(last_ms)) / 1_000


@pytest.mark.parametrize(
    ("warm_s", "patience_ms"), [(5, 2_000), pytest.param(600, 10_000, marks=pytest.mark.soak)]
)
def test_silence_of_one_market_is_noticed_healed_and_recorded(
    warm_s: int, patience_ms: int, tmp_path: Path
) -> None:
    limit_s = LIMIT_PATIENCES * patience_ms / 1_000
    session = Session(Settings(seed=4, markets=MARKETS, rate=200), wall_ns())
    published: list[Published] = []
    session.feed.listeners.append(published.extend)
    watched = Watched()

    async def run(server: Server) -> tuple[str, float, float]:
        stop = asyncio.Event()
        config = Config(
            server=server.servers,
            discovery=sections.Discovery(min_volume_24h_usd=0, min_liquidity_usd=0),
            recorder=sections.Recorder(patience_ms=patience_ms),
        )
        service = Service(config, tmp_path, [watched.note])
        running = asyncio.create_task(service.run(stop))
        # The check of books may be compiled first.
        await watched.until(lambda status: status.markets >= MARKETS, 240)
        await watched.until(lambda status: status.books.frames > MARKETS, limit_s + 40)
        published.clear()
        await asyncio.sleep(warm_s)
        # A window may end meanwhile.
        lasting = [m for m in Lake(tmp_path).markets() if "-updown-" not in m.slug]
        recorded = {market.market: market for market in lasting}
        spoken = Counter(frame.market for frame in published if frame.market in recorded)
        ((market, _),) = spoken.most_common(1)
        rhythm_s = usual_silence_s([f.ts_ms for f in published if f.market == market])
        listed = recorded[market]
        assert watched.status is not None
        assert watched.status.missed == 0
        server.run(lambda sandbox: sandbox.faults.start(Lose(market=listed.slug)))
        taken_s = await watched.until(lambda status: status.healed >= 2, limit_s + 10)
        await asyncio.sleep(1)
        stop.set()
        await running
        return listed.yes_token, rhythm_s, taken_s

    with Server(session.sandbox, frames=session.feed) as server:
        token, rhythm_s, taken_s = asyncio.run(run(server))
    figures = f"usual silence {rhythm_s:.2f} s, healed in {taken_s:.2f} s"
    sys.stdout.write(f"{warm_s} s without alarm; {figures}\n")
    assert taken_s < rhythm_s + limit_s + 1, "a second between two statuses"
    said = [
        msgspec.json.decode(row["payload"], type=Silence)
        for table in Lake(tmp_path).scan_raw(tail=True)
        for row in table.to_pylist()
        if row["kind"] == RawKind.SILENCE
    ]
    # Windows that end meanwhile are removed, which is no silence.
    silences = [each.tokens for each in said if each.reason is GapReason.SILENCE]
    assert len(silences) == 2
    assert all(token in tokens for tokens in silences)
    assert watched.status is not None
    assert watched.status.missed == 2
    assert watched.status.reconnected == 0
