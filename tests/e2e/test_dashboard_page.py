"""The dashboard's page in Chromium, over a dashboard that tests tell bulletins to."""

import itertools
import json
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from hfptm.bulletin import Bulletin
from hfptm.clock import monotonic_ns
from hfptm.drive.kill_switch import reason_of
from hfptm.trading_status import PositionView
from hfptm.units import NS_PER_S
from tests.browser import Opened, Scheme, chromium, visited
from tests.bulletins import BOOK, MARKET, OPPORTUNITY, PAPER, PLAN, RECORDING, TRADING, busy, later
from tests.dashboards import TOKEN, Served, dashboard

PHONE_PX = 390
TOUCH_PX = 44
PAGE_BYTES_MAX = 200_000
COST_S, COST_MAX = 10, 0.05
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline"]
EVIL = "will-</b><img src=x onerror=alert(1)>-<script>alert(2)</script>-" + "long-" * 40


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with dashboard(tmp_path / "data") as served:
        yield served


@pytest.fixture
def visit(served: Served, browser: Browser) -> Iterator[Opened]:
    """A page of a paper run; it ends without a complaint, having asked nobody else."""
    served.tell()
    with visited(browser, served.url, width_px=1_400) as found:
        expect(found.page.locator("#mode")).to_have_text("paper")
        yield found
        assert found.complaints == []
        assert all(address.startswith(served.url) for address in found.requests)


def trading(**changed: object) -> Bulletin:
    return msgspec.structs.replace(PAPER, trading=msgspec.structs.replace(TRADING, **changed))


def fact(page: Page, section: str, name: str) -> str:
    row = page.locator(f"{section} > div").filter(has=page.get_by_text(name, exact=True))
    return row.locator("dd").inner_text()


def test_figures_are_the_bulletins(served: Served, visit: Opened) -> None:
    money = msgspec.structs.replace(
        TRADING.money, realised_e6=1_234_565_000, result_e6=1_231_150_001, unrealised_e6=-3_414_999
    )
    served.tell(trading(money=money))
    page = visit.page
    expect(page.locator("#profit-all")).to_have_text("+$1,232.15")
    assert fact(page, "#money", "Realised") == "+$1,234.57"
    assert fact(page, "#money", "Locked in") == "+$1.00"
    assert fact(page, "#money", "Marked") == "−$3.41"
    assert fact(page, "#money", "Cash") == "$900.00"
    assert fact(page, "#capture-facts", "Displayed").startswith("3 ·")
    assert page.locator("#capture-share").inner_text() == "67 %"
    assert "Too few" in page.locator("#capture-few").inner_text()
    cells = page.locator("#plans-table tbody tr").first.locator("th, td").all_text_contents()
    assert "will-it-rain" in cells
    assert "completed" in cells
    assert "+$0.23" in cells
    assert "$0.00 of $0.00" in page.locator("#limits-list").inner_text()


