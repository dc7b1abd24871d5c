"""One opportunity being planted: the makers of its legs requote, a print in between, and back."""

from hfptm.records import BUY, SELL, Token
from hfptm.sandbox.house import House
from hfptm.sandbox.layouts import Layout, Quote
from hfptm.sandbox.plant_file import Plant
from hfptm.sandbox.planted import Edge, End, Expected, Kind, Leg, Planted, expect
from hfptm.sandbox.quoter import Quoter, Wanted
from hfptm.sandbox.reports import Action, Trade
from hfptm.sandbox.sites import PRINTED_PART, Site
from hfptm.units import NS_PER_MS, PRICE_ONE_E4
from hfptm.venue.orders import SHARE_STEP_E6

_PRINT_AFTER_NS = 600 * NS_PER_MS
"""At most; within the default window in which a print corroborates."""

_AWAY_NS = 200 * NS_PER_MS
"""How long makers who cancel quote nothing where their prices were."""


class EdgePlanting:
    """`begin`, then `act` whenever `due_ns` has come, until `planted` is there.

    `see` every action of the sandbox in between: anybody may take it before its time. The site must
    be held all the while.
    """

    def __init__(self, plant: Plant, site: Site, layout: Layout, house: House) -> None:
        self.planted: Planted | None = None
        self.due_ns = 0
        self._plant = plant
        self._site = site
        self._layout = layout
        self._house = house
        self._before: list[Quote] = []
        self._entries = {entry.listed.market.market: entry for entry in site.entries}
        self._shown: tuple[Edge, list[Leg]] = (Edge(0, 0, 0), [])
        self._start_ns = self._last_ns = self._end_ns = 0
        self._is_printed = False
        self._ended_by = End.REQUOTE
        self._wanted: list[tuple[Quoter, list[Wanted]]] = []

    def begin(self, ts_ns: int) -> str:
        """Show it. Why that failed, with everything as before; empty if it did not.

        First all makers make way, then all quote: who buys while only some have quoted gets what
        he saw, because no price goes away any more.
        """
        plant, opportunity = self._plant, self._layout.opportunity
        wanted = []
        for quote in self._layout.quotes:
            quoter = quote.quoter
            self._before.append(Quote(quoter, quoter.best_e4(BUY), quoter.best_e4(SELL)))
            orders = quoter.make_way(quote.bid_e4, quote.ask_e4, plant.size_e6)
            wanted.append((quoter, orders))
        for quoter, orders in wanted:
            quoter.place(orders)
        life_ns = self._cross(ts_ns) if plant.kind is Kind.BINARY else plant.life_ns
        shown = opportunity.edge()
        if shown.gross_e4 != plant.edge_e4:
            self._restore()
            return "an order of somebody else is in the way"
        self._shown = (shown, opportunity.shown_legs())
        self._start_ns = opportunity.changed_ms() * NS_PER_MS
        self._last_ns = self._start_ns + life_ns
        self.due_ns = self._last_ns
        # Where takers are delayed, the print would come when all is over.
        if plant.is_printed and not self._site.delay_ns(ts_ns):
            self.due_ns = self._start_ns + min(life_ns * 2 // 5, _PRINT_AFTER_NS)
        return ""

    def _cross(self, ts_ns: int) -> int:
        """A marketable order that shows in its delay; how long after its showing it trades."""
        (quote,), house, size_e6 = self._layout.quotes, self._house, self._plant.size_e6
        listed = quote.quoter.listed
        listed.shows_delayed = True
        house.limit(house.any_taker(), listed, BUY, (self._layout.crossing_e4, size_e6))
        trades_ns = ts_ns + listed.listing.delay_ns(ts_ns)
        return trades_ns - self._layout.opportunity.changed_ms() * NS_PER_MS

    def see(self, action: Action) -> None:
        """Notice prints, and when the edge is gone."""
        entry = self._entries.get(action.market)
        if entry is None or self._end_ns or not self._start_ns:
            return
        is_trade = any(isinstance(report, Trade) for report in action.reports)
        self._is_printed |= is_trade
        if self._layout.opportunity.gross_e4() < self._plant.edge_e4:
            self._end_ns = max(entry.tape.changed_ms * NS_PER_MS, self._start_ns)
            self._ended_by = End.TRADE if is_trade else self._quoted_away()

    def act(self, ts_ns: int) -> None:
        """Print, or end it."""
        if ts_ns < self._last_ns:
            self.due_ns = self._last_ns
            self._print()
            return
        if self._plant.end is End.CANCEL and not self._wanted:
            self._withdraw()
            self.due_ns = ts_ns + _AWAY_NS
            return
        if self._plant.end is End.TRADE:
            self._take()
        self._restore()
        shown, legs = self._shown
        end_ns = self._end_ns or ts_ns
        self.planted = Planted(
            kind=self._plant.kind,
            expected=self._expected(end_ns - self._start_ns),
            slug=self._site.slug,
            start_ts_venue_ns=self._start_ns,
            end_ts_venue_ns=end_ns,
            ended_by=self._ended_by,
            gross_e4=shown.gross_e4,
            net_e4=shown.net_e4,
            outlay_e4=shown.outlay_e4,
            size_e6=self._plant.size_e6,
            is_printed=self._is_printed,
            legs=legs,
        )

    def _print(self) -> None:
        """Take part of the leg nearest to half a dollar, where both tokens cost enough."""
        legs = self._layout.opportunity.legs
        listed, side = min(
            ((entry.listed, SELL if token is Token.NO else BUY) for entry, token in legs),
            key=lambda leg: abs(2 * leg[0].book.sides[1 - leg[1]].best_e4() - PRICE_ONE_E4),
        )
        price_e4 = listed.book.sides[1 - side].best_e4()
        size_e6 = self._plant.size_e6 // PRINTED_PART
        size_e6 -= size_e6 % SHARE_STEP_E6
        self._house.immediate(self._house.any_taker(), listed, side, (price_e4, size_e6))

    def _take(self) -> None:
        """All that is left at the best price of every leg, as who knows of the edge would."""
        for entry, token in self._layout.opportunity.legs:
            side = SELL if token is Token.NO else BUY
            best = entry.listed.book.published_levels(1 - side)[:1]
            for level in best:
                self._house.immediate(self._house.any_taker(), entry.listed, side, level)

    def _quoted_away(self) -> End:
        """Takers that are delayed come too late for the trade that was planned."""
        return End.REQUOTE if self._plant.end is End.TRADE else self._plant.end

    def _withdraw(self) -> None:
        for before in self._before:
            orders = before.quoter.make_way(before.bid_e4, before.ask_e4)
            self._wanted.append((before.quoter, orders))

    def _restore(self) -> None:
        size_e6 = self._plant.size_e6 if self._plant.end is End.MOVE else None
        for quote in self._before:
            listed = quote.quoter.listed
            listed.shows_delayed = listed.listing.shows_delayed
            if not self._wanted:
                quote.quoter.requote(quote.bid_e4, quote.ask_e4, size_e6)
        for quoter, orders in self._wanted:
            quoter.place(orders)

    def _expected(self, life_ns: int) -> Expected:
        if self._plant.kind is Kind.YES_BASKET and self._site.event.terms.is_augmented:
            return Expected.NOT_EXCLUSIVE
        return expect(life_ns, self._shown[0])
