"""The Chromium of the system, driven from a test; nothing is downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

Scheme = Literal["light", "dark"]


class Opened:
    """A page, and all that it asked the network for or complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test where it is not installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium`")
    with sync_playwright() as driver:
        # Containers run as root, which Chromium's sandbox refuses; the pages are our own.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, file: Path, scheme: Scheme = "light", width_px: int = 1_000
) -> Iterator[Opened]:
    """A file of this machine, without a network."""
    with visited(browser, file.absolute().as_uri(), scheme, width_px, offline=True) as found:
        yield found


@contextmanager
def visited(
    browser: Browser,
    address: str,
    scheme: Scheme = "light",
    width_px: int = 1_000,
    *,
    offline: bool = False,
) -> Iterator[Opened]:
    context = browser.new_context(
        viewport=ViewportSize(width=width_px, height=844), color_scheme=scheme, offline=offline
    )
    try:
        found = Opened(context.new_page())
        found.page.goto(address)
        yield found
    finally:
        context.close()
