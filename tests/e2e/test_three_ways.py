"""The same minutes of a sandbox traded on paper, live and once more from the recording: all see
what was planted and decide the same, live's books are the exchange's own, and the gap is explained.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hfptm.engine import Rows
from hfptm.journal import Run, read_run
from hfptm.lake import Lake
from hfptm.opportunities import Phase
from hfptm.records import Token
from hfptm.sandbox.planted import Planted
from hfptm.sandbox.service import FUNDS_E6, Service
from hfptm.sandbox.session import Settings
from hfptm.sandbox.truth_file import read_truth, truth_path
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from replay.truth import DELAY_MAX_NS, sightings
from tests.e2e.command import must, process
from tests.e2e.flip import CONFIRMED, LIVE, allow
from tests.e2e.test_live import Books, books_of, secrets
from tests.e2e.test_paper import PLANT, TRADING
from tests.e2e.test_record import EVERYTHING, variables

EDGE_NS = 5 * NS_PER_S
"""What begins or ends so close to either end of a run may be cut off."""

EARLY_NS = 50 * NS_PER_MS
"""Legs come one after the other, and the truth counts from the last."""

BANKROLL_USD = 100_000
ROOM = (
    *("--set", f"trading.bankroll_usd={BANKROLL_USD}"),
    *("--set", "risk.max_exposure_per_market_usd=20000"),
    *("--set", "risk.max_exposure_per_event_usd=40000"),
    *("--set", "risk.max_exposure_total_usd=90000"),
    *("--set", "risk.daily_loss_limit_usd=20000"),
    *("--set", "risk.max_drawdown_usd=20000"),
)
"""For all that is planted in ten minutes: nothing is merged or redeemed on paper as it is live."""


class Traded(NamedTuple):
    """Two data folders beside each other."""

    paper: Path
    live: Path
    runs: dict[str, str]
    """Ids, by mode."""
    books: Books
    planted: list[Planted]

    def run(self, mode: str) -> Run:
        return read_run(getattr(self, mode), self.runs[mode])


def traded(folder: Path, seconds: int) -> Traded:
    plant = folder / "plant.toml"
    plant.write_text(PLANT)
    service = Service(Settings(markets=12, rate=40, seed=7, plant=plant))
    folders = {mode: folder / mode for mode in ("paper", "live")}
    settings = (*EVERYTHING, *TRADING, *ROOM, *LIVE)
    arguments = {
        mode: (mode, "--data", data, "--json", "--duration", f"{seconds}s", *settings)
        for mode, data in folders.items()
    }
    with service:
        environment = variables(service) | secrets(service)
        allow(folders["live"], *settings, **environment)
        with (
            process(*arguments["paper"], **environment) as paper,
            process(*arguments["live"], CONFIRMED, **environment) as live,
        ):
            told = {"paper": paper.communicate(), "live": live.communicate()}
        books = service.server.run(books_of)
    assert (paper.returncode, live.returncode) == (0, 0), told
    runs = {mode: str(json.loads(out)["run_id"]) for mode, (out, _) in told.items()}
    for data in folders.values():
        must("normalize", "--data", data)
    planted = [each for each in read_truth(truth_path(plant))[1] if isinstance(each, Planted)]
    return Traded(folders["paper"], folders["live"], runs, books, planted)


@pytest.mark.soak
def test_ten_minutes_three_ways(tmp_path: Path) -> None:
    """`python -m pytest -m soak tests/e2e/test_three_ways.py`"""
    check(traded(tmp_path, 600))


def check(made: Traded) -> None:
    for mode in ("paper", "live"):
        data, run_id = getattr(made, mode), made.runs[mode]
        assert must("parity", run_id, "--data", data, "--json").json["difference"] is None
        compared = must("compare", run_id, "--data", data, "--json").json
        assert (compared["rows_differing"], compared["differing"]) == ({}, [])
        assert compared["orders"]["run"] > 0
        assert unseen(made, mode) == []
    seen = [opportunities(made, mode) for mode in ("paper", "live")]
    assert seen[0] == seen[1]
    assert seen[0].total() > 0
    check_books(made)
    gap = must("gap", made.runs["live"], "--data", made.live, "--json").json
    assert gap["unexplained_e10"] == 0
    assert sum(gap["causes"].values()) == gap["live_e10"] - gap["twin_e10"]
    assert len(gap["plans"]) >= gap["same_plans"] > 0


def unseen(made: Traded, mode: str) -> list[Planted]:
    """What was planted while both traded, and has left no trace in the journal."""
    from_ns, to_ns = span_ns(made)
    seen = sightings(made.run(mode), Lake(getattr(made, mode)))
    return [
        planted
        for planted in made.planted
        if from_ns < planted.start_ts_venue_ns < planted.end_ts_venue_ns < to_ns
        and not any(
            (each.kind, each.slug) == (planted.kind.lower(), planted.slug)
            and planted.start_ts_venue_ns - EARLY_NS <= each.begin_ns
            and each.begin_ns <= planted.end_ts_venue_ns + DELAY_MAX_NS
            for each in seen
        )
    ]


def opportunities(made: Traded, mode: str) -> Counter[tuple[int, ...]]:
    """What was seen of each as it began: that depends on the market alone, and not on the run."""
    from_ns, to_ns = span_ns(made)
    rows = made.run(mode).rows("decisions")
    rows = rows[
        (rows["phase"] == Phase.BEGIN) & (rows["ts_ns"] > from_ns) & (rows["ts_ns"] < to_ns)
    ]
    names = ("kind", "market", "size_e6", "outlay_e6", "edge_e6", "gross_e4", "artefact")
    begun = rows[rows["phase"] == Phase.BEGIN]
    return Counter(tuple(int(row[name]) for name in names) for row in begun)


def span_ns(made: Traded) -> tuple[int, int]:
    """In which both traded."""
    times = [times_of(made.run(mode).rows("decisions")) for mode in ("paper", "live")]
    return max(first for first, _ in times) + EDGE_NS, min(last for _, last in times) - EDGE_NS


def times_of(rows: Rows) -> tuple[int, int]:
    return int(np.min(rows["ts_ns"])), int(np.max(rows["ts_ns"]))


def check_books(made: Traded) -> None:
    """To the micro-share and the micro-dollar."""
    left: Any = json.loads((made.run("live").path / "portfolio.json").read_text())
    markets = {market["market"]: market for market in left["markets"]}
    held = {
        markets[p["market"]]["yes_token" if p["token"] == Token.YES else "no_token"]: p["size_e6"]
        for p in left["positions"]
    }
    assert held == made.books.shares_e6
    cash_e6 = round(made.run("live").summary["cash_usd"] * ONE_E6)
    assert cash_e6 - BANKROLL_USD * ONE_E6 == made.books.cash_e6 - FUNDS_E6
