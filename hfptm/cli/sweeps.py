"""Commands that try many parameter sets on what was recorded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Events,
    FromTime,
    Markets,
    Overrides,
    UntilTime,
    configuration,
    folder,
    selection,
)
from hfptm.cli.output import progress_bar, say, say_if_compiling, show
from hfptm.errors import ConfigError

if TYPE_CHECKING:
    from replay.driver import Selection
    from replay.sweep import Ask
    from replay.workers import Runner

LISTENER_S = 5.0
"""How long a cluster may take to answer."""

GridFile = Annotated[Path, typer.Argument(metavar="GRID.toml", help="See docs/sweep.md.")]
EngineName = Annotated[
    Literal["local", "ray"], typer.Option(help="Processes of this machine, or Ray.")
]
Address = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Of a Ray cluster; without it Ray is started here."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, metavar="NUMBER", help="Processes at once.  [default: one each core]"),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Take what was computed of the same before.")
]


def sweep(
    *,
    grid: GridFile,
    from_: FromTime = None,
    to: UntilTime = None,
    market: Markets = None,
    event: Events = None,
    engine: EngineName = "local",
    address: Address = None,
    workers: Workers = None,
    resume: Resume = False,
    check: Annotated[
        int,
        typer.Option(min=0, metavar="NUMBER", help="Compute so many sets once more, each alone."),
    ] = 0,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Replay every recorded day under many parameter sets at once, and judge the best."""
    from rich.console import Group

    from replay.sweep import sweep as run
    from replay.sweep_check import check as check_sets
    from replay.sweep_report import check_table, sweep_tables

    chosen = selection(from_, to, market, event)
    ask = _ask(grid, chosen, engine, resume, (config, overrides, data))
    runner = _runner(engine, address, workers)
    with _interruptible(), progress_bar("sweeping") as progress:
        swept = run(ask, runner, progress)
    if not check:
        show(as_json, swept.summary, lambda: sweep_tables(swept.summary))
        return
    with progress_bar("checking") as progress:
        checked = check_sets(swept.jobs, check, progress)
    tables = (sweep_tables(swept.summary), "", check_table(checked))
    show(as_json, {**swept.summary, "check": checked}, lambda: Group(*tables))
    if checked.differences:
        raise typer.Exit(1)


def tune(
    *,
    grid: GridFile,
    trials: Annotated[
        int | None,
        typer.Option(min=1, metavar="NUMBER", help="How many sets.  [default: its count]"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="NUMBER", help="Another seed, others.  [default: its seed]"),
    ] = None,
    from_: FromTime = None,
    to: UntilTime = None,
    market: Markets = None,
    event: Events = None,
    engine: EngineName = "local",
    address: Address = None,
    workers: Workers = None,
    resume: Resume = False,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Search the parameters of a [random] grid, and judge what was found on days not searched."""
    from replay.sweep_report import sweep_tables
    from replay.tune import Search
    from replay.tune import tune as run

    chosen = selection(from_, to, market, event)
    ask = _ask(grid, chosen, engine, resume, (config, overrides, data))
    runner = _runner(engine, address, workers)
    with _interruptible(), progress_bar("searching") as progress:
        swept = run(ask, Search(trials, seed), runner, progress)
    show(as_json, swept.summary, lambda: sweep_tables(swept.summary))


def _ask(
    grid: Path,
    chosen: "Selection",
    engine: str,
    resume: bool,
    settings: tuple[Path | None, list[str] | None, Path | None],
) -> "Ask":
    """settings: --config, --set and --data."""
    from replay.sweep import Ask

    config, overrides, data = settings
    base = configuration(config, overrides)
    return Ask(folder(data), base, grid, chosen, engine, resume)


def _runner(engine: str, address: str | None, workers: int | None) -> "Runner":
    from hfptm.engine import compile_kernels, is_compiled

    count = workers or len(os.sched_getaffinity(0))
    if engine == "ray":
        from replay.ray_workers import RayWorkers

        if address is not None:
            _require_listener(address)
        runner: Runner = RayWorkers(count, address)
    elif address is not None:
        raise ConfigError("command line", "--address", "is of a Ray cluster; add --engine ray")
    else:
        from replay.workers import LocalWorkers

        runner = LocalWorkers(count)
    say_if_compiling(is_compiled())
    compile_kernels()  # once, and not by every worker
    return runner


def _require_listener(address: str) -> None:
    """Ray itself would try for minutes. An address without a port, as auto, is for Ray to find."""
    import socket

    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), LISTENER_S).close()
    except (OSError, OverflowError) as error:
        problem = f"nothing answers at {address} ({error}); begin it there with `ray start --head`"
        raise ConfigError("command line", "--address", problem) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("stopped; what was computed is kept: the same command with --resume goes on")
        raise
