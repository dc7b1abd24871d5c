"""`hfptm report` opened in Chromium: drawn, offline, light and dark, on a phone, on paper."""

import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from hfptm.errors import LakeError
from tests.browser import Opened, Scheme, chromium, opened
from tests.e2e.command import hfptm, must
from tests.kept_replay import keep_replay
from tests.kept_sweeps import keep_capture, keep_sweep

PHONE_PX = 390


class Pages(NamedTuple):
    data: Path
    run_id: str
    files: dict[str, Path]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    data = tmp_path_factory.mktemp("pages") / "data"
    run_id = str(keep_replay(data, 36, "sim.entry_latency_ms=120")["run_id"])
    names = {"run": run_id, "sweep": keep_sweep(data), "capture": keep_capture(data)}
    files = {kind: data.parent / f"{kind}.html" for kind in names}
    for kind, name in names.items():
        written = must("report", name, "--data", data, "--output", files[kind], "--json").json
        assert written == {"page": str(files[kind])}
    return Pages(data, run_id, files)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


KINDS = ("run", "sweep", "capture")


@pytest.fixture(scope="module", params=KINDS)
def desk(
    pages: Pages, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[tuple[Opened, Path]]:
    """Each page, opened once on a screen, and its file."""
    file = pages.files[request.param]
    with opened(browser, file) as found:
        yield found, file


def test_every_figure_is_drawn_without_network_or_complaint(desk: tuple[Opened, Path]) -> None:
    found, file = desk
    places = found.page.locator(".plot")
    assert places.count() >= 6
    for number in range(places.count()):
        assert places.nth(number).locator(".main-svg path").count() > 3
    assert found.requests == [file.as_uri()]
    assert found.complaints == []
    assert found.page.title().startswith("hfptm: "), "no word of others ran as a script"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_lies_beyond_the_edge_of_a_phone(pages: Pages, browser: Browser, kind: str) -> None:
    with opened(browser, pages.files[kind], width_px=PHONE_PX) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth") == PHONE_PX
        widths = found.page.eval_on_selector_all(".main-svg", "all => all.map(s => s.clientWidth)")
        assert max(widths) <= PHONE_PX
        assert found.complaints == []


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_text_stands_out_in_light_and_dark(
    pages: Pages, browser: Browser, scheme: Scheme, is_dark: bool
) -> None:
    """The page's own text and that of its figures."""
    with opened(browser, pages.files["capture"], scheme) as found:
        colours = found.page.evaluate(
            """() => [
                getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.body).color,
                getComputedStyle(document.querySelector(".plot .xtick text")).fill,
            ]"""
        )
    paper, ink, tick = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
    assert (paper < ink) == is_dark
    assert abs(paper - ink) > 500
    assert tick == ink


def test_numbers_of_a_figure_open_by_keyboard(desk: tuple[Opened, Path]) -> None:
    page = desk[0].page
    page.locator("figure summary").first.focus()
    assert not page.locator("figure table").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator("figure table").first.is_visible()


def test_headings_tables_and_figures_are_named(desk: tuple[Opened, Path]) -> None:
    page = desk[0].page
    assert page.locator("h1").count() == 1
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => +h.tagName[1])")
    assert all(b - a <= 1 for a, b in pairwise(levels))
    labels = page.eval_on_selector_all('[role="img"]', "all => all.map(e => e.ariaLabel)")
    assert all("n = " in label for label in labels)
    assert page.locator("table").count() == page.locator("table > caption").count()
    targets = page.eval_on_selector_all("nav a", "all => all.map(a => a.hash)")
    assert all(page.locator(target).count() == 1 for target in targets)


def test_it_prints_without_cutting_a_figure(desk: tuple[Opened, Path]) -> None:
    """On A4 with the page's own margins, a figure is as wide as the text or less."""
    page = desk[0].page
    assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    widths = page.eval_on_selector_all(".main-svg", "all => all.map(s => s.clientWidth)")
    a4_less_margins_px = (210 - 2 * 14) / 25.4 * 96
    assert max(widths) <= a4_less_margins_px
    page.emulate_media(media="screen")


def test_what_it_says_to_type_gives_the_same_digest(
    pages: Pages, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(browser, pages.files["run"]) as found:
        command = found.page.locator("#how-to-reproduce ~ * code").inner_text()
        said = found.page.locator("#code-and-digest ~ dl").inner_text()
    monkeypatch.chdir(pages.data.parent)
    program, *words = shlex.split(command)
    assert program == "hfptm"
    again = must(*words, "--data", pages.data, "--json").json
    assert again["digest"] in said


def test_an_unknown_name_is_one_line(tmp_path: Path) -> None:
    result = hfptm("report", "20990101", "--data", tmp_path)
    assert result.code == LakeError.exit_code
    assert result.err.count("\n") == 1
    assert "no run and no sweep 20990101" in result.err
    assert list(tmp_path.iterdir()) == []
