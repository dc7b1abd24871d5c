"""A sandbox on the network with a clock of ours, and a discovery that looks at it step by step."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from starlette.routing import Route

from hfptm import sections
from hfptm.lake import Lake
from hfptm.parquet import read_rows
from hfptm.records import EVENT, TakerDelay
from hfptm.registry import Market
from hfptm.sandbox.catalogue import EventTerms, MarketTerms, Tag
from hfptm.sandbox.listings import Listing, Role
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_S
from recorder.changes import Changes
from recorder.discovery import Discovery
from recorder.market_store import MarketStore
from tests.sandbox import make_market
from tests.sandbox_api import START_NS, entry_of, make_sandbox

ALL = sections.Discovery(min_volume_24h_usd=0, min_liquidity_usd=0)
"""Nothing has been traded in the sandbox of these tests."""


class House:
    """What a scenario works with; all times are those of `now_ns`."""

    def __init__(self, sandbox: Sandbox, lake: Lake, section: sections.Discovery) -> None:
        self.now_ns = START_NS
        self.sandbox, self.lake, self._section = sandbox, lake, section
        self.server: Server
        self.discovery: Discovery

    def new_discovery(self) -> Discovery:
        """As a recorder that starts now."""
        urls = sections.Servers(clob_url=self.server.clob_url, gamma_url=self.server.gamma_url)
        self.discovery = Discovery(self._section, urls, MarketStore(self.lake, self.now_ns), seed=1)
        return self.discovery

    async def step(self, after_s: float = 0, *, is_look: bool = True) -> Changes:
        self.now_ns += int(after_s * NS_PER_S)
        return await self.discovery.step(self.now_ns, is_look=is_look)

    def market(self, slug: str) -> Market:
        """As it should be discovered."""
        listing = self.server.run(lambda sandbox: entry_of(sandbox, slug).listed.listing)
        delay_ms, start_ns = 1_000 * listing.sd_s, listing.game_start_ns
        return msgspec.structs.replace(
            listing.market,
            game_delay_ms=delay_ms,
            game_start_ns=start_ns,
            taker_delay=TakerDelay.YES if listing.itode_ms else TakerDelay.NO,
        )

    def slugs(self, markets: list[Market]) -> set[str]:
        return {market.slug for market in markets}

    def resolve(self, slug: str, payout_e4: int) -> int:
        """The market's id."""
        market = self.market(slug).market
        self.server.run(lambda box: box.resolve_market(market, payout_e4, box.now_ns))
        return market

    def close(self, slug: str) -> int:
        market = self.market(slug).market
        self.server.run(lambda box: box.close_market(market, box.now_ns))
        return market

    def open(self, slug: str) -> int:
        market = self.market(slug).market
        self.server.run(lambda box: box.open_market(market, box.now_ns))
        return market

    def list_market(
        self,
        event: str,
        market: Market,
        role: Role = Role.NAMED,
        itode_ms: int = 0,
        **terms: Any,
    ) -> None:
        """On an event that exists, not open for orders yet."""

        def add(sandbox: Sandbox) -> None:
            head = sandbox.catalogue.of_slug(event)
            assert head is not None
            listing = Listing(
                market=market, event=head.terms.neg_risk_id, role=role, itode_ms=itode_ms
            )
            sandbox.add_market(event, listing, MarketTerms(**terms), sandbox.now_ns)

        self.server.run(add)

    def list_window(self, number: int, start_ns: int, minutes: int = 5, itode_ms: int = 0) -> str:
        """The slug of an up or down window, open for orders."""
        slug = f"sol-updown-{minutes}m-{start_ns // NS_PER_S}"
        end_ns = start_ns + minutes * 60 * NS_PER_S
        market = make_market(
            number,
            yes_token=str(number << 64 | 1),
            no_token=str(number << 64 | 2),
            slug=slug,
            category="crypto",
            end_ts_ns=end_ns,
        )
        terms = EventTerms(
            slug=slug,
            title=slug,
            tags=(Tag(21, "Crypto", "crypto"),),
            start_ns=start_ns,
            end_ns=end_ns,
            series_slug=f"sol-up-or-down-{minutes}m",
        )
        self.server.run(lambda sandbox: sandbox.add_event(terms, sandbox.now_ns))
        outcomes = ("Up", "Down")
        self.list_market(
            slug, market, itode_ms=itode_ms, outcomes=outcomes, window_start_ns=start_ns
        )
        self.open(slug)
        return slug

    def payouts_e4(self) -> dict[int, int]:
        """What the lake holds, by market id."""
        parts = [read_rows(path, EVENT) for path in self.lake.events_files()]
        return {int(row["market"]): int(row["price_e4"]) for rows in parts for row in rows}


def run(
    tmp_path: Path,
    scenario: Callable[[House], Coroutine[Any, Any, None]],
    section: sections.Discovery = ALL,
    further: tuple[Route, ...] = (),
) -> None:
    """A scenario on `make_sandbox`, whose twelve markets and two more are open."""
    house = House(make_sandbox(), Lake(tmp_path), section)

    async def main() -> None:
        async with house.new_discovery():
            await scenario(house)

    house.server = Server(house.sandbox, now_ns=lambda: house.now_ns, further=further)
    with house.server:
        asyncio.run(main())
