"""docs/risk.md tells the checks in the order in which they are made."""

import re

from tests.conftest import ROOT
from tests.unit.test_order_gate import HELD_BACK
from tests.unit.test_pauses import BARRED
from tests.unit.test_risk import REASONS


def table(title: str, place: int) -> list[str]:
    """First column of a table under a heading, a cell of several names as so many."""
    section = (ROOT / "docs" / "risk.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    tables = re.findall(r"(?m)(?:^\|.*\n)+", section)
    rows = [line.split("|")[1].strip() for line in tables[place].splitlines()[2:]]
    return [name for cell in rows for name in cell.split(", ")]


def test_what_forbids_a_plan() -> None:
    latches = ["STOPPED", "HALTED", "DAILY_LOSS"]
    of_entry = ["BLACKLISTED", "NEAR_EXPIRY", "UNCONFIRMED"]
    told = [*latches, *BARRED[:-1], *of_entry, BARRED[-1], "RETURN_BELOW_MINIMUM"]
    assert table("Before a plan begins", 0) == told


def test_what_cuts_it() -> None:
    assert table("Before a plan begins", 1) == [reason.name for reason in REASONS.values()]


def test_what_holds_an_order_back() -> None:
    purchases = [reason.name for reason in HELD_BACK]
    purchases.insert(purchases.index("UNPROMISED"), "NOT_HELD")
    more = ["NO_CASH", "MARKET_EXPOSURE", "EVENT_EXPOSURE", "TOTAL_EXPOSURE"]
    assert table("Before anything leaves", 0) == [*purchases, *more]
