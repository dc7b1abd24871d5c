"""Commands that run the engine: on what was recorded, and on a recording made for it."""

from typing import Annotated

import typer

from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Events,
    FromHour,
    FromTime,
    Markets,
    Overrides,
    UntilTime,
    configuration,
    folder,
    selection,
    stamp,
)
from hfptm.cli.output import progress_bar, say_if_compiling, show
from hfptm.errors import ConfigError


def replay(
    *,
    from_: FromTime = None,
    to: UntilTime = None,
    market: Markets = None,
    event: Events = None,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on with what that run latched, lost that day, or paused."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --after: lift its latch before the first row.")
    ] = False,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Run what was recorded through detector, risk, executor and a simulated venue."""
    from hfptm.engine import is_compiled
    from replay.driver import Before
    from replay.driver import replay as run
    from replay.report import summary_table

    chosen = selection(from_, to, market, event)
    if resume and after is None:
        raise ConfigError("command line", "--resume", "lifts the latch of a run: name it, --after")
    before = None if after is None else Before(after, resume)
    say_if_compiling(is_compiled())
    with progress_bar("replaying") as progress:
        settings = configuration(config, overrides)
        _, summary = run(folder(data), settings, chosen, progress, before)
    show(as_json, summary, lambda: summary_table(summary))


def calibrate(
    *,
    from_: FromHour = None,
    to: UntilTime = None,
    print_lag_ms: Annotated[
        int,
        typer.Option(
            min=0, max=1_000, metavar="MS", help="Prints are stamped so long after their match."
        ),
    ] = 0,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Send every real trade once more as ours, and compare what simulated fills are worth."""
    from hfptm.clock import NS_MAX
    from hfptm.engine import is_compiled
    from replay.calibrate import calibrate as run
    from replay.calibration_report import calibration_table

    from_ns = 0 if from_ is None else stamp("--from", from_)
    to_ns = NS_MAX if to is None else stamp("--to", to)
    if from_ns >= to_ns:
        raise ConfigError("command line", "--from", f"{from_} is not before --to {to}")
    say_if_compiling(is_compiled())
    with progress_bar("calibrating") as progress:
        found = run(folder(data), (from_ns, to_ns), print_lag_ms, progress)
    show(as_json, found, lambda: calibration_table(found))


def runs(data: Data = None, as_json: AsJson = False) -> None:
    """List the runs of the data folder, those under way and those that were killed too."""
    from replay.run_list import run_lines, runs_table

    lines = run_lines(folder(data))
    show(as_json, lines, lambda: runs_table(lines))


def demo(
    data: Data = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Another seed, another recording.")
    ] = 7,
    as_json: AsJson = False,
) -> None:
    """Make a recording with planted opportunities, import it, replay it, compare. Offline."""
    from hfptm.engine import is_compiled
    from replay.demo import run_demo

    say_if_compiling(is_compiled())
    with progress_bar("demo") as progress:
        found = run_demo(folder(data), seed, progress)
    show(as_json, {**found.summary, "truth": found.comparison}, lambda: found.tables)
    if not found.comparison.is_as_planted:
        raise typer.Exit(1)