def test_money_is_rounded_as_decimals_are(visit: Opened) -> None:
    seeded = np.random.default_rng(5)
    drawn = seeded.integers(-(10**15), 10**15, 200).tolist()
    edges = [0, 4_999, 5_000, -4_999, -5_000, 9_994_999, 9_995_000, 10**15 + 5_000, -(10**9)]
    values = edges + drawn + [value // 10**9 for value in drawn]
    for unit in ("usd", "signedUsd", "shares"):
        told = visit.page.evaluate(
            "async ([unit, all]) => all.map((await import('/static/format.js'))[unit])",
            [unit, values],
        )
        assert told == [written(value, unit) for value in values]


def written(value_e6: int, unit: str) -> str:
    cents = (Decimal(value_e6) / 10_000).quantize(Decimal(1), ROUND_HALF_UP)
    sign = "−" if cents < 0 else "+" if cents > 0 and unit == "signedUsd" else ""
    return f"{sign}{'' if unit == 'shares' else '$'}{abs(cents) / 100:,.2f}"


def test_news_are_there_within_a_second(served: Served, visit: Opened) -> None:
    visit.page.locator("#opportunities-table tbody tr").first.wait_for()
    for serial in (2, 3):
        seen = msgspec.structs.replace(OPPORTUNITY, serial=serial, slug=f"number-{serial}")
        before_ns = monotonic_ns()
        served.tell(trading(opportunities=[seen, OPPORTUNITY]))
        visit.page.get_by_text(f"number-{serial}").wait_for()
        assert monotonic_ns() - before_ns < NS_PER_S


def test_words_of_others_are_words(served: Served, visit: Opened) -> None:
    seen = msgspec.structs.replace(OPPORTUNITY, serial=2, kind="binary", slug=EVIL)
    planned = msgspec.structs.replace(PLAN, serial=2, slug=EVIL)
    told = trading(opportunities=[seen], plans=[planned], latch=EVIL, refusals={EVIL: 3})
    served.tell(msgspec.structs.replace(told, problems=[EVIL]))
    page = visit.page
    expect(page.locator("#opportunities-table .slug")).to_have_text(EVIL)
    expect(page.locator("#health-why")).to_contain_text(EVIL)
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 1_400


def test_a_recorder_shows_no_trading(served: Served, visit: Opened) -> None:
    served.tell(RECORDING)
    page = visit.page
    expect(page.locator("#mode")).to_have_text("record")
    assert page.locator(".trading:visible").count() == 0
    assert page.locator("#feed, #disk, #latencies, #book").count() == 4
    assert not page.locator("#kill-open").is_visible()
    assert fact(page, "#tiles-recording", "Markets") == "0"


def test_nothing_and_dead_and_ended_are_told_apart(served: Served, browser: Browser) -> None:
    with visited(browser, served.url) as found:
        word, body = found.page.locator("#health-word"), found.page.locator("body")
        expect(word).to_have_text("Nothing runs")
        served.tell()
        expect(word).to_have_text("Starting")
        expect(body).not_to_have_class("stale")
        served.tell(age_ns=40 * NS_PER_S)
        expect(word).to_have_text(re.compile("Died 4. s ago"))
        expect(body).to_have_class("stale")
        expect(found.page.locator("#announcer")).to_contain_text("did not say that it ends")
        served.tell(msgspec.structs.replace(PAPER, ended="failed: no space"))
        expect(word).to_have_text(re.compile("Failed . s ago"))
        served.tell(msgspec.structs.replace(PAPER, ended="stopped"), age_ns=3 * NS_PER_S)
        expect(word).to_have_text(re.compile("Ended . s ago"))
        assert found.complaints == []


def test_what_is_wrong_is_said_first(served: Served, visit: Opened) -> None:
    page = visit.page
    started = msgspec.structs.replace(PAPER.feed, ran_s=9.0)
    well = msgspec.structs.replace(PAPER, feed=started)
    served.tell(well)
    expect(page.locator("#health-word")).to_have_text("Healthy")
    served.tell(msgspec.structs.replace(well, problems=["one thing", "another"]))
    expect(page.locator("#health-word")).to_have_text("2 problems")
    expect(page.locator("#link")).to_have_attribute("data-tone", "warn")
    assert page.locator("#health-why li").all_inner_texts() == ["one thing", "another"]
    lost = trading(latch="drawdown", latch_limit=100_000_000, latch_value=104_200_000)
    served.tell(msgspec.structs.replace(lost, feed=started))
    expect(page.locator("#health-word")).to_have_text("Stopped buying")
    expect(page.locator("#health-why")).to_contain_text("$104.20 lost, $100.00 allowed")
    assert page.title().startswith("✕")


def test_the_kill_switch_is_confirmed_with_a_reason(served: Served, visit: Opened) -> None:
    page = visit.page
    page.locator("#kill-open").click()
    page.locator("#kill-cancel").click()
    page.locator("#kill-open").click()
    page.locator("#kill-confirm").click()
    assert page.locator("#kill").is_visible(), "no reason was given"
    assert reason_of(served.data) is None
    page.locator("#kill-reason").fill("prices look wrong")
    page.locator("#kill-confirm").click()
    expect(page.locator("#kill")).not_to_be_visible()
    expect(page.locator("#health-word")).to_have_text("Killed: no order leaves")
    expect(page.locator("#kill-open")).to_be_disabled()
    assert reason_of(served.data) == "dashboard: prices look wrong"


def test_a_kill_that_fails_says_so(served: Served, visit: Opened) -> None:
    answer = '{"error": "no space left"}'
    visit.page.route("**/kill", lambda route: route.fulfill(status=503, body=answer))
    visit.page.locator("#kill-open").click()
    visit.page.locator("#kill-reason").fill("why")
    visit.page.locator("#kill-confirm").click()
    expect(visit.page.locator("#kill-said")).to_contain_text("NOT thrown: no space left")
    visit.complaints.clear()  # the browser's own, of the answer


def test_nothing_lies_beyond_the_edge_of_a_phone(served: Served, browser: Browser) -> None:
    """And what a finger is meant for is large enough."""
    positions = [
        PositionView(
            market=MARKET,
            slug=EVIL,
            event_slug="",
            token="yes",
            size_e6=10**13,
            cost_e6=-(10**13),
            bid_e6=None,
            locked_size_e6=0,
            alone_since_ns=0,
        )
    ]
    seen = msgspec.structs.replace(OPPORTUNITY, kind="binary", displayed_e6=10**13)
    served.tell(trading(positions=positions, positions_count=1, opportunities=[seen]))
    with visited(browser, served.url, width_px=PHONE_PX) as found:
        page = found.page
        page.locator("#positions-table tbody tr").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE_PX
        places = page.locator("button:visible, .ranges label:visible, input:visible, summary")
        for place in places.all():
            box = place.bounding_box()
            assert box
            is_row = "slug" in (place.get_attribute("class") or "")
            inside = place.locator("xpath=ancestor::tr").bounding_box() if is_row else box
            if place.get_attribute("name") is None:
                assert inside
                assert inside["height"] >= TOUCH_PX, place
        right = "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
        assert page.eval_on_selector_all("main *:not(.unseen)", right) <= PHONE_PX
        assert found.complaints == []


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_text_stands_out_in_light_and_dark(
    served: Served, browser: Browser, scheme: Scheme, is_dark: bool
) -> None:
    served.tell()
    with visited(browser, served.url, scheme) as found:
        page = found.page
        page.locator("#plans-table tbody tr").wait_for()
        assert page.evaluate(_CONTRASTS) == []
        assert brightness(page) < 128 if is_dark else brightness(page) > 128
        page.locator("#theme").click()
        assert page.evaluate(_CONTRASTS) == []
        assert brightness(page) > 128 if is_dark else brightness(page) < 128
        page.reload()
        page.locator("#plans-table tbody tr").wait_for()
        assert brightness(page) > 128 if is_dark else brightness(page) < 128
        assert found.complaints == []


def brightness(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour))) / 3


