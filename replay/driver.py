"""Replays a stretch of the lake through the engine and keeps the run."""

import shlex
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from hfptm.certificate import standing
from hfptm.clock import NS_MAX, format_utc, monotonic_ns, wall_ns
from hfptm.config import Config, as_toml, limits
from hfptm.engine import Engine, Output, compile_kernels
from hfptm.errors import LakeError
from hfptm.journal import RunJournal, read_run
from hfptm.lake import Lake
from hfptm.latency import latencies_of
from hfptm.parameters import ParameterSet
from hfptm.records import Control
from hfptm.registry import Group, Market
from hfptm.risk_state import RiskState
from hfptm.units import NS_PER_S
from replay.calibration import calibration
from replay.definitions import definitions_at, merge
from replay.metrics import Json, Tally, account, coverage
from replay.reader import EventReader, Rows

Progress = Callable[[int, int], None]
"""Told (rows read, rows in all) after every block."""


class Selection(NamedTuple):
    """Receive times [from_ns, to_ns), and markets and events by slug or id; empty: all."""

    from_ns: int
    to_ns: int
    markets: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


class Stretch(NamedTuple):
    """What a selection is made of."""

    lake: Lake
    reader: EventReader
    markets: list[Market]
    groups: list[Group]
    blocks: Iterator[Rows]
    stands: Json
    """What the recording is worth (`hfptm.certificate.standing`)."""


class Before(NamedTuple):
    """The run whose risk state goes on, and whether a human lifts what it had latched."""

    run_id: str
    is_resumed: bool = False


def replay(
    data: Path,
    config: Config,
    selection: Selection,
    progress: Progress,
    before: Before | None = None,
) -> tuple[Path, Json]:
    """Run, and leave the journal under `data/runs`.

    Returns the run's folder and its summary. Raises LakeError if the lake holds nothing of the
    selection, or there is no such run before.
    """
    risk = _risk_after(data, before.run_id) if before else None
    stretch = open_stretch(data, config, selection)
    latencies = latencies_of(limits(config))
    compile_kernels()  # before there is a run that an impatient user could leave half done
    began_ns = monotonic_ns()
    lake, reader = stretch.lake, stretch.reader
    run_id = new_run_id(wall_ns())
    with RunJournal(data, run_id, as_toml(config)) as journal:
        tally = Tally()

        def keep(output: Output) -> None:
            for kind, rows in zip(output._fields, output, strict=True):
                journal.append(kind, rows)  # type: ignore[arg-type]
            tally.add(output)

        sets = [ParameterSet(limits(config), latencies.draws)]
        engine = Engine(stretch.markets, stretch.groups, sets, keep, risk)
        if before and before.is_resumed:
            engine.control(Control.RESUME, selection.from_ns)
        for rows in stretch.blocks:
            run_block(engine, rows, limits(config).block_rows)
            progress(reader.rows_read, reader.rows_total)
        engine.finish()
        took_ns = monotonic_ns() - began_ns
        summary = summarise(engine, tally, run_id, journal.digest(), took_ns)
        summary["recorded"], summary["latency"] = stretch.stands, dict(latencies.summary())
        found = calibration(lake, reader.first_ns, reader.last_ns + 1)
        summary["calibration"] = msgspec.to_builtins(found)
        summary["after"] = before.run_id if before else ""
        summary["selection"] = options_of(selection)
        return journal.close(summary), summary


def options_of(selection: Selection) -> str:
    """As `hfptm replay` takes them, quoted for a shell."""
    from_ns, to_ns, markets, events = selection
    words = ["--from", str(from_ns)] if from_ns else []
    words += ["--to", str(to_ns)] if to_ns < NS_MAX else []
    words += [word for market in markets for word in ("--market", market)]
    words += [word for event in events for word in ("--event", event)]
    return shlex.join(words)


