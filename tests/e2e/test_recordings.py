"""The known truths of the shared recordings, as a user gets them from `hfptm replay`."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hfptm.journal import read_run
from hfptm.opportunities import OpportunityKind, Phase
from hfptm.sandbox.demo_plan import demo_plan
from hfptm.sandbox.planted import Kind
from tests.e2e.command import in_its_own_process, must, replayed
from tests.e2e.conftest import Demo

FREE = ("--set", "fees.model=none", "--set", "trading.min_edge=0")
FOMC = "rdc-usfed-fomc-2026-07-29"
CPI = "cpic-uscpi-july-yoy-2026-08-12"
BTC = "btc-updown-15m-1795183200"


def kinds(summary: Any) -> dict[str, Any]:
    found: dict[str, Any] = summary["opportunities"]
    return found


def test_the_books_of_the_capture_agree_with_every_reported_best_price(updown: Path) -> None:
    summary = replayed(updown)
    coverage = summary["coverage"]
    assert coverage["batches_checked"] == 40
    assert coverage["best_values_checked"] == 80
    assert coverage["mismatches"] == coverage["pending_at_end"] == coverage["off_grid"] == 0
    assert kinds(summary)["binary"]["seen"] == 0
    assert summary["plans"] == 0
    assert summary["cash_usd"] == 1000


@pytest.mark.parametrize("block_rows", [1, 777, 1 << 24])
def test_the_digest_does_not_depend_on_the_blocks(updown: Path, block_rows: int) -> None:
    """42,264 rows one by one take two seconds, so the whole capture is replayed."""
    cut = replayed(updown, "--set", f"replay.block_rows={block_rows}")
    assert cut["digest"] == replayed(updown)["digest"]
    assert cut["events"] == 42_264


@pytest.mark.parametrize("block_rows", [1, 777])
def test_nor_where_there_is_something_to_decide(demo: Demo, block_rows: int) -> None:
    whole = demo.result.json
    cut = replayed(demo.folder, "--set", f"replay.block_rows={block_rows}")
    assert cut["digest"] == whole["digest"]
    assert cut["plans"] == whole["plans"] > 0


def test_interpreted_kernels_decide_as_compiled_ones(updown: Path, demo: Demo) -> None:
    slices = [
        (updown, "2026-04-29T02:10", "2026-04-29T02:15"),
        (demo.folder, "2026-11-20T14:00", "2026-11-20T14:00:14"),
    ]
    for data, start, end in slices:
        chosen = ("--from", start, "--to", end)
        arguments = ("replay", "--data", data, "--json", *chosen)
        interpreted = in_its_own_process(*arguments, NUMBA_DISABLE_JIT="1")
        assert interpreted.code == 0, interpreted.err
        compiled = replayed(data, *chosen)
        assert interpreted.json["digest"] == compiled["digest"]
        assert interpreted.json["events"] == compiled["events"] > 2_000
    assert compiled["fills"] > 0


@pytest.mark.parametrize(
    ("event", "no_baskets", "yes_baskets"),
    [
        (FOMC, 52, 7),
        ("tc-temp-nychigh-2026-07-23", 242, 0),
        ("tec-mls-winner-2026-11-07", 543, 0),
        (CPI, 0, 0),
    ],
)
def test_quotes_give_the_stated_counts_by_poll_before_fees(
    quotes: Path, event: str, no_baskets: int, yes_baskets: int
) -> None:
    found = kinds(replayed(quotes, "--event", event, *FREE))
    assert found["no_basket"]["seen"] == no_baskets
    assert found["yes_basket"]["seen"] == yes_baskets
    assert found["binary"]["seen"] == 0
    assert all(kind["artefact"] == 0 for kind in found.values())


def test_a_null_ask_is_never_a_price(quotes: Path, shared: Path) -> None:
    """Taken as 0, one would make the asks of a poll sum to 0.27."""
    summary = replayed(quotes, "--event", FOMC, *FREE)
    decisions = read_run(quotes, summary["run_id"]).rows("decisions")
    is_begin = decisions["phase"] == Phase.BEGIN
    seen = decisions[is_begin & (decisions["kind"] == OpportunityKind.YES_BASKET)]
    file = shared / "recordings" / "multi-outcome-quotes" / "2026-07-23.parquet"
    polls = (
        pl.scan_parquet(file)
        .filter(pl.col("group") == FOMC)
        .group_by("ts")
        .agg(pl.col("ask"), pl.col("ask").is_null().any().alias("is_partial"))
        .filter(~pl.col("is_partial") & (pl.col("ask").list.sum() < 0.999_9))
        .sort("ts")
        .collect()
    )
    expected = [10_000 - round(10_000 * sum(asks)) for asks in polls["ask"].to_list()]
    assert [int(gross) for gross in seen["gross_e4"]] == expected
    assert len(expected) == 7


def test_every_crossed_book_of_the_settled_markets_is_an_artefact(settled: Path) -> None:
    summary = replayed(settled)
    binary = kinds(summary)["binary"]
    assert binary["artefact"] == binary["artefacts"]["unconfirmed_cross"] == 6
    assert binary["seen"] == summary["plans"] == 0
    assert summary["coverage"]["markets"] == 18


def test_a_selection_replays_alone(quotes: Path, demo: Demo) -> None:
    whole = replayed(demo.folder)
    alone = replayed(demo.folder, "--market", BTC)
    assert alone["coverage"]["markets"] == 1
    assert 0 < alone["events"] < whole["events"]
    assert kinds(alone)["no_basket"]["seen"] == 0
    planted = (plant for plant in demo_plan().plants if plant.slug == BTC)
    assert kinds(alone)["binary"]["seen"] == sum(plant.kind is Kind.BINARY for plant in planted)
    inventory = must("lake", "--data", quotes, "--json").json
    assert FOMC in [event["event"] for event in inventory["events"]]
