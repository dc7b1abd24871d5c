"""Puts known opportunities and artefacts into a running sandbox, each at its time.

An agent like the traders: everything it does is real orders of the house. What it planted it tells
as soon as it is over.
"""

import hashlib
import heapq
from collections.abc import Callable
from typing import Protocol

from hfptm.clock import NS_MAX
from hfptm.errors import ConfigError
from hfptm.sandbox.artefact_planting import ArtefactPlanting
from hfptm.sandbox.draws import Draws
from hfptm.sandbox.edge_planting import EdgePlanting
from hfptm.sandbox.feed_artefacts import FeedArtefacts
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.house import House
from hfptm.sandbox.layouts import lay_out
from hfptm.sandbox.plant_file import (
    ANY,
    ARTEFACTS,
    CENT_E4,
    Plant,
    PlantFile,
    RandomPlants,
    plant_key,
)
from hfptm.sandbox.planted import Planted, Skipped
from hfptm.sandbox.reports import Action
from hfptm.sandbox.sites import Site, Sites, too_small
from hfptm.units import NS_PER_MS
from hfptm.venue.orders import SHARE_STEP_E6

_MINUTE_MS = 60_000


Teller = Callable[[Planted | Skipped], None]


class _Planting(Protocol):
    due_ns: int
    planted: Planted | None

    def begin(self, ts_ns: int) -> str: ...

    def see(self, action: Action) -> None: ...

    def act(self, ts_ns: int) -> None: ...


class Planter:
    """An agent of `house.sandbox`; its times count from when it is made, with all books open.

    Raises ConfigError for a file that names what is not there, or leaves no room for its edge.
    """

    def __init__(
        self,
        house: House,
        sites: Sites,
        artefacts: FeedArtefacts,
        file: PlantFile,
        *,
        seed: int,
        tell: Teller,
    ) -> None:
        self._house = house
        self._sites = sites
        self._artefacts = artefacts
        self._random = file.random
        self._tell = tell
        digest = hashlib.sha256(f"{seed}:planter".encode()).digest()
        self._draws = Draws(int.from_bytes(digest[:8], "big"))
        self._running: list[tuple[_Planting, Site]] = []
        self._agenda: list[tuple[int, int, Plant, Site | None]] = []
        self._scheduled = 0
        self._check(file)
        start_ns = house.sandbox.now_ns
        for plant in file.plants:
            self._schedule(start_ns + plant.start_ns, plant)
        self._random_ns = start_ns + self._gap_ns(file.random) if file.random else NS_MAX
        self.due_ns = self._next_ns()
        house.sandbox.listeners.append(self._see)

    def act(self, ts_ns: int) -> None:
        """End, continue and begin what is due, in this order."""
        for running in [running for running in self._running if running[0].due_ns <= ts_ns]:
            planting, held = running
            planting.act(ts_ns)
            if planting.planted:
                self._running.remove(running)
                held.hold(is_held=False)
                self._tell(planting.planted)
        if self._random and self._random_ns <= ts_ns:
            self._schedule(ts_ns, self._draw(self._random))
            self._random_ns = ts_ns + self._gap_ns(self._random)
        while self._agenda and self._agenda[0][0] <= ts_ns:
            _, _, plant, site = heapq.heappop(self._agenda)
            reason = self._begin(plant, site, ts_ns) if site else self._reserve(plant, ts_ns)
            if reason:
                slug = site.slug if site else plant.slug
                self._tell(Skipped(kind=plant.kind, slug=slug, ts_venue_ns=ts_ns, reason=reason))
        self.due_ns = self._next_ns()

    def _schedule(self, ts_ns: int, plant: Plant, site: Site | None = None) -> None:
        self._scheduled += 1
        heapq.heappush(self._agenda, (ts_ns, self._scheduled, plant, site))

    def _next_ns(self) -> int:
        agenda_ns = self._agenda[0][0] if self._agenda else NS_MAX
        return min(agenda_ns, self._random_ns, *(planting.due_ns for planting, _ in self._running))

    def _see(self, action: Action, _: list[TradeRecord]) -> None:
        for planting, _site in self._running:
            planting.see(action)

    def _reserve(self, plant: Plant, ts_ns: int) -> str:
        """Hold a site until no taker of ours waits there any more; why none, or empty."""
        reason = "no market or event is free and open for it"
        for site in self._candidates(plant, ts_ns):
            found = self._sites.problem(plant, site, ts_ns) or self._planting(plant, site)
            if not isinstance(found, str):
                site.hold(is_held=True)
                self._schedule(ts_ns + site.delay_ns(ts_ns), plant, site)
                return ""
            reason = found
        return reason

    def _begin(self, plant: Plant, site: Site, ts_ns: int) -> str:
        """Why it came to nothing; empty if it began."""
        planting = self._planting(plant, site)
        if not isinstance(planting, str):
            self._running.append((planting, site))
            reason = planting.begin(ts_ns)
            if not reason:
                return ""
            self._running.pop()
            planting = reason
        site.hold(is_held=False)
        return planting

    def _candidates(self, plant: Plant, ts_ns: int) -> list[Site]:
        """The one that was named, or all that are free, from a drawn one on."""
        if plant.slug != ANY:
            site = self._sites.of_slug(plant.kind, plant.slug)
            return [] if isinstance(site, str) else [site]
        free = self._sites.free(plant, ts_ns)
        first = self._draws.below(len(free)) if free else 0
        return free[first:] + free[:first]

    def _planting(self, plant: Plant, site: Site) -> _Planting | str:
        if plant.kind in ARTEFACTS:
            return ArtefactPlanting(plant, site, self._artefacts, self._house)
        layout = lay_out(plant.kind, site, plant.edge_e4)
        return layout if isinstance(layout, str) else EdgePlanting(plant, site, layout, self._house)

    def _draw(self, random: RandomPlants) -> Plant:
        """The next random plant, anywhere."""
        draws = self._draws
        kind = random.kinds[draws.below(len(random.kinds))]
        low_e6, high_e6 = random.size_e6
        size_e2 = draws.between(low_e6 // SHARE_STEP_E6, high_e6 // SHARE_STEP_E6 + 1)
        low_e4, high_e4 = random.edge_e4
        return Plant(
            kind=kind,
            slug=ANY,
            start_ns=0,
            life_ns=draws.between(random.life_ms[0], random.life_ms[1] + 1) * NS_PER_MS,
            edge_e4=draws.between(low_e4 // CENT_E4, high_e4 // CENT_E4 + 1) * CENT_E4,
            size_e6=size_e2 * SHARE_STEP_E6,
            is_printed=random.is_printed,
        )

    def _gap_ns(self, random: RandomPlants) -> int:
        """Until the next random one: evenly from nothing to twice the mean."""
        return self._draws.between(1, 2 * _MINUTE_MS // random.per_minute) * NS_PER_MS

    def _check(self, file: PlantFile) -> None:
        for number, plant in enumerate(file.plants, 1):
            if plant.slug != ANY and (problem := self._impossible(plant)):
                raise ConfigError(file.source, plant_key(number), problem)

    def _impossible(self, plant: Plant) -> str:
        """What is wrong with a plant, as things are at the start; empty if nothing is."""
        site = self._sites.of_slug(plant.kind, plant.slug)
        if isinstance(site, str) or plant.kind in ARTEFACTS:
            return site if isinstance(site, str) else ""
        layout = lay_out(plant.kind, site, plant.edge_e4)
        return too_small(plant, site) or (layout if isinstance(layout, str) else "")