_CONTRASTS = """() => {
    const linear = (c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const light = (c) => linear(c / 255);
    const parts = (c) => c.match(/[\\d.]+/g).map(Number);
    const bright = ([r, g, b]) => .2126 * light(r) + .7152 * light(g) + .0722 * light(b);
    const ground = (e) => {
        for (; e; e = e.parentElement) {
            const found = parts(getComputedStyle(e).backgroundColor);
            if (found.length === 3 || found[3] > 0) return found;
        }
        return [255, 255, 255];
    };
    const words = [...document.querySelectorAll("main *, header *")].filter((e) =>
        e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
    return words.map((e) => {
        const [a, b] = [bright(parts(getComputedStyle(e).color)), bright(ground(e))];
        return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.className, e.textContent];
    }).filter(([contrast]) => contrast < 4.5);
}"""


def test_it_can_be_used_without_eyes_and_without_a_mouse(visit: Opened) -> None:
    page = visit.page
    page.locator("#plans-table tbody tr").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name"))
    assert {"theme", "kill-open", "range", "opportunities-pause", "plans-table", "book-search"} <= (
        reached
    )
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert page.locator("table").count() == page.locator("table > caption").count()
    assert page.locator("section:not([aria-labelledby])").count() == 0
    assert page.locator("button:visible").evaluate_all(
        "all => all.every(b => b.textContent.trim() || b.ariaLabel)"
    )
    described = page.locator(".plot[role=img]").evaluate_all("all => all.map(p => p.ariaLabel)")
    assert len(described) == 3
    assert all(described)
    assert page.locator("[aria-live]:not(#announcer)").count() == 0


def test_what_one_reads_stays_where_it_is(served: Served, visit: Opened) -> None:
    """New rows come on top: out of sight if one has scrolled, or later if one pauses."""
    page, box = visit.page, visit.page.locator("#opportunities-table")
    many = busy(200)
    assert many.trading
    served.tell(trading(opportunities=many.trading.opportunities[100:][::-1]))
    page.get_by_text("will-it-rain-on-day-199", exact=True).wait_for()
    box.evaluate("box => { box.scrollTop = 1000; }")
    row = page.get_by_text("will-it-rain-on-day-170", exact=True)
    page.wait_for_timeout(100)
    before = row.bounding_box()
    newer = [msgspec.structs.replace(OPPORTUNITY, serial=n, slug=f"new-{n}") for n in (501, 500)]
    served.tell(trading(opportunities=[*newer, *many.trading.opportunities[100:][::-1]]))
    page.get_by_text("new-501").wait_for(state="attached")
    assert row.bounding_box() == before
    page.locator("#opportunities-pause").click()
    newest = msgspec.structs.replace(OPPORTUNITY, serial=502, slug="new-502")
    served.tell(trading(opportunities=[newest, *newer]))
    expect(page.locator("#opportunities-pause")).to_have_text("Go on (1 new)")
    assert page.get_by_text("new-502").count() == 0
    page.locator("#opportunities-pause").click()
    page.get_by_text("new-502").wait_for()


def test_only_what_changed_is_written(served: Served, visit: Opened) -> None:
    """Rows stay the same elements, and a bulletin without news touches no table."""
    page = visit.page
    many = busy(200)
    served.tell(many)
    page.get_by_text("will-it-rain-on-day-7", exact=True).wait_for()
    page.evaluate(
        """() => {
            window.changes = 0;
            for (const table of document.querySelectorAll("table"))
                new MutationObserver((all) => { window.changes += all.length; })
                    .observe(table, {childList: true, subtree: true, characterData: true});
        }"""
    )
    served.tell(later(many, 0, problems=["told again"]))
    expect(page.locator("#health-why")).to_have_text("told again")
    assert page.evaluate("window.changes") == 0


