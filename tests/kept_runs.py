"""Paper and live runs of a tape, made in this process, and an exchange that answers as it is told.

Such a run is on disk what `hfptm paper` and `hfptm live` leave; only the feed and the exchange are
not there.
"""

from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
from rich.console import Console, RenderableType

from hfptm.config import as_toml, limits, load
from hfptm.drive.inputs import InputLog, Rows, Start
from hfptm.engine import Engine, Output
from hfptm.journal import RunJournal
from hfptm.records import EVENT, Control, EventKind, IntentKind
from hfptm.registry import Group, Market
from hfptm.units import NS_PER_MS, NS_PER_S
from replay.metrics import Tally
from replay.paper_run import close_run, sink_of
from replay.rerun import engine_of

RUN_ID = "20260101T000000-000000001"

Said = tuple[int, EventKind, dict[str, int]]
"""After how many ms the exchange says what of an order, with fields of the row."""
Exchange = Callable[[np.void], Iterable[Said]]


def fills_all(intent: np.void) -> list[Said]:
    """Whole and at the limit, and it stays so."""
    return fill(100, int(intent["size_e6"]), int(intent["price_e4"]))


def fill(after_ms: int, size_e6: int, price_e4: int, *, fails: bool = False) -> list[Said]:
    shares = {"size_e6": size_e6, "price_e4": price_e4}
    end = EventKind.FILL_FAILED if fails else EventKind.FILL_CONFIRMED
    return [
        (after_ms, EventKind.FILL, shares),
        (after_ms, EventKind.DONE, {}),
        (after_ms + 2_000, end, shares),
    ]


def kept_run(
    data: Path,
    start: Start,
    tape: Rows,
    listed: tuple[Sequence[Market], Sequence[Group]],
    *overrides: str,
    exchange: Exchange | None = None,
) -> str:
    """Its id, once it is closed. Its orders leave for `exchange`, which makes nothing of complete
    sets; without one nothing leaves."""
    sets = ["trading.complete_sets=hold"] if exchange else []
    config = load(None, [*sets, *overrides], {})
    tally, asked = Tally(), list[Output]()
    with RunJournal(data, RUN_ID, as_toml(config)) as journal:
        keep = sink_of(journal, tally)

        def sink(output: Output) -> None:
            keep(output)
            asked.append(output)

        engine = engine_of(limits(config), start, sink)
        with InputLog(journal.folder, start) as inputs:
            inputs.list_more([*listed[0]], [*listed[1]])
            engine.list_more(*listed)
            _drive(engine, inputs, tape, asked, exchange)
        close_run(data, journal, engine, tally, NS_PER_S)
    return RUN_ID


def _drive(
    engine: Engine, inputs: InputLog, tape: Rows, asked: list[Output], exchange: Exchange | None
) -> None:
    """A row at a time, what is said of orders where it falls due, and a halt at the end."""
    said: list[np.void] = []

    def feed(row: np.void) -> None:
        rows = np.array([row], EVENT)
        inputs.append(rows)
        engine.feed(rows)
        for output in asked:
            if exchange is not None:
                said.extend(_said(output.intents, exchange))
        asked.clear()
        said.sort(key=lambda report: int(report["ts_recv_ns"]))

    def catch_up(until_ns: int) -> None:
        while said and said[0]["ts_recv_ns"] < until_ns:
            feed(said.pop(0))

    for row in tape:
        catch_up(int(row["ts_recv_ns"]))
        feed(row)
    last_ns = int(tape[-1]["ts_recv_ns"])
    catch_up(last_ns + 10 * NS_PER_S)
    halt = np.zeros(1, EVENT)[0]
    halt["kind"], halt["aux"] = EventKind.CONTROL, Control.HALT
    halt["ts_recv_ns"] = halt["ts_venue_ns"] = last_ns + 10 * NS_PER_S
    feed(halt)
    catch_up(last_ns + 60 * NS_PER_S)


def _said(intents: Rows, exchange: Exchange) -> Iterable[np.void]:
    for intent in intents[intents["kind"] == IntentKind.PLACE]:
        for after_ms, kind, fields in exchange(intent):
            row = np.zeros(1, EVENT)[0]
            for name in ("market", "side"):
                row[name] = intent[name]
            for name, value in fields.items():
                row[name] = value
            row["kind"], row["aux"] = kind, intent["order"]
            row["ts_recv_ns"] = row["ts_venue_ns"] = intent["ts_ns"] + after_ms * NS_PER_MS
            yield row


def on_screen(table: RenderableType) -> str:
    """As a terminal of 80 columns shows it, a long text in as many lines as it takes."""
    screen = StringIO()
    Console(width=80, file=screen).print(table)
    return screen.getvalue()
