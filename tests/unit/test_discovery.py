"""Discovery against the sandbox's own HTTP server, in virtual time: from listing to payout."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hfptm import sections
from hfptm.errors import VenueError
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.sandbox.listings import Role
from hfptm.units import NS_PER_S
from hfptm.venue.messages import MarketResolved, NewMarket
from recorder import catalogue, rest
from recorder.changes import Changes, Ended
from recorder.discovery import Discovery
from recorder.market_store import MarketStore
from recorder.selection import Refused
from tests.discovery import House, run
from tests.gamma import NOW_NS, event_json, market_json, page
from tests.gamma_server import Answer, ScriptedServer, ok
from tests.sandbox import make_market
from tests.sandbox_api import NEG_RISK_SLUG, STANDARD_SLUG, START_NS, V2_SLUG

AUGMENTED_SLUG = "album-of-the-year"
MARKETS = 14


def test_everything_listed_is_added_and_stored_before(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        added = (await house.step()).add
        assert len(added) == MARKETS
        assert house.lake.markets() == sorted(added, key=lambda market: market.market)
        for market in added:
            truth = house.market(market.slug)
            fields = msgspec.structs.asdict(truth)
            differing = {name for name, value in fields.items() if getattr(market, name) != value}
            assert differing <= {"group", "valid_from_ns", "condition_id"}
        relations = {group.slug: group.relation for group in house.lake.groups()}
        assert relations == {
            "rate-decision-december": Relation.EXACTLY_ONE,
            "next-secretary-general": Relation.EXACTLY_ONE,
            "album-of-the-year": Relation.AT_MOST_ONE,
            "final": Relation.NONE,
        }
        assert not await house.step()
        assert house.discovery.status.recorded == MARKETS

    run(tmp_path, scenario)


def test_however_few_events_a_page_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PAGE_EVENTS", 1)

    async def scenario(house: House) -> None:
        assert len((await house.step()).add) == MARKETS

    run(tmp_path, scenario)


def test_filters_come_from_the_settings(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        # Nobody quotes: only the windows pass, which are measured by their series.
        assert all("updown" in slug for slug in house.slugs((await house.step()).add))
        refused = house.discovery.status.refused
        assert refused[Refused.LOW_VOLUME] + refused[Refused.LOW_LIQUIDITY] == MARKETS - 2

    run(tmp_path, scenario, sections.Discovery())


def test_changed_rules_are_told_and_stored_with_their_time(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        market = house.market(STANDARD_SLUG).market
        house.server.run(lambda box: box.change_tick(market, 10, box.now_ns))
        changes = await house.step(60)
        assert (changes.add, changes.remove) == ([], {})
        assert [(each.slug, each.tick_e4) for each in changes.updated] == [(STANDARD_SLUG, 10)]
        versions = [each for each, _ in house.lake.market_versions() if each.market == market]
        assert [each.tick_e4 for each in versions] == [100, 10]
        assert [each.valid_from_ns for each in versions] == [START_NS, house.now_ns]

    run(tmp_path, scenario)


@pytest.mark.parametrize(("slug", "payout_e4"), [(STANDARD_SLUG, 0), (V2_SLUG, 10_000)])
def test_payouts_are_asked_for_stored_and_end_the_recording(
    tmp_path: Path, slug: str, payout_e4: int
) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        market = house.resolve(slug, payout_e4)
        # Of an event with other members it is seen closed; the only one is missing with its event.
        why = Ended.CLOSED if slug == V2_SLUG else Ended.RESOLVED
        assert (await house.step(60)).remove == {market: why}
        assert house.payouts_e4() == {market: payout_e4}
        assert house.discovery.status.resolved == {"gamma": 1}
        assert not await house.step(60)

    run(tmp_path, scenario)


def test_a_tie_pays_half(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        market = house.resolve(STANDARD_SLUG, 5_000)
        await house.step(60)
        assert house.payouts_e4() == {market: 5_000}

    run(tmp_path, scenario)


def test_a_payout_that_gamma_would_not_vouch_for_is_left_open(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        house.resolve(STANDARD_SLUG, 7_000)
        await house.step(60)
        assert house.payouts_e4() == {}

    run(tmp_path, scenario)


def test_a_market_that_ended_is_asked_about_without_a_look(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        end_ns = house.market(STANDARD_SLUG).end_ts_ns
        assert not await house.step((end_ns - house.now_ns) / NS_PER_S, is_look=False)
        market = house.resolve(STANDARD_SLUG, 10_000)
        assert not await house.step(14, is_look=False)
        changes = await house.step(1, is_look=False)
        assert changes.remove == {market: Ended.RESOLVED}
        assert changes.paid == house.payouts_e4() == {market: 10_000}

    run(tmp_path, scenario)


def resolved_frame(house: House, slug: str, winner: str) -> MarketResolved:
    market = house.market(slug)
    winning = {"yes": market.yes_token, "no": market.no_token, "other": "5"}[winner]
    return MarketResolved(winning_asset_id=winning, market=market.condition_id)


def test_payouts_are_listened_for(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        market = house.market(STANDARD_SLUG).market
        house.discovery.hear_resolved(resolved_frame(house, STANDARD_SLUG, "other"), house.now_ns)
        assert not await house.step(is_look=False)
        house.discovery.hear_resolved(resolved_frame(house, STANDARD_SLUG, "no"), house.now_ns)
        assert (await house.step(5, is_look=False)).remove == {market: Ended.RESOLVED}
        assert house.payouts_e4() == {market: 0}
        assert house.discovery.status.resolved == {"feed": 1}
        # Gamma still lists it as open, and is not believed any more.
        assert not await house.step(60)
        assert not await house.step(60)

    run(tmp_path, scenario)


def test_a_new_market_waits_until_the_clob_has_its_book(tmp_path: Path) -> None:
    missing = {"left": 3, "asked": 0}

    async def book(request: Request) -> Response:
        missing["asked"] += 1
        missing["left"] -= 1
        return Response(b"{}", 404 if missing["left"] >= 0 else 200)

    async def scenario(house: House) -> None:
        # All markets were listed this moment; the clock says they are old, but for one.
        house.now_ns += 3_600 * NS_PER_S
        await house.step()
        slug = house.list_window(50, house.now_ns + 300 * NS_PER_S)
        assert missing["asked"] == 0
        changes = await house.step()
        assert not changes
        assert changes.waiting == [house.market(slug).market]
        assert house.discovery.status.waiting == 1
        for after_s, asked in ((4, 1), (1, 2), (9, 2), (1, 3), (19, 3)):
            assert not await house.step(after_s, is_look=False)
            assert missing["asked"] == asked
        changes = await house.step(1, is_look=False)
        assert (house.slugs(changes.add), changes.waiting) == ({slug}, [])
        assert house.discovery.status.waiting == 0

    run(tmp_path, scenario, further=(Route("/book", book),))


def test_short_windows_roll_over_with_an_overlap(tmp_path: Path) -> None:
    """Each is recorded before it starts, and until its payout is known after the next began."""

    async def scenario(house: House) -> None:
        first_ns = START_NS + 1_800 * NS_PER_S
        starts_ns = {
            house.list_window(100 + n, first_ns + n * 300 * NS_PER_S): first_ns + n * 300 * NS_PER_S
            for n in range(12)
        }
        added_ns: dict[str, int] = {}
        removed_ns: dict[str, int] = {}
        ids = {house.market(slug).market: slug for slug in starts_ns}
        for _ in range(100):
            for slug, start_ns in starts_ns.items():
                if start_ns + 400 * NS_PER_S <= house.now_ns < start_ns + 460 * NS_PER_S:
                    house.resolve(slug, 10_000)
            changes = await house.step(60)
            added_ns |= {each.slug: house.now_ns for each in changes.add if each.slug in starts_ns}
            removed_ns |= {ids[each]: house.now_ns for each in changes.remove if each in ids}
        for slug, start_ns in starts_ns.items():
            assert 840 * NS_PER_S <= start_ns - added_ns[slug] <= 900 * NS_PER_S
            assert 400 * NS_PER_S <= removed_ns[slug] - start_ns <= 520 * NS_PER_S
        assert house.payouts_e4().keys() == ids.keys()
        # The two windows that nobody resolved are dead, and still asked about.
        assert house.discovery.status.recorded == MARKETS - 2
        assert house.discovery.status.unresolved == MARKETS

    run(tmp_path, scenario)


def test_a_market_that_takes_no_orders_for_a_moment_stays(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        market = house.close(NEG_RISK_SLUG)
        for _ in range(catalogue.MISSES_MAX):
            assert market not in (await house.step(60)).remove
        house.open(NEG_RISK_SLUG)
        assert not (await house.step(60)).remove
        house.close(NEG_RISK_SLUG)
        for _ in range(catalogue.MISSES_MAX):
            assert not (await house.step(60)).remove
        assert (await house.step(60)).remove == {market: Refused.NOT_LISTED}

    run(tmp_path, scenario)


def announcement(slug: str, event: object) -> NewMarket:
    return NewMarket(market="0x1", slug=slug, event_message={"slug": event})


def test_announcements_of_what_concerns_us_are_looked_up(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        event = f"{AUGMENTED_SLUG}"
        new = make_market(77, yes_token="7701", no_token="7702", slug="west", neg_risk=True)
        house.list_market(event, new, Role.PLACEHOLDER)
        house.open("west")
        for noise in (
            announcement("x", "of-others"),
            announcement("x", 5),
            announcement("x", None),
        ):
            house.discovery.hear_new_market(noise)
        assert not await house.step(is_look=False)
        house.discovery.hear_new_market(announcement("west", event))
        changes = await house.step(is_look=False)
        assert house.slugs(changes.add) == {"west"}
        assert len(changes.updated) == 2
        assert (house.discovery.status.hints, house.discovery.status.noise) == (1, 3)
        (group,) = [g for g in house.lake.groups() if g.slug == event]
        assert (group.members, group.relation) == (3, Relation.AT_MOST_ONE)

        window = house.list_window(50, house.now_ns)
        house.discovery.hear_new_market(announcement(window, window))
        assert house.slugs((await house.step(is_look=False)).add) == {window}

    run(tmp_path, scenario)


def test_what_a_former_run_left_unresolved_is_asked_about(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.step()
        market = house.resolve(STANDARD_SLUG, 10_000)
        house.now_ns += 3_600 * NS_PER_S
        async with house.new_discovery():
            assert market not in {each.market for each in (await house.step()).add}
        assert house.payouts_e4() == {market: 10_000}

    run(tmp_path, scenario)


def test_without_a_network_the_first_look_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "FIRST_WAIT_S", 0.001)
    nowhere = sections.Servers(clob_url="http://127.0.0.1:9", gamma_url="http://127.0.0.1:9")

    async def first_change() -> Changes:
        store = MarketStore(Lake(tmp_path), START_NS)
        async with Discovery(sections.Discovery(), nowhere, store, seed=1) as discovery:
            return await asyncio.wait_for(anext(discovery.changes()), 30)

    message = r"^http://127.0.0.1:9/events/keyset: no answer .*; check the network and server.gamma"
    with pytest.raises(VenueError, match=message):
        asyncio.run(first_change())


def test_while_the_exchange_is_away_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "FIRST_WAIT_S", 0.001)
    listing = page(event_json(market_json(1)))

    async def scenario() -> None:
        async with ScriptedServer(lambda _n, _path: ok(listing)) as server:
            urls = sections.Servers(clob_url=server.url, gamma_url=server.url)
            store = MarketStore(Lake(tmp_path), NOW_NS)
            discovery = await stack.enter_async_context(
                Discovery(sections.Discovery(), urls, store, seed=1)
            )
            assert len((await discovery.step(NOW_NS, is_look=True)).add) == 1
        for away_s in range(60, 600, 60):
            assert not await discovery.step(NOW_NS + away_s * NS_PER_S, is_look=True)
        status = discovery.status
        assert (status.recorded, status.looks, status.problems) == (1, 1, 9)
        assert "no answer" in status.last_problem

    async def main() -> None:
        async with stack:
            await scenario()

    stack = AsyncExitStack()
    asyncio.run(main())


@pytest.mark.parametrize("nonsense", [b"<html>", b"{}", b'{"events": 5}'])
def test_a_reply_that_is_no_page_changes_nothing(tmp_path: Path, nonsense: bytes) -> None:
    pages = [page(event_json(market_json(1))), nonsense]

    def reply(_number: int, path: str) -> Answer:
        if not path.startswith("/events/"):
            return 404, b"", {}
        return ok(pages.pop(0) if pages else page())

    async def scenario() -> None:
        async with ScriptedServer(reply) as server:
            urls = sections.Servers(clob_url=server.url, gamma_url=server.url)
            store = MarketStore(Lake(tmp_path), NOW_NS)
            async with Discovery(sections.Discovery(), urls, store, seed=1) as discovery:
                assert len((await discovery.step(NOW_NS, is_look=True)).add) == 1
                assert not await discovery.step(NOW_NS, is_look=True)
                assert "answered with no page of events" in discovery.status.last_problem
                # An empty listing is a page: the market is missing, and in the end removed.
                removals = [await discovery.step(NOW_NS, is_look=True) for _ in range(4)]
                assert [bool(changes) for changes in removals] == [False, False, False, True]

    asyncio.run(scenario())


def test_the_stream_begins_with_everything_and_goes_on_with_what_is_heard(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.new_discovery() as discovery:
            stream = discovery.changes()
            assert len((await anext(stream)).add) > 0
            slug = NEG_RISK_SLUG
            discovery.hear_resolved(resolved_frame(house, slug, "yes"), house.now_ns)
            changes = await asyncio.wait_for(anext(stream), 5)
            assert changes.remove == {house.market(slug).market: Ended.RESOLVED}
            await stream.aclose()

    run(tmp_path, scenario)
