"""Bulletins for Prometheus: nothing left out, in base units, and as its own tools want it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hfptm.bulletin import Bulletin
from hfptm.feed_status import STARTING, BookStatus, FeedStatus, LineStatus
from hfptm.metric_table import METRICS
from hfptm.metrics import ALIVE_NS, LATENCY, UP, metrics_text
from hfptm.trading_status import Counts, LimitUse, Money
from hfptm.units import NS_PER_S
from tests.bulletins import PAPER, RECORDING, TOLD_NS, TRADING
from tests.conftest import ROOT

LINE = LineStatus(line=1, markets=40, connections=2, shards=3, first=7)
TOLD_OTHERWISE = {"lines", "checks", "books", "problems", "line"}
"""Fields that are no numbers: of a line, a finding or the books by names of their own."""


def filled(kind: type[Any], **others: Any) -> Any:
    """Every number another: the fields' places, times a million."""
    numbers = {
        field.name: 1_000_000 * (place + 1)
        for place, field in enumerate(msgspec.structs.fields(kind))
        if field.type in (int, float)
    }
    return kind(**{**numbers, **others})


FEED = filled(
    FeedStatus,
    lines=[LINE, msgspec.structs.replace(LINE, line=2)],
    checks={"quiet": 3},
    books=filled(BookStatus, first={1: 7}),
    problems=["no space"],
)
LIMITS = [
    LimitUse(name="max_exposure_total_usd", used=250_000_000, limit=10**9, unit="usd_e6"),
    LimitUse(name="max_order_latency_ms", used=5, limit=0, unit="ns"),
    LimitUse(name="max_concurrent_arbs", used=3, limit=20, unit="count"),
]
FULL = msgspec.structs.replace(
    PAPER,
    feed=FEED,
    problems=["no space"],
    trading=msgspec.structs.replace(
        TRADING,
        counts=filled(Counts),
        kinds={"binary": filled(Counts)},
        money=filled(Money),
        latch="drawdown",
        pause="failures",
        limits=LIMITS,
        positions_count=4,
    ),
)


def samples(told: Bulletin | None, now_ns: int = TOLD_NS) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels."""
    families = text_string_to_metric_families(metrics_text(told, now_ns).decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_metric_is_told() -> None:
    told = {name for name, *_ in samples(FULL)}
    assert {shape.name for shape in METRICS} <= told
    assert len({shape.name for shape in METRICS}) == len(METRICS)


@pytest.mark.parametrize("kind", [FeedStatus, BookStatus, LineStatus, Counts, Money])
def test_no_number_is_left_out(kind: type[Any]) -> None:
    """A number that is changed changes a metric."""
    for field in msgspec.structs.fields(kind):
        if field.name in TOLD_OTHERWISE | {"first"} or field.name == "realised_before_e6":
            continue
        assert samples(changed(kind, field.name)) != samples(FULL), field.name


def changed(kind: type[Any], field: str) -> Bulletin:
    replace, trading = msgspec.structs.replace, FULL.trading
    assert trading is not None

    def more(status: Any) -> Any:
        return replace(status, **{field: getattr(status, field) + 1_000_000_000})

    if kind is Money:
        return replace(FULL, trading=replace(trading, money=more(trading.money)))
    if kind is Counts:
        kinds = {"binary": more(trading.kinds["binary"])}
        return replace(FULL, trading=replace(trading, counts=more(trading.counts), kinds=kinds))
    if kind is LineStatus:
        return replace(FULL, feed=replace(FEED, lines=[more(LINE)]))
    if kind is BookStatus:
        return replace(FULL, feed=replace(FEED, books=more(FEED.books)))
    return replace(FULL, feed=more(FEED))


def test_units_are_base_units() -> None:
    found, trading = samples(FULL), FULL.trading
    assert trading is not None
    assert found[("hfptm_feed_silent_seconds",)] == FEED.silent_ns / NS_PER_S
    assert found[("hfptm_cash_dollars",)] == trading.money.cash_e6 / 1_000_000
    assert found[("hfptm_feed_frames_total",)] == FEED.frames
    assert found[("hfptm_feed_line_connections", "2")] == 2
    assert found[("hfptm_limit_used_ratio", "max_exposure_total_usd")] == 0.25
    assert found[("hfptm_limit_used_dollars", "max_exposure_total_usd")] == 250
    assert found[("hfptm_limit_used_ratio", "max_concurrent_arbs")] == 0.15
    assert ("hfptm_limit_used_ratio", "max_order_latency_ms") not in found, "0 is no limit"
    assert ("hfptm_limit_dollars", "max_concurrent_arbs") not in found
    assert found[("hfptm_opportunities", "binary", "seen")] == 1_000_000
    assert (found[("hfptm_latched", "drawdown")], found[("hfptm_latched", "halted")]) == (1, 0)
    assert (found[("hfptm_halted",)], found[("hfptm_paused",)]) == (0, 1)
    assert (found[("hfptm_healthy",)], found[("hfptm_problems",)]) == (0, 1)
    assert found[("hfptm_last_told_timestamp_seconds",)] == TOLD_NS / NS_PER_S


def test_a_histogram_is_cumulative() -> None:
    found = samples(FULL)
    bucket = f"{LATENCY}_bucket"
    assert [found[(bucket, le, "feed")] for le in ("0.001", "0.004", "+Inf")] == [5, 9, 9]
    assert found[(f"{LATENCY}_count", "feed")] == 9
    assert found[(f"{LATENCY}_sum", "feed")] == 0.009


def test_up_is_who_said_something_lately() -> None:
    ended = msgspec.structs.replace(PAPER, ended="stopped")
    assert samples(None) == {(UP,): 0}
    assert samples(PAPER)[(UP,)] == 1
    assert samples(PAPER, TOLD_NS + ALIVE_NS)[(UP,)] == 0
    assert samples(ended)[(UP,)] == 0
    assert samples(ended)[("hfptm_cash_dollars",)] == 900, "what it said last stays"


def test_a_recorder_tells_nothing_of_trading() -> None:
    recording = msgspec.structs.replace(RECORDING, feed=STARTING)
    names = {name for name, *_ in samples(recording)}
    assert "hfptm_feed_frames_total" in names
    assert not names & {"hfptm_cash_dollars", "hfptm_plans_total", "hfptm_halted"}


def test_names_follow_the_conventions() -> None:
    for shape in METRICS:
        assert re.fullmatch("hfptm_[a-z_0-9]+", shape.name)
        assert (shape.kind == "counter") == shape.name.endswith("_total")
        assert not re.search("_(ns|ms|e4|e6|usd)(_|$)", shape.name)
        assert shape.help.endswith(".")


def promtool(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    if shutil.which("promtool") is None:
        pytest.skip("no promtool here: apt-get install prometheus")
    command = ["promtool", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("told", [FULL, RECORDING, None], ids=["full", "record", "none"])
def test_promtool_accepts_them(told: Bulletin | None) -> None:
    checked = promtool("check", "metrics", input=metrics_text(told, TOLD_NS).decode())
    assert (checked.returncode, checked.stderr, checked.stdout) == (0, "", "")


def test_promtool_accepts_what_the_page_tells_to_write(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    scrape, rules = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "scrape.yml").write_text("rule_files: [rules.yml]\n" + scrape)
    checked = promtool("check", "config", str(tmp_path / "scrape.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "6 rules found" in checked.stdout
    named = set(re.findall(r"hfptm_\w+", rules))
    assert named <= {name for name, *_ in samples(FULL)}
