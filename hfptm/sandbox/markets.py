"""The exchange's markets and events, from listing to resolution."""

import msgspec

from hfptm import registry
from hfptm.records import Token
from hfptm.sandbox.listings import ListedMarket, Listing, NegRiskEvent, Phase, Pool, Role
from hfptm.sandbox.matching_engine import MatchingEngine
from hfptm.sandbox.orders import Order, OrderStatus
from hfptm.sandbox.reports import Action, MarketChanged
from hfptm.sandbox.steps import Step
from hfptm.units import PRICE_ONE_E4, TICKS_E4


class Markets:
    """Everything listed. Impossible requests raise ValueError: they come from us, not from users.

    Markets are named by `registry.Market.market`. Methods that take a time return what happened.
    """

    def __init__(self, engine: MatchingEngine) -> None:
        self.events: dict[str, NegRiskEvent] = {}
        self._by_id: dict[int, ListedMarket] = {}
        self._by_token: dict[str, tuple[ListedMarket, Token]] = {}
        self._engine = engine

    def __getitem__(self, market: int) -> ListedMarket:
        return self._by_id[market]

    def get(self, market: int) -> ListedMarket | None:
        return self._by_id.get(market)

    def all(self) -> list[ListedMarket]:
        """In the order of their listing."""
        return list(self._by_id.values())

    def of_token(self, token: str) -> tuple[ListedMarket, Token] | None:
        """The market of a token id, and which of its two it is."""
        return self._by_token.get(token)

    def add_event(self, event: str, *, fee_bips: int = 0, is_augmented: bool = False) -> None:
        """A neg-risk event; its members follow as listings."""
        if event in self.events:
            raise ValueError(f"event {event} exists already")
        self.events[event] = NegRiskEvent(event, fee_bips=fee_bips, is_augmented=is_augmented)

    def add(self, listing: Listing) -> ListedMarket:
        """List a market, NOT_READY, as the last member of its event if it has one."""
        market = listing.market
        self._check_new(listing)
        if listing.event:
            listed = self.events[listing.event].add(listing)
        else:
            listed = ListedMarket(listing, Pool())
        self._by_id[market.market] = listed
        for token in Token:
            self._by_token[listed.tokens()[token]] = (listed, token)
        if listing.clears_at_start and listing.game_start_ns > self._engine.now_ns:
            self._engine.schedule(listing.game_start_ns, lambda: self._clear(listed))
        return listed

    def remove(self, market: int) -> None:
        """Drop a resolved market, its event with its last member; what was not redeemed is lost."""
        listed = self[market]
        if listed.phase is not Phase.RESOLVED:
            raise ValueError(f"{listed.market.slug} is not resolved")
        del self._by_id[market]
        for token in listed.tokens():
            del self._by_token[token]
        event = self.events.get(listed.listing.event)
        if event and not any(member.market.market in self._by_id for member in event.members):
            del self.events[event.event]

    def _check_new(self, listing: Listing) -> None:
        market = listing.market
        if market.neg_risk != bool(listing.event):
            raise ValueError(f"{market.slug}: neg_risk and its event contradict each other")
        if problem := registry.problem(market):
            raise ValueError(f"{market.slug}: {problem}")
        tokens = {market.yes_token, market.no_token}
        if market.market in self._by_id or "" in tokens or self._by_token.keys() & tokens:
            raise ValueError(f"{market.slug}: its id or a token of it is taken or empty")

    def _clear(self, listed: ListedMarket) -> Action | None:
        orders = listed.resting()
        return self._engine.cancel(orders, listed, OrderStatus.CANCELED) if orders else None

    def open(self, market: int, ts_ns: int) -> Action:
        """Take orders from here on."""
        return self._enter_phase(self._unresolved(market, ts_ns), Phase.OPEN)

    def close(self, market: int, ts_ns: int) -> Action:
        """Take no orders from here on, and cancel all there are."""
        return self._enter_phase(self._unresolved(market, ts_ns), Phase.CLOSED)

    def resolve(self, market: int, payout_e4: int, ts_ns: int) -> Action:
        """Say what a YES share pays (10000, 0, or between in a tie); cancel all orders.

        The members of an event may not pay more than a dollar together.
        """
        listed = self._unresolved(market, ts_ns)
        event = self.events.get(listed.listing.event)
        paid_e4 = event.payouts_e4() if event else 0
        if not 0 <= payout_e4 <= PRICE_ONE_E4 - paid_e4:
            limit = f"0 to {PRICE_ONE_E4 - paid_e4}"
            raise ValueError(f"{listed.market.slug}: payout_e4={payout_e4} is not within {limit}")
        listed.payout_e4 = payout_e4
        return self._enter_phase(listed, Phase.RESOLVED)

    def _enter_phase(self, listed: ListedMarket, phase: Phase) -> Action:
        listed.phase = phase
        orders = [] if phase is Phase.OPEN else listed.open_orders()
        is_resolved = phase is Phase.RESOLVED
        status = OrderStatus.CANCELED_MARKET_RESOLVED if is_resolved else OrderStatus.CANCELED
        return self._report_change(listed, orders, status)

    def change_tick(self, market: int, tick_e4: int, ts_ns: int) -> Action:
        """Another price grid; orders off it are cancelled."""
        if tick_e4 not in TICKS_E4:
            raise ValueError(f"tick_e4 {tick_e4} is none of {TICKS_E4}")
        listed = self._unresolved(market, ts_ns)
        listed.market = msgspec.structs.replace(listed.market, tick_e4=tick_e4, valid_from_ns=ts_ns)
        orders = [order for order in listed.open_orders() if order.price_e4 % tick_e4]
        return self._report_change(listed, orders, OrderStatus.CANCELED)

    def _report_change(
        self, listed: ListedMarket, orders: list[Order], status: OrderStatus
    ) -> Action:
        step = Step(listed, self._engine.now_ns)
        step.reports.append(MarketChanged(listed.phase, listed.market.tick_e4, listed.payout_e4))
        self._engine.cancel_in(orders, step, status)
        return step.action()

    def name_placeholder(self, market: int, slug: str, question: str) -> None:
        """A placeholder of an augmented event becomes a named outcome, carved out of Other."""
        listed = self[market]
        if listed.role is not Role.PLACEHOLDER:
            raise ValueError(f"{listed.market.slug} is no placeholder")
        listed.role = Role.NAMED
        listed.market = msgspec.structs.replace(listed.market, slug=slug, question=question)

    def _unresolved(self, market: int, ts_ns: int) -> ListedMarket:
        self._engine.enter(ts_ns)
        listed = self[market]
        if listed.phase is Phase.RESOLVED:
            raise ValueError(f"{listed.market.slug} is resolved: nothing can change it any more")
        return listed