def open_stretch(data: Path, config: Config, selection: Selection) -> Stretch:
    """Raises LakeError if the lake holds nothing of the selection, or what it holds is worth less
    than is wanted."""
    lake = Lake(data)
    markets, groups, changes = definitions_at(lake.market_versions(), selection.from_ns)
    chosen = choose(markets, groups, selection)
    stands = _require_grade(lake, config, selection)
    reader = EventReader(lake, selection.from_ns, selection.to_ns, chosen)
    if chosen is not None:
        changes = changes[np.isin(changes["market"], list(chosen))]
    blocks = merge(_some_blocks(reader, lake), changes)
    return Stretch(lake, reader, markets, groups, blocks, stands)


def _risk_after(data: Path, run_id: str) -> RiskState:
    """What that run left; raises LakeError if it is none, or says nothing of risk."""
    run = read_run(data, run_id)
    try:
        return msgspec.convert(run.summary.get("risk"), RiskState)
    except msgspec.ValidationError as error:
        raise LakeError(
            f"{run.path}: summary.json holds no risk state ({error}); name a later run"
        ) from error


def _require_grade(lake: Lake, config: Config, selection: Selection) -> Json:
    """What the recording is worth; raises LakeError if that is less than is wanted."""
    found = standing(lake, selection.from_ns, selection.to_ns)
    if found.worst and found.worst.grade > config.replay.min_grade:
        hour = format_utc(found.worst.hour_ns)[:13]
        raise LakeError(
            f"the hour {hour} was recorded with grade {found.worst.grade}, below "
            f"replay.min_grade {config.replay.min_grade}: see `hfptm verify --from {hour[:10]}`; "
            "leave it out with --from and --to, or take it as it is with --set replay.min_grade=F"
        )
    return {"hours": found.hours, "verified": found.verified, "grade": found.grade}


def new_run_id(now_ns: int) -> str:
    """Sorts by time, and no two of one machine are alike: "20261122T145659-123456789"."""
    digits = "".join(character for character in format_utc(now_ns) if character.isdigit())
    return f"{digits[:8]}T{digits[8:14]}-{now_ns % NS_PER_S:09d}"


def run_block(engine: Engine, rows: Rows, block_rows: int) -> None:
    """Feed rows at most `block_rows` at a time; how they are cut never changes the result."""
    for start in range(0, len(rows), block_rows):
        engine.feed(rows[start : start + block_rows])


def _some_blocks(reader: EventReader, lake: Lake) -> Iterator[Rows]:
    """All blocks; raises LakeError, before a run is begun, if there are none."""
    blocks = iter(reader)
    first = next(blocks, None)
    if first is None:
        raise LakeError(
            f"{lake.root}: nothing recorded of these markets in this time; see what is there with "
            "`hfptm lake`, or bring a recording in with `hfptm import`"
        )
    return chain([first], blocks)


def summarise(engine: Engine, tally: Tally, run_id: str, journal: str, took_ns: int) -> Json:
    money = account(engine)
    return {
        "run_id": run_id,
        "from": format_utc(engine.first_ns),
        "to": format_utc(engine.last_row_ns),
        "events": engine.rows,
        "events_per_s": engine.rows * 1e9 / max(took_ns, 1),
        "seconds": took_ns / 1e9,
        "digest": engine.digest(journal),
        "coverage": coverage(engine),
        "opportunities": tally.opportunities(),
        **money,
        "risk": msgspec.to_builtins(engine.risk_state()),
    }


def choose(markets: list[Market], groups: list[Group], selection: Selection) -> set[int] | None:
    """Ids of the selected markets, None for all; raises LakeError for a name without a match."""
    if not selection.markets and not selection.events:
        return None
    chosen: set[int] = set()
    for name in selection.markets:
        found = {
            market.market
            for market in markets
            if name in (market.slug, market.condition_id, str(market.market))
        }
        chosen |= _some(found, "market", name)
    for name in selection.events:
        events = {group.group for group in groups if name in (group.slug, str(group.group))}
        found = {market.market for market in markets if market.group in events}
        chosen |= _some(found, "event", name)
    return chosen


def _some(found: set[int], what: str, name: str) -> set[int]:
    if not found:
        raise LakeError(f"no {what} {name!r} in the lake; `hfptm lake` lists what is there")
    return found
