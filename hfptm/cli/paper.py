"""`hfptm paper`: the kernel on the live feed, with a simulated venue."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfptm.cli.options import (
    Anew,
    AsJson,
    ConfigFile,
    Data,
    Duration,
    Overrides,
    Resume,
    configuration,
    duration_ns,
    folder,
)
from hfptm.cli.output import say, say_if_compiling, show
from hfptm.cli.recording import (
    Pairs,
    Shown,
    live_status,
    stopped_by_signals,
    told_to_systemd,
)

if TYPE_CHECKING:
    from hfptm.config import Config
    from hfptm.drive.inputs import Start
    from hfptm.drive.kill_switch import KillSwitch
    from hfptm.drive.loop import Status

TICK_S = 0.005
"""How much later than due a report may be told where no row comes."""


def paper(
    *,
    duration: Duration = None,
    resume: Resume = False,
    anew: Anew = False,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Trade the live feed on paper, and record it, until Ctrl-C or SIGTERM; the next goes on."""
    import uvloop

    from hfptm.cli.beside import Beside
    from hfptm.engine import is_compiled
    from replay.report import summary_table

    limit_ns = None if duration is None else duration_ns("--duration", duration)
    settings, place = configuration(config, overrides), folder(data)
    say_if_compiling(is_compiled())
    with Beside(settings, place) as beside:
        start = begun(place, is_anew=anew, is_resumed=resume)
        with (
            live_status(settings.log) as shown,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            work = traded(settings, place, start, limit_ns, shown)
            summary = runner.run(beside.around(work))
    show(as_json, summary, lambda: summary_table(summary))


def begun(data: Path, *, is_anew: bool, is_resumed: bool) -> "Start":
    """What the run goes on with, after runs that were killed are closed."""
    from hfptm.drive.inputs import PAPER, Start
    from replay.paper_run import last_run, recover, start_after

    require_no_halt(data)
    for run_id in recover(data):
        say(f"the run {run_id} was killed; what it was given was computed once more, and closed")
    last = None if is_anew else last_run(data, PAPER)
    return start_after(data, last, is_resumed=is_resumed) if last else Start(mode=PAPER)


def require_no_halt(data: Path) -> None:
    """Raises LakeError while the kill switch is thrown."""
    from hfptm.drive.kill_switch import reason_of
    from hfptm.errors import LakeError

    if (reason := reason_of(data)) is not None:
        raise LakeError(f"halted by hand ({reason}); `hfptm resume` lifts it")


async def traded(
    settings: "Config", data: Path, start: "Start", limit_ns: int | None, shown: Shown
) -> dict[str, Any]:
    """The summary of a run that has ended as it is meant to."""
    import gc

    from hfptm.cli.publishing import Publisher
    from hfptm.clock import monotonic_ns, wall_ns
    from hfptm.config import as_toml, limits
    from hfptm.drive.inputs import InputLog
    from hfptm.drive.kill_switch import KillSwitch
    from hfptm.drive.loop import Loop
    from hfptm.drive.trading_view import TradingView
    from hfptm.engine import Output, compile_kernels
    from hfptm.journal import RunJournal
    from recorder.service import Service
    from replay.driver import new_run_id
    from replay.metrics import Tally
    from replay.paper_run import close_run, sink_of
    from replay.rerun import engine_of

    compile_kernels()
    stop, tally = stopped_by_signals(), Tally()
    with (
        RunJournal(data, new_run_id(wall_ns()), as_toml(settings)) as journal,
        Publisher(data, start.mode, journal.path.name) as publisher,
    ):
        keep = sink_of(journal, tally)

        def sink(output: Output) -> None:
            publisher.take(output)
            keep(output)

        engine = engine_of(limits(settings), start, sink)
        gc.collect()
        gc.freeze()
        began_ns = monotonic_ns()
        with InputLog(journal.folder, start) as inputs:
            loop = Loop(engine, inputs, wall_ns(), start.portfolio.markets)
            publisher.follow(TradingView(engine, loop, tally.copy, start))
            switch = KillSwitch(data)
            thrown_by_signal(switch)

            def tick(now_ns: int) -> None:
                if word := switch.look(monotonic_ns()):
                    loop.control(word)
                loop.tick(now_ns)

            async with ticking(tick, stop):
                with told_to_systemd() as told:
                    heard = [
                        told,
                        publisher.note,
                        lambda status: shown(status, trading(loop.status)),
                    ]
                    service = Service(settings, data, heard, loop, limit_ns)
                    async with publisher.telling(service):
                        await service.run(stop)
            loop.tick(wall_ns())
        return close_run(data, journal, engine, tally, monotonic_ns() - began_ns)


def thrown_by_signal(switch: "KillSwitch") -> None:
    """SIGUSR1 throws the kill switch from now on, in the loop that runs."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, switch.throw, signal.SIGUSR1.name)


def trading(status: "Status") -> Pairs:
    from hfptm.units import ONE_E6

    rows = [
        ("plans, of them under way", f"{status.plans:,}, {status.under_way:,}"),
        ("fills", f"{status.fills:,}"),
        ("result since the account began, $", f"{status.result_e6 / ONE_E6:,.2f}"),
        ("cash, $", f"{status.cash_e6 / ONE_E6:,.2f}"),
    ]
    return [*rows, ("nothing is bought", status.latch)] if status.latch else rows


@asynccontextmanager
async def ticking(tick: Callable[[int], None], stop: asyncio.Event) -> AsyncIterator[None]:
    """Time passes in the loop; what goes wrong in it stops the run, and is raised at its end."""
    ticks = asyncio.create_task(tick_on(tick))
    ticks.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        ticks.cancel()
        await asyncio.wait([ticks])
    if not ticks.cancelled():
        ticks.result()


async def tick_on(tick: Callable[[int], None]) -> None:
    from hfptm.clock import wall_ns

    while True:
        tick(wall_ns())
        await asyncio.sleep(TICK_S)
