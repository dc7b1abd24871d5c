"""One run of the sandbox, put together: markets, traders, planter, faults, and the files of it.

A run follows from its settings and its start: the same ones write the same wire file, byte for
byte, as long as no order comes from outside.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from hfptm.sandbox.faults_file import load_faults
from hfptm.sandbox.faults_log import Deed, FaultLog
from hfptm.sandbox.feed_artefacts import FeedArtefacts
from hfptm.sandbox.market_frames import FrameSource, MarketFrames, Published
from hfptm.sandbox.plant_file import PlantFile, read_plant_file
from hfptm.sandbox.planted import Planted, Skipped
from hfptm.sandbox.planter import Planter
from hfptm.sandbox.population import populate
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.sites import Sites
from hfptm.sandbox.truth_file import TruthWriter, truth_path
from hfptm.sandbox.universe import FEWEST_MARKETS, make_universe
from hfptm.sandbox.wire_file import WireWriter

FAULT_LOG_ENDING = ".log.jsonl"

Item = TypeVar("Item")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of; paths of None are left out."""

    seed: int = 1
    markets: int = FEWEST_MARKETS
    rate: int = 200
    """Frames per second, of all markets together."""
    speed: int = 1
    """How much shorter windows and games are than at the exchange."""
    plant: Path | None = None
    faults: Path | None = None
    wire: Path | None = None
    """Gets every frame that is sent, from the listing of the first market on."""

    @property
    def truth(self) -> Path | None:
        """Gets what was planted: beside the plant file, named after it."""
        return truth_path(self.plant) if self.plant else None

    @property
    def fault_log(self) -> Path | None:
        """Gets what faults did: beside the fault file, named after it."""
        path = self.faults
        return path.with_name(path.name + FAULT_LOG_ENDING) if path else None


class Session:
    """A populated sandbox at `start_ns`; whoever advances it lets it live.

    Nothing is written before `open_files`: until then, what belongs into a file waits for it.
    Raises InputError and ConfigError for a plant or fault file that cannot be, and ValueError as
    `make_universe`.
    """

    def __init__(self, settings: Settings, start_ns: int) -> None:
        plants = read_plant_file(settings.plant) if settings.plant else None
        faults = load_faults(settings.faults) if settings.faults else []
        self.settings = settings
        self.start_ns = start_ns
        self.frames = 0
        """Sent so far."""
        self._files = ExitStack()
        self._sent = _Outbox[tuple[int, list[Published]]]()
        self._planted = _Outbox[Planted | Skipped]()
        self._deeds = _Outbox[Deed]()
        self.sandbox = Sandbox(settings.seed)
        self.sandbox.advance(start_ns, start_ns)
        for fault in faults:
            self.sandbox.faults.start(fault)
        self.sandbox.faults.tell = self._deeds.put
        self.feed = self._populate(plants)
        """Where subscribers listen."""

    def _populate(self, plants: PlantFile | None) -> FrameSource:
        settings, sandbox = self.settings, self.sandbox
        frames = MarketFrames(sandbox)
        artefacts = FeedArtefacts() if plants else None
        feed = artefacts or frames
        feed.listeners.append(self._keep)
        if artefacts:
            frames.listeners.append(artefacts.receive)
        universe = make_universe(
            settings.seed, settings.markets, start_ns=self.start_ns, speed=settings.speed
        )
        floor = populate(sandbox, universe, settings.rate)
        if plants and artefacts:
            sites = Sites(sandbox, floor.quoters)
            tell = self._planted.put
            planter = Planter(floor.house, sites, artefacts, plants, seed=settings.seed, tell=tell)
            sandbox.agents += [artefacts, planter]
        return feed

    def _keep(self, batch: list[Published]) -> None:
        self.frames = batch[-1].number
        self._sent.put((self.sandbox.now_ns, batch))

    def open_files(self) -> None:
        """Replace the files of the settings, and write them from now on; `close` ends it."""
        settings, files = self.settings, self._files
        seed = settings.seed
        self._sent.write = self._planted.write = self._deeds.write = _discard
        if settings.wire:
            wire = files.enter_context(closing(WireWriter(settings.wire, seed)))
            self._sent.write = lambda item: wire.write(*item)
        if settings.truth:
            truth = files.enter_context(closing(TruthWriter(settings.truth, seed, self.start_ns)))
            self._planted.write = truth.tell
        if settings.fault_log:
            self._deeds.write = files.enter_context(closing(FaultLog(settings.fault_log))).write
        for outbox in (self._sent, self._planted, self._deeds):
            outbox.flush()

    def close(self) -> None:
        """Make the files whole."""
        self._files.close()


class _Outbox(Generic[Item]):
    """Keeps what is put into it until there is where to write it."""

    def __init__(self) -> None:
        self.write: Callable[[Item], object] | None = None
        self._waiting: list[Item] = []

    def put(self, item: Item) -> None:
        if self.write:
            self.write(item)
        else:
            self._waiting.append(item)

    def flush(self) -> None:
        for item in self._waiting:
            self.put(item)
        self._waiting.clear()


def _discard(_: object) -> None:
    """No file was asked for."""
