"""One artefact being planted: the market jumps in one action, and the feed tells it wrong."""

from hfptm.records import BUY, SELL, Side
from hfptm.sandbox.feed_artefacts import FeedArtefacts
from hfptm.sandbox.house import House
from hfptm.sandbox.plant_file import Plant
from hfptm.sandbox.planted import Expected, Kind, Planted
from hfptm.sandbox.reports import Action, Trade
from hfptm.sandbox.sites import Site
from hfptm.units import NS_PER_MS, ONE_E6, PRICE_ONE_E4

HALF_BATCH_NS = 40 * NS_PER_MS
"""Between the two halves of a batch."""

_SHUFFLE_EVERY_NS = 250 * NS_PER_MS
_SHUFFLE_DEPTH = 4
_JUMP_E4 = 600
_JUMP_SIZE_E6 = 150 * ONE_E6
_HEALING_SIZE_E6 = 40 * ONE_E6
"""Worth a dollar at any price that a jump ends at."""

_PRICE_MIN_E4 = 300
"""No jump ends nearer to 0 or 1."""


class ArtefactPlanting:
    """`begin`, then `act` whenever `due_ns` has come, until `planted` is there.

    `see` every action of the sandbox in between: the full books after a trade heal a lost delta.
    The site must be held all the while.
    """

    def __init__(self, plant: Plant, site: Site, artefacts: FeedArtefacts, house: House) -> None:
        self.planted: Planted | None = None
        self.due_ns = 0
        self._plant = plant
        self._site = site
        self._artefacts = artefacts
        self._house = house
        (self._quoter,), (self._entry,) = site.quoters, site.entries
        # Towards the middle, so that there is always room for another one.
        self._side = Side.BID if self._quoter.best_e4(SELL) * 2 < PRICE_ONE_E4 else Side.ASK
        life_ns = HALF_BATCH_NS if plant.kind is Kind.HALF_BATCH else plant.life_ns
        self._life_ns = life_ns
        self._start_ns = self._last_ns = self._end_ns = 0

    def begin(self, ts_ns: int) -> str:
        """Jump. Why that failed, with everything as before; empty if it did not."""
        quoter, market = self._quoter, self._entry.listed.market.market
        sign = 1 if self._side == BUY else -1
        price_e4 = quoter.best_e4(1 - self._side) + sign * _JUMP_E4
        if not _PRICE_MIN_E4 <= price_e4 <= PRICE_ONE_E4 - _PRICE_MIN_E4:
            return f"no room for a jump to {price_e4}"
        self._start_ns = self._stamp_ns(ts_ns)
        self._last_ns = self._start_ns + self._life_ns
        if self._plant.kind is Kind.HALF_BATCH:
            with self._artefacts.half_batch(market, self._last_ns):
                quoter.jump(self._side, price_e4, _JUMP_SIZE_E6)
            self.due_ns = self._last_ns
        else:
            with self._artefacts.lost_delta(market):
                quoter.jump(self._side, price_e4, _JUMP_SIZE_E6)
            self._schedule_shuffle(ts_ns)
        quoter.fair_e4 = price_e4 + sign * self._entry.listed.market.tick_e4
        self._end_ns = 0
        return ""

    def _stamp_ns(self, ts_ns: int) -> int:
        """The time that the feed will give the market's next change."""
        return max(ts_ns // NS_PER_MS, self._entry.tape.changed_ms + 1) * NS_PER_MS

    def _schedule_shuffle(self, ts_ns: int) -> None:
        self.due_ns = min(ts_ns + _SHUFFLE_EVERY_NS, self._last_ns)

    def see(self, action: Action) -> None:
        """Notice when full books come."""
        is_here = action.market == self._entry.listed.market.market
        if is_here and not self._end_ns and any(isinstance(r, Trade) for r in action.reports):
            self._end_ns = self._entry.tape.changed_ms * NS_PER_MS

    def act(self, ts_ns: int) -> None:
        """Change something that the feed does tell, or end it."""
        if ts_ns < self._last_ns:
            self._quoter.shuffle(_SHUFFLE_DEPTH)
            self._schedule_shuffle(ts_ns)
            return
        if self._plant.kind is Kind.LOST_DELTA:
            self._heal()
        self._quoter.requote(*self._quoter.fair_quotes())
        is_half = self._plant.kind is Kind.HALF_BATCH
        self.planted = Planted(
            kind=self._plant.kind,
            expected=Expected.ARTEFACT,
            slug=self._site.slug,
            start_ts_venue_ns=self._start_ns,
            end_ts_venue_ns=self._last_ns if is_half else self._end_ns or ts_ns,
        )

    def _heal(self) -> None:
        """A trade at the price that the jump went to: full books follow every trade."""
        house, side = self._house, Side(1 - self._side)
        level = (self._quoter.best_e4(self._side), _HEALING_SIZE_E6)
        house.immediate(house.any_taker(), self._entry.listed, side, level)
