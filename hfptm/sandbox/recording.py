"""Writes a small seeded recording in the exchange's wire format, with its markets and its truth.

A whole sandbox lives through it, in its own time and without a socket. In front of it stands a
made-up line: a lognormal delay around 20 ms, one break. The same seed gives the same bytes.
"""

import gzip
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hfptm.parquet import publish_bytes
from hfptm.records import Token
from hfptm.sandbox.books import print_book
from hfptm.sandbox.demo_plan import (
    FINE_TICK_E4,
    JUMPING,
    TICK_CHANGE_MS,
    demo_plan,
    demo_universe,
)
from hfptm.sandbox.feed_artefacts import FeedArtefacts
from hfptm.sandbox.line import FrameRecord, Line
from hfptm.sandbox.market_frames import MarketFrames, Published
from hfptm.sandbox.planted import Planted, Skipped
from hfptm.sandbox.planter import Planter
from hfptm.sandbox.population import populate
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.sites import Sites
from hfptm.sandbox.universe import START_MS, Universe
from hfptm.units import NS_PER_MS

DURATION_MS = 150_000
"""Every planted thing has its place within it."""

LINE_DOWN_MS = (80_000, 81_500)
"""When the line breaks and when it is back, after the start."""

_OPENING_MS = 1_000
"""The markets open so long before anybody watches."""


class Truth(msgspec.Struct, frozen=True):
    """What is in a recording, by the exchange's clock."""

    seed: int
    start_ts_venue_ns: int
    end_ts_venue_ns: int
    frames: int
    line_down_ns: list[tuple[int, int]]
    planted: list[Planted]


def write_recording(folder: Path, seed: int, rate: int = 300) -> Truth:
    """Write `frames.jsonl.gz`, `markets.jsonl`, `groups.jsonl` and `truth.json` into `folder`.

    `rate` is in frames per second, as `population.populate` takes it. The folder is made if it is
    missing; each file replaces its predecessor whole. Raises ValueError for a rate below 1.
    """
    universe = demo_universe(seed, (START_MS - _OPENING_MS) * NS_PER_MS)
    watched = _Watched(universe, rate)
    watched.run()
    truth = _truth(seed, len(watched.line.records), watched.planted)
    _write_files(folder, universe, watched.line.records, truth)
    return truth


class _Watched:
    """The demonstration's sandbox, what is planted in it, and who watches it over a line."""

    def __init__(self, universe: Universe, rate: int) -> None:
        self.planted: list[Planted] = []
        self.line = Line(universe.seed, [_ns(after_ms) for after_ms in LINE_DOWN_MS])
        self._sandbox = sandbox = Sandbox(universe.seed)
        sandbox.advance(universe.start_ns, 0)
        frames, artefacts = MarketFrames(sandbox), FeedArtefacts()
        frames.listeners.append(artefacts.receive)
        floor = populate(sandbox, universe, rate)
        sandbox.advance(_ns(0), 0)
        planter = Planter(
            floor.house,
            Sites(sandbox, floor.quoters),
            artefacts,
            demo_plan(),
            seed=universe.seed,
            tell=self._tell,
        )
        sandbox.agents += [artefacts, planter]
        artefacts.listeners.append(self._send)
        self._jumping = floor.quoters[JUMPING].listed.market.market
        self.line.deliver([self._dump()], sandbox.now_ns)

    def run(self) -> None:
        sandbox = self._sandbox
        sandbox.advance(_ns(TICK_CHANGE_MS), 0)
        sandbox.change_tick(self._jumping, FINE_TICK_E4, sandbox.now_ns)
        sandbox.advance(_ns(DURATION_MS), 0)

    def _tell(self, what: Planted | Skipped) -> None:
        """The plan leaves everything its room; what it leaves none for is missing in the truth."""
        if isinstance(what, Planted):
            self.planted.append(what)

    def _send(self, batch: list[Published]) -> None:
        """The watcher asked for no custom features."""
        frames = [frame.payload.decode() for frame in batch if not frame.is_custom]
        if not frames:
            return
        # A frame may be stamped a few milliseconds late, and is not sent before that.
        sent_ns = max(self._sandbox.now_ns, batch[0].ts_ms * NS_PER_MS)
        self.line.deliver([self._dump()] if self.line.is_back(sent_ns) else frames, sent_ns)

    def _dump(self) -> str:
        """Full books of every token in one array, as on a subscription."""
        entries = self._sandbox.catalogue.markets
        books = (print_book(entry, token).frame() for entry in entries for token in Token)
        return f"[{','.join(books)}]"


def _ns(after_ms: int) -> int:
    return (START_MS + after_ms) * NS_PER_MS


def _truth(seed: int, frames: int, planted: list[Planted]) -> Truth:
    down_ms, up_ms = LINE_DOWN_MS
    return Truth(
        seed=seed,
        start_ts_venue_ns=_ns(0),
        end_ts_venue_ns=_ns(DURATION_MS),
        frames=frames,
        line_down_ns=[(_ns(down_ms), _ns(up_ms))],
        planted=sorted(planted, key=lambda item: item.start_ts_venue_ns),
    )


def _write_files(
    folder: Path, universe: Universe, records: list[FrameRecord], truth: Truth
) -> None:
    encode = msgspec.json.encode
    files = {
        "frames.jsonl.gz": gzip.compress(_lines(records), compresslevel=6, mtime=0),
        "markets.jsonl": _lines(universe.markets),
        "groups.jsonl": _lines(universe.groups),
        "truth.json": msgspec.json.format(encode(truth), indent=1) + b"\n",
    }
    for name, content in files.items():
        publish_bytes(folder / name, content)


def _lines(items: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)
