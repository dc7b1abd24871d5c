"""Discovery of the sandbox's own world, where windows and games come and go, for forty minutes."""

import asyncio
from pathlib import Path

from hfptm import sections
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.parquet import read_rows
from hfptm.records import EVENT
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.server import Server
from hfptm.sandbox.session import Session, Settings
from hfptm.units import NS_PER_S
from recorder.discovery import Discovery
from recorder.market_store import MarketStore
from tests.sandbox_api import START_NS

MINUTE_NS = 60 * NS_PER_S
MINUTES = 40
EVERYTHING = sections.Discovery(min_volume_24h_usd=0, min_liquidity_usd=0)


class Log:
    """When each market came and went, by slug and by id."""

    def __init__(self) -> None:
        self.added_ns: dict[str, int] = {}
        self.removed_ns: dict[int, int] = {}


async def watch(server: Server, clock: list[int], lake: Lake) -> Log:
    log = Log()
    servers = sections.Servers(clob_url=server.clob_url, gamma_url=server.gamma_url)
    async with Discovery(EVERYTHING, servers, MarketStore(lake, START_NS), seed=1) as discovery:
        for _ in range(MINUTES):
            changes = await discovery.step(clock[0], is_look=True)
            log.added_ns |= {market.slug: clock[0] for market in changes.add}
            log.removed_ns |= dict.fromkeys(changes.remove, clock[0])
            clock[0] += MINUTE_NS
        assert discovery.status.problems == 0
        assert discovery.status.refused.keys() <= {"not_open", "too_early"}
    return log


def test_windows_are_recorded_before_they_start_and_paid_out_after_they_end(tmp_path: Path) -> None:
    session = Session(Settings(seed=3, markets=60, rate=2), START_NS)
    clock, lake = [START_NS], Lake(tmp_path)
    with Server(session.sandbox, now_ns=lambda: clock[0], frames=session.feed) as server:
        log = asyncio.run(watch(server, clock, lake))
        entries = server.run(lambda sandbox: list(sandbox.catalogue.markets))
    windows = [entry for entry in entries if "-updown-" in entry.listed.market.slug]
    begun = [w for w in windows if START_NS < w.terms.window_start_ns <= clock[0] - 2 * MINUTE_NS]
    assert len(begun) > 20
    for window in begun:
        ahead_ns = window.terms.window_start_ns - log.added_ns[window.listed.market.slug]
        assert ahead_ns > 0, window.listed.market.slug
    truth = {
        entry.listed.market.market: entry.listed.payout_e4
        for entry in entries
        if entry.listed.phase is Phase.RESOLVED
    }
    parts = [read_rows(path, EVENT) for path in lake.events_files()]
    stored = {int(row["market"]): int(row["price_e4"]) for rows in parts for row in rows}
    assert stored.items() <= truth.items()
    # What resolved after the last question is not known yet.
    assert len(truth) - len(stored) <= 6
    assert len(stored) > 20
    assert stored.keys() <= log.removed_ns.keys()
    relations = {group.relation for group in lake.groups()}
    assert {Relation.EXACTLY_ONE, Relation.AT_MOST_ONE, Relation.NESTED} <= relations
