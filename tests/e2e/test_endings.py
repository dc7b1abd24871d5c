"""Who took it, against opportunities that were planted to end by a cancellation, a trade or a move.

The traders of the sandbox leave planted markets alone, so this shows that the rules do what they
say, not how often a real market fools them.
"""

from collections import Counter
from pathlib import Path

from benchmarks.capture import config
from benchmarks.planted_day import Plan, sandbox_day
from hfptm.clock import NS_MAX
from hfptm.lake import Lake
from hfptm.sandbox.planted import End
from replay.capture_rows import Places, opportunity_rows
from replay.driver import Selection
from replay.opportunity_rows import OpportunityRows
from replay.passes import run_pass
from replay.truth import DELAY_MAX_NS

ANSWERS = {
    End.CANCEL: {"cancel"},
    End.MOVE: {"move"},
    End.TRADE: {"trade"},
    End.REQUOTE: {"cancel", "move"},
}


def test_every_planted_end_is_told(tmp_path: Path) -> None:
    day = sandbox_day(tmp_path, Plan(11, 4, 15, ends=tuple(End)), tmp_path / "data")
    lake, all_of_it, found = Lake(day.data), Selection(0, NS_MAX), OpportunityRows()
    done = run_pass(day.data, [config(50)], all_of_it, found.add, lambda *_: None)
    asked = (config(50), done.last_ns)
    rows = opportunity_rows(found, lake, Places.of(lake), all_of_it, asked).to_dicts()
    slugs = {group.group: group.slug for group in lake.groups()}
    told = Counter[tuple[End, str]]()
    for row in rows:
        (thing,) = (
            planted
            for planted in day.truth.planted
            if planted.slug == slugs[row["market"]]
            and row["begin_ns"] - planted.start_ts_venue_ns >= 0
            and row["begin_ns"] <= planted.end_ts_venue_ns + DELAY_MAX_NS
        )
        told[thing.ended_by, row["taken_by"]] += 1
    wrong = {pair: n for pair, n in told.items() if pair[1] not in ANSWERS[pair[0]]}
    assert wrong == {}
    of_each = Counter[End]()
    for (end, _), number in told.items():
        of_each[end] += number
    assert of_each.keys() == set(End)
    assert min(of_each.values()) >= 30
