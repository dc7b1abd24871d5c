"""The end of a paper run, and the account that the next one goes on with.

A run that was killed has left what its kernel was given: it is computed once more, ended like any
other, and closed. Nothing goes on before that.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from hfptm.certificate import standing
from hfptm.clock import monotonic_ns
from hfptm.config import limits, load
from hfptm.drive.inputs import LIVE, Start, read_inputs, read_start
from hfptm.drive.operation_log import OPERATIONS
from hfptm.drive.order_log import ORDERS
from hfptm.engine import Engine, Output, compile_kernels
from hfptm.errors import HfptmError, LakeError
from hfptm.journal import ROW_KINDS, RunJournal, partial_runs, read_run, run_ids
from hfptm.lake import Lake
from hfptm.latency import latencies_of
from hfptm.portfolio import Portfolio
from hfptm.presence import unread
from hfptm.risk_state import RiskState
from hfptm.units import ONE_E6
from replay.calibration import calibration
from replay.driver import summarise
from replay.metrics import Json, Tally
from replay.rerun import rerun

BY_HAND = ("stopped", "halted")
"""Latches that no loss has caused."""

PORTFOLIO = "portfolio.json"

_MAGIC = b"PAR1"
"""All that is in a Parquet file before its first row group."""


def sink_of(journal: RunJournal, tally: Tally) -> Callable[[Output], None]:
    def keep(output: Output) -> None:
        for kind in ROW_KINDS:
            journal.append(kind, getattr(output, kind))
        tally.add(output)

    return keep


def close_run(data: Path, journal: RunJournal, engine: Engine, tally: Tally, took_ns: int) -> Json:
    """End what is under way on paper, with the books as they are, and close the run; its summary.

    Nothing of a live run is under way any more. A stop by hand is not remembered here: the kill
    switch lies in the data folder.
    """
    start = read_start(journal.folder)
    if start.mode != LIVE:
        engine.finish()
    summary = summarise(engine, tally, journal.path.name, journal.digest(), took_ns)
    summary["mode"], summary["after"] = start.mode, start.after
    summary["pnl_before_usd"] = start.portfolio.realised_e6 / ONE_E6
    settings = limits(load(journal.folder / "config.toml", [], {}))
    summary["latency"] = dict(latencies_of(settings).summary())
    lake, until_ns = Lake(data), engine.last_row_ns + 1
    stands = standing(lake, engine.first_ns, until_ns)
    summary["recorded"] = {
        "hours": stands.hours,
        "verified": stands.verified,
        "grade": stands.grade,
    }
    found = calibration(lake, engine.first_ns, until_ns)
    summary["calibration"] = msgspec.to_builtins(found)
    risk = engine.risk_state()
    if risk.latch in BY_HAND:
        summary["risk"] = msgspec.to_builtins(msgspec.structs.replace(risk, latch=""))
    journal.write(PORTFOLIO, engine.portfolio())
    journal.close(summary)
    return summary


def recover(data: Path) -> list[str]:
    """Close every run that was killed and whose orders, if any, were simulated; their ids.

    One that was given no row is removed. Raises LakeError if a run is under way in this folder, or
    if what it left cannot be computed once more.
    """
    return [partial.stem for partial in partial_runs(data) if _is_killed(partial, data)]


def _is_killed(partial: Path, data: Path) -> bool:
    """Whether it was one that could be closed, and now is."""
    if not (partial / "inputs.wal").exists():
        _remove_unbegun(partial)
        return False
    if has_orders(partial):
        return False
    with unread(partial) as is_free:
        if not is_free:
            raise LakeError(
                f"run {partial.stem} is under way in {data}; end it, or name another folder, --data"
            )
    try:
        return _recover(data, partial)
    except HfptmError as error:
        raise LakeError(
            f"the killed run {partial} cannot be computed once more: {error}; to go on without "
            "what it held, move it away"
        ) from error


def _remove_unbegun(partial: Path) -> None:
    """A run that was killed before it was given anything, or a replay before its first row."""
    rows = [path.stat().st_size > len(_MAGIC) for path in partial.glob("*.tmp")]
    is_unbegun = (partial / "config.toml").exists() and not any(rows)
    if is_unbegun and not any(partial.glob("*.parquet")):
        with unread(partial) as is_free:
            if is_free:
                shutil.rmtree(partial)


def has_orders(partial: Path) -> bool:
    """Whether orders or transactions may have left."""
    logs = (partial / ORDERS, partial / OPERATIONS)
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def _recover(data: Path, partial: Path) -> bool:
    if not any(len(rows) for _, rows in read_inputs(partial)):
        shutil.rmtree(partial)
        return False
    compile_kernels()
    began_ns, tally = monotonic_ns(), Tally()
    config = (partial / "config.toml").read_text()
    with RunJournal(data, partial.stem, config, is_again=True) as journal:
        engine = rerun(partial, sink_of(journal, tally))
        close_run(data, journal, engine, tally, monotonic_ns() - began_ns)
    return True


def last_run(data: Path, mode: str) -> str | None:
    """The last one of this kind that is closed."""
    for run_id in reversed(run_ids(data)):
        if read_run(data, run_id).summary.get("mode") == mode:
            return run_id
    return None


def start_after(data: Path, run_id: str, *, is_resumed: bool) -> Start:
    """What the next run begins with. Raises LakeError if a loss limit has stopped this one: going
    on is a human's word, `is_resumed`.
    """
    run = read_run(data, run_id)
    risk = msgspec.convert(run.summary["risk"], RiskState)
    if is_resumed:
        risk = RiskState(proven_plans=risk.proven_plans)
    elif risk.latch:
        raise LakeError(
            f"the last {run.summary['mode']} run {run_id} was stopped by {risk.latch}; look at it, "
            "and begin another with --resume"
        )
    portfolio = Portfolio()
    if (run.path / PORTFOLIO).exists():  # runs of earlier versions kept nothing
        portfolio = msgspec.json.decode((run.path / PORTFOLIO).read_bytes(), type=Portfolio)
    return Start(mode=run.summary["mode"], after=run_id, risk=risk, portfolio=portfolio)