@pytest.mark.soak
def test_two_updates_a_second_cost_little(served: Served, visit: Opened, browser: Browser) -> None:
    """Of one core, by the thread's own clock, with full lists of which each tells something new.
    `python -m pytest -m soak tests/e2e/test_dashboard_page.py`"""
    page, seen = visit.page, busy(200).trading
    assert seen
    serials = itertools.count(1_000)

    def tell() -> None:
        seen.opportunities.insert(0, msgspec.structs.replace(OPPORTUNITY, serial=next(serials)))
        seen.plans.insert(0, msgspec.structs.replace(PLAN, serial=next(serials)))
        del seen.opportunities[200:], seen.plans[200:]
        served.tell(trading(opportunities=seen.opportunities, plans=seen.plans))

    for _ in range(4):
        tell()
        page.wait_for_timeout(500)
    page.locator("#plans").scroll_into_view_if_needed()
    browser.start_tracing(page=page, categories=TRACED)
    for _ in range(2 * COST_S):
        tell()
        page.wait_for_timeout(500)
    share = main_thread_us(json.loads(browser.stop_tracing())["traceEvents"]) / (COST_S * 1e6)
    assert 0 < share < COST_MAX, f"{share:.1%} of a core"


def main_thread_us(events: list[dict[str, Any]]) -> int:
    names = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event["name"] == "thread_name"
    }
    return sum(
        event.get("tdur", event["dur"])
        for event in events
        if event["name"] == "RunTask" and names[event["pid"], event["tid"]] == "CrRendererMain"
    )


def test_it_goes_on_when_the_monitor_was_away(tmp_path: Path, browser: Browser) -> None:
    with dashboard(tmp_path / "data") as served:
        served.tell()
        with visited(browser, served.url) as found:
            word = found.page.locator("#health-word")
            expect(word).to_have_text("Starting")
            found.page.route("**/events", lambda route: route.abort())
            found.page.route("**/state", lambda route: route.abort())
            served.monitor.streams.close()
            expect(word).to_have_text("The monitor doesn't answer")
            expect(found.page.locator("#health-why")).to_contain_text("Tries again")
            found.page.unroute("**/state")
            served.tell(msgspec.structs.replace(PAPER, problems=["asked"]))
            expect(found.page.locator("#link-word")).to_contain_text("not streamed", timeout=9_000)
            found.page.unroute("**/events")
            served.tell(msgspec.structs.replace(PAPER, problems=["a", "b"]))
            expect(word).to_have_text("2 problems")
            expect(found.page.locator("#link-word")).not_to_contain_text("not streamed")


def test_a_book_is_found_and_seen_from_both_sides(served: Served, visit: Opened) -> None:
    page = visit.page
    seen = msgspec.structs.replace(OPPORTUNITY, serial=2, kind="binary", slug=str(MARKET))
    served.tell(msgspec.structs.replace(trading(opportunities=[seen]), books=[BOOK]))
    page.locator("#opportunities-table .slug", has_text=str(MARKET)).click()
    expect(page.locator("#book-question")).to_have_text("Will it rain?")
    first = page.locator("#ladder tr").first.locator("td")
    expect(first).to_have_text(["10.00", "49¢", "50¢", "20.00"])
    page.locator("#token-no").check()
    expect(first).to_have_text(["20.00", "50¢", "51¢", "10.00"])
    expect(page.locator("#book-spread")).to_have_text("1¢")
    expect(page.locator("#book-bad")).to_be_hidden()
    bad = msgspec.structs.replace(BOOK, is_bad=True)
    served.tell(msgspec.structs.replace(PAPER, books=[bad]))
    expect(page.locator("#book-bad")).to_be_visible()


def test_it_is_small(served: Served, visit: Opened) -> None:
    sizes = visit.page.evaluate(
        "performance.getEntriesByType('resource')"
        ".filter((found) => found.name.includes('/static/')).map((found) => found.decodedBodySize)"
    )
    assert len(sizes) > 10
    assert sum(sizes) < PAGE_BYTES_MAX


def test_a_login_opens_it(tmp_path: Path, browser: Browser) -> None:
    with dashboard(tmp_path / "data", TOKEN) as served:
        served.tell()
        with visited(browser, served.url) as found:
            found.page.get_by_label("dashboard_token").fill(TOKEN)
            found.page.get_by_role("button").click()
            expect(found.page.locator("#mode")).to_have_text("paper")
            assert found.complaints == []
