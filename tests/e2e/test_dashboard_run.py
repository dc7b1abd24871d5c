"""The dashboard beside a real `hfptm paper` on a sandbox: what its page shows is what it does."""

import signal
import socket
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from hfptm import bulletin
from hfptm.clock import monotonic_ns
from hfptm.drive.kill_switch import reason_of
from hfptm.journal import read_run
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S
from tests import planted
from tests.browser import chromium, visited
from tests.dashboards import dashboard
from tests.e2e.command import process
from tests.e2e.test_record import EVERYTHING, variables
from tests.planted import AT_ONCE, options

STARTED_S = 60
"""The kernels are read from disk, or compiled."""
LOOKS = 2


class Seen(NamedTuple):
    """What a page showed of a run, and what the run said at its end."""

    data: Path
    took_ns: list[int]
    """From the bulletin's being there to its figures on the page."""
    complaints: list[str]
    foreign: list[str]
    why: str
    halted: str | None
    book: str
    summary: Any


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Seen:
    folder = tmp_path_factory.mktemp("beside")
    plant, data = folder / "plant.toml", folder / "data"
    plant.write_text(planted.plant(per_minute=120))
    service = Service(Settings(markets=12, rate=40, seed=7, plant=plant), duration_ns=90 * NS_PER_S)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chosen = ("--set", f"dashboard.port={port}", *EVERYTHING, *options(*AT_ONCE))
    with service, process("paper", "--data", data, "--json", *chosen, **variables(service)) as run:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for_trades(url)
            with visited(browser, url, width_px=1_400) as found:
                expect(found.page.locator("#mode")).to_have_text("paper")
                took_ns = [shown_after_ns(found.page, data) for _ in range(LOOKS)]
                book = open_book(found.page)
                why = kill(found.page)
                complaints = list(found.complaints)
                foreign = [asked for asked in found.requests if not asked.startswith(url)]
        finally:
            run.send_signal(signal.SIGTERM)
            _, err = run.communicate()
    assert run.returncode == 0, err
    summary = read_run(data, next((data / "runs").iterdir()).name).summary
    return Seen(data, took_ns, complaints, foreign, why, reason_of(data), book, summary)


def wait_for_trades(url: str) -> None:
    end_ns = monotonic_ns() + STARTED_S * NS_PER_S
    while True:
        assert monotonic_ns() < end_ns
        try:
            told = httpx.get(f"{url}/state").json()["trading"]
        except httpx.TransportError:
            continue
        if told and told["counts"]["completed"] > 2:
            return


def shown_after_ns(page: Page, data: Path) -> int:
    """Waits for the next opportunity that the run tells of, then for the page to count it."""
    before = displayed(data)
    while (told := displayed(data)) == before:
        page.wait_for_timeout(20)
    began_ns = monotonic_ns()
    while int(fact(page, "#capture-facts", "Displayed").split(" ")[0]) < told:
        page.wait_for_timeout(20)
    return monotonic_ns() - began_ns


def displayed(data: Path) -> int:
    told = bulletin.read(data)
    assert told
    assert told.trading
    return told.trading.counts.displayed


def fact(page: Page, section: str, name: str) -> str:
    row = page.locator(f"{section} > div").filter(has=page.get_by_text(name, exact=True))
    return row.locator("dd").inner_text()


def open_book(page: Page) -> str:
    """Of the first market of an event with an opportunity."""
    page.locator("#opportunities-table .slug").first.click()
    page.locator("#book-found button").first.click()
    price = page.locator("#ladder .price").first
    expect(price).to_contain_text("¢", timeout=8_000)
    return page.locator("#book-question").inner_text()


def kill(page: Page) -> str:
    page.locator("#kill-open").click()
    page.locator("#kill-reason").fill("seen enough")
    page.locator("#kill-confirm").click()
    expect(page.locator("#health-word")).to_have_text("Killed: no order leaves")
    expect(page.locator("#health-why")).to_contain_text("halted")
    return page.locator("#health-why").inner_text()


def test_news_are_on_the_page_within_a_second(seen: Seen) -> None:
    assert max(seen.took_ns) < NS_PER_S


def test_nobody_else_is_asked_and_nothing_complains(seen: Seen) -> None:
    assert seen.foreign == []
    assert seen.complaints == []


def test_a_book_of_the_run_is_seen(seen: Seen) -> None:
    assert seen.book


def test_the_kill_switch_halts_the_run(seen: Seen) -> None:
    assert seen.halted == "dashboard: seen enough"
    assert "dashboard: seen enough" in seen.why


def test_when_it_has_ended_the_page_shows_its_summary(seen: Seen, browser: Browser) -> None:
    summary = seen.summary
    kinds = summary["opportunities"].values()
    with dashboard(seen.data) as served, visited(browser, served.url, width_px=1_400) as found:
        page = found.page
        expect(page.locator("#health-word")).to_contain_text("Ended")
        shown = {name: fact(page, "#money", name) for name in ("Realised", "Locked in", "Cash")}
        assert shown == {
            "Realised": signed(summary["pnl_usd"]),
            "Locked in": signed(summary["locked_profit_usd"]),
            "Cash": dollars(summary["cash_usd"]),
        }
        assert fact(page, "#money", "Fees paid") == dollars(summary["fees_usd"])
        told = sum(kind["displayed"] for kind in kinds)
        assert fact(page, "#capture-facts", "Displayed").startswith(f"{told:,} ·")
        for name in ("completed", "partial", "missed", "fills", "rejects"):
            assert fact(page, "#plans-counts", name.title()) == f"{summary[name]:,}"
        assert page.locator("#plans-table tbody tr").count() == min(200, summary["plans"])
        assert found.complaints == []


def signed(usd: float) -> str:
    text = dollars(abs(usd))
    return text if text == "$0.00" else f"{'+' if usd > 0 else '−'}{text}"


def dollars(usd: float) -> str:
    """Half a cent goes up, as on the page; a summary's float is a whole number of micro-dollars."""
    cents = Decimal(str(usd)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"${cents:,.2f}"
