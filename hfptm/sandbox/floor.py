"""Who quotes what: a pit for each event that is open, and which of them is busy."""

from hfptm.opportunities import Relation
from hfptm.sandbox.fair_values import FairValues
from hfptm.sandbox.house import House
from hfptm.sandbox.margins import Margins
from hfptm.sandbox.offers import EventOffer
from hfptm.sandbox.quoter import Quoter
from hfptm.sandbox.quoting import LASTING_QUOTING, WINDOW_QUOTING

BUSY_PERCENT, EARLY_PERCENT = 65, 5
"""Of all decisions: those at windows and games that run, and at those that have not begun."""


class Pit:
    """One event: a quoter for each market, in the order of its offers, and their fair values."""

    def __init__(self, house: House, event: EventOffer, speed: int) -> None:
        sandbox = house.sandbox
        self.event = event
        listed = [sandbox.exchange.markets[offer.listing.market.market] for offer in event.offers]
        relation = event.group.relation if event.group else Relation.NONE
        margins = Margins(relation, listed if event.group else ())
        is_window = bool(event.offers[0].terms.window_start_ns)
        quoting = WINDOW_QUOTING if is_window else LASTING_QUOTING
        self.quoters = [
            Quoter(house, market, margins, offer.fair_e4, quoting)
            for market, offer in zip(listed, event.offers, strict=True)
        ]
        self.fair_values = FairValues(event, self.quoters, house.draws, speed, sandbox.now_ns)


class Floor:
    """All pits. Whoever opens an event to orders calls `enter`, whoever closes it `leave`."""

    def __init__(self, house: House, speed: int) -> None:
        self.house = house
        self.quoters: dict[str, Quoter] = {}
        """By slug of the market."""
        self._speed = speed
        self._pits: dict[str, Pit] = {}
        self._lasting: list[Pit] = []
        self._early: list[Pit] = []
        self._busy: list[Pit] = []

    def enter(self, event: EventOffer) -> Pit:
        """Quote an event that has just been opened."""
        pit = self._pits[event.terms.slug] = Pit(self.house, event, self._speed)
        starts_ns = event.times.starts_ns
        has_started = starts_ns <= self.house.sandbox.now_ns
        (self._lasting if not starts_ns else self._busy if has_started else self._early).append(pit)
        for quoter in pit.quoters:
            self.quoters[quoter.listed.market.slug] = quoter
            quoter.open()
        return pit

    def start(self, slug: str) -> None:
        """A window or a game begins; orders that the exchange has cleared are placed anew."""
        pit = self._pits[slug]
        if pit in self._early:
            self._early.remove(pit)
            self._busy.append(pit)
        for quoter in pit.quoters:
            quoter.requote(*quoter.fair_quotes())

    def leave(self, slug: str) -> Pit:
        """Quote it no more; its orders are the exchange's to cancel."""
        pit = self._pits.pop(slug)
        for pits in (self._lasting, self._early, self._busy):
            if pit in pits:
                pits.remove(pit)
        for offer in pit.event.offers:
            del self.quoters[offer.listing.market.slug]
        return pit

    def any_pit(self) -> Pit | None:
        """Where something happens next: likely where much is going on; None if all is closed."""
        draws = self.house.draws
        dice = draws.below(100)
        pits = self._lasting
        if dice < BUSY_PERCENT:
            pits = self._busy
        elif dice < BUSY_PERCENT + EARLY_PERCENT:
            pits = self._early
        pits = pits or self._busy or self._lasting or self._early
        if not pits:
            return None
        # The lower of two draws: the earlier a pit opened, the busier it is.
        return pits[min(draws.below(len(pits)), draws.below(len(pits)))]
