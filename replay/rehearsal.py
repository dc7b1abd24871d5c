"""The paper run that shows what a configuration would do, before it may do so with real orders."""

from pathlib import Path

import msgspec

from hfptm.config import Config, load
from hfptm.drive.inputs import PAPER
from hfptm.errors import HfptmError, LakeError
from hfptm.journal import Run, read_run, run_ids

SECTIONS = ("trading", "risk", "fees", "quality", "discovery", "live", "server")
"""What decides which orders leave, and where to."""

MODE = "trading.mode"
"""The one word that differs."""

NAMED = 3


def rehearsal(data: Path, config: Config) -> Run:
    """The last closed paper run with the same settings.

    Raises LakeError if there is none, naming what differs from the last that there is.
    """
    problem = ""
    for run_id in reversed(run_ids(data)):
        run = read_run(data, run_id)
        if run.summary.get("mode") != PAPER:
            continue
        if not (differing := differences(run, config)):
            return run
        problem = problem or f"the last closed paper run {run_id} in {data} had {told(differing)}"
    problem = problem or f"no closed paper run in {data}"
    raise LakeError(f"{problem}; run `hfptm paper` with these settings first")


def differences(run: Run, config: Config) -> list[tuple[str, str]]:
    """Keys that a run had otherwise, with the value that it had."""
    try:
        before = load(run.path / "config.toml", [], {})
    except HfptmError:
        return [("settings that this version does not take", "")]
    return [
        (name, str(value))
        for section in SECTIONS
        for key, value in msgspec.structs.asdict(getattr(before, section)).items()
        if (name := f"{section}.{key}") != MODE and value != getattr(getattr(config, section), key)
    ]


def told(differing: list[tuple[str, str]]) -> str:
    named = ", ".join(f"{name} {value}".strip() for name, value in differing[:NAMED])
    more = len(differing) - NAMED
    return f"{named} and {more} more" if more > 0 else named
