"""Every run of a data folder, closed or not, in a line each."""

from pathlib import Path

import msgspec
from rich.table import Table

from hfptm.errors import LakeError
from hfptm.journal import partial_runs, read_run, run_ids
from hfptm.presence import unread
from hfptm.tables import add, table

REPLAY = "replay"
CLOSED, UNDER_WAY, UNFINISHED = "closed", "under way", "not finished"


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """Of what is not closed, only its id and state are known."""

    run_id: str
    state: str
    mode: str = ""
    after: str = ""
    """The run that it went on from."""
    first: str = ""
    last: str = ""
    plans: int = 0
    pnl_usd: float = 0
    latch: str = ""
    """Why nothing was bought any more at its end."""


def run_lines(data: Path) -> list[RunLine]:
    """By id, which is by time. Raises LakeError if there is none."""
    lines = [_closed(data, run_id) for run_id in run_ids(data)]
    for partial in partial_runs(data):
        with unread(partial) as is_free:
            state = UNFINISHED if is_free else UNDER_WAY
        lines.append(RunLine(run_id=partial.stem, state=state))
    if not lines:
        raise LakeError(f"no run in {data / 'runs'}; make one with `hfptm replay` or `hfptm paper`")
    return sorted(lines, key=lambda line: line.run_id)


def _closed(data: Path, run_id: str) -> RunLine:
    summary = read_run(data, run_id).summary
    return RunLine(
        run_id=run_id,
        state=CLOSED,
        mode=summary.get("mode", REPLAY),
        after=summary.get("after", ""),
        first=summary.get("from", ""),
        last=summary.get("to", ""),
        plans=summary.get("plans", 0),
        pnl_usd=summary.get("pnl_usd", 0.0),
        latch=summary.get("risk", {}).get("latch", ""),
    )


def runs_table(lines: list[RunLine]) -> Table:
    made = table("Run", "", "first row", "plans", "profit, $", label_columns=31)
    for line in lines:
        what = line.mode if line.state == CLOSED else line.state
        plans, pnl = (f"{line.plans:,}", f"{line.pnl_usd:,.2f}") if line.mode else ("", "")
        add(made, line.run_id, what, line.first[:16], plans, pnl)
    return made
