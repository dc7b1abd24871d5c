"""The whole exchange behind its protocols: engine, catalogue, accounts' keys, history, dead-man.

Every change goes through here, so that everybody who listens hears of it: handlers of the API,
traders within the process, and the clock alike call these methods.
"""

from collections.abc import Callable, Iterable

from hfptm.sandbox.agents import Agent, first_due
from hfptm.sandbox.auth import ApiKeys
from hfptm.sandbox.catalogue import Catalogue, EventEntry, EventTerms, MarketEntry, MarketTerms
from hfptm.sandbox.chain import Chain
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.faults import Faults
from hfptm.sandbox.faults_trades import TradeFaults
from hfptm.sandbox.heartbeats import Heartbeats
from hfptm.sandbox.history import History, Posting, TradeRecord, TradeStatus
from hfptm.sandbox.listings import Listing, Phase
from hfptm.sandbox.orders import OrderRequest
from hfptm.sandbox.rate_limits import RateLimits
from hfptm.sandbox.reports import Action, Cancels, Rejected
from hfptm.sandbox.wallets import Wallets

Listener = Callable[[Action, list[TradeRecord]], None]
"""Hears of each action, with a record for each of its trades."""

ListingListener = Callable[[MarketEntry], None]
"""Hears of each market when it is listed, before it is open."""

SettlementListener = Callable[[TradeRecord, TradeStatus], None]
"""Hears of each further status of a trade."""


class Sandbox:
    """Times never go back. `advance` to a time before anything else happens at it."""

    def __init__(self, seed: int, history: History | None = None) -> None:
        self.exchange = Exchange()
        self.catalogue = Catalogue()
        self.keys = ApiKeys(seed)
        self.wallets = Wallets()
        self.history = history or History(seed)
        self.heartbeats = Heartbeats(seed)
        self.limits = RateLimits()
        self.faults = Faults(seed)
        self.chain = Chain(self.exchange, self.catalogue, self.faults)
        self.closed_only: set[str] = set()
        """Addresses that may only sell."""
        self.now_ns = 0
        self.agents: list[Agent] = []
        """Who acts within the process. Of those due at one time the first acts first."""
        self.listing_listeners: list[ListingListener] = []
        self.listeners: list[Listener] = []
        trades = TradeFaults(self.faults, self.history)
        self.history.fate = trades.fate
        self.settlement_listeners: list[SettlementListener] = [trades.settled]

    def add_event(self, terms: EventTerms, ts_ns: int, *, fee_bips: int = 0) -> EventEntry:
        """An event without markets. Raises ValueError if its slug or neg-risk id is taken."""
        entry = self.catalogue.add_event(terms, ts_ns)
        if terms.neg_risk_id:
            self.exchange.markets.add_event(
                terms.neg_risk_id, fee_bips=fee_bips, is_augmented=terms.is_augmented
            )
        return entry

    def add_market(
        self, event_slug: str, listing: Listing, terms: MarketTerms, ts_ns: int
    ) -> MarketEntry:
        """A market of an event, NOT_READY until `open_market`; ValueError as `Markets.add`."""
        listed = self.exchange.markets.add(listing)
        entry = self.catalogue.add_market(event_slug, listed, terms, ts_ns)
        for listener in self.listing_listeners:
            listener(entry)
        return entry

    def open_market(self, market: int, ts_ns: int) -> None:
        self.absorb([self.exchange.markets.open(market, ts_ns)])

    def close_market(self, market: int, ts_ns: int) -> None:
        self.absorb([self.exchange.markets.close(market, ts_ns)])

    def resolve_market(self, market: int, payout_e4: int, ts_ns: int) -> None:
        self.absorb([self.exchange.markets.resolve(market, payout_e4, ts_ns)])

    def forget_event(self, slug: str) -> None:
        """Drop an event whose markets are all resolved (ValueError), so that memory is bounded."""
        entry = self.catalogue.of_slug(slug)
        if entry is None or any(m.listed.phase is not Phase.RESOLVED for m in entry.markets):
            raise ValueError(f"{slug} is not resolved")
        for market in entry.markets:
            self.exchange.markets.remove(market.listed.market.market)
        self.catalogue.remove_event(slug)

    def change_tick(self, market: int, tick_e4: int, ts_ns: int) -> None:
        self.absorb([self.exchange.markets.change_tick(market, tick_e4, ts_ns)])

    def advance(self, ts_ns: int, ts_wall_ns: int) -> None:
        """Let happen what is due: on the exchange by its clock, heartbeats by the clients'.

        Everything happens at its own time, so that the result does not depend on how often this is
        called. A time before the last one counts as the last one: machines' clocks are set back at
        times.
        """
        end_ns = max(self.now_ns, ts_ns)
        while (due_ns := self.due_ns()) <= end_ns:
            self._settle(due_ns)
            agent = first_due(self.agents)
            if agent and agent.due_ns <= due_ns:
                agent.act(due_ns)
        self._settle(end_ns)
        for api_key in self.heartbeats.lapsed(ts_wall_ns):
            self._cancel_all_of_key(api_key)

    def due_ns(self) -> int:
        """When anything happens next; never before now, or what came late would be lost."""
        agent = first_due(self.agents)
        due_ns = min(self.exchange.due_ns(), self.history.due_ns(), self.chain.due_ns())
        return max(min(due_ns, agent.due_ns) if agent else due_ns, self.now_ns)

    def _settle(self, ts_ns: int) -> None:
        """What the exchange itself does up to a time: orders, settlement, then the chain."""
        self.now_ns = ts_ns
        self.absorb(self.exchange.unfold(ts_ns))
        for record, status in self.history.advance(ts_ns, self._undo):
            for listener in self.settlement_listeners:
                listener(record, status)
        self.chain.advance(ts_ns)

    def _undo(self, record: TradeRecord) -> bool:
        """Take a trade back that fails; not if what it moved is not there any more."""
        actions = self.exchange.undo(record.market, record.trade, self.now_ns)
        self.absorb(actions or ())
        return actions is not None

    def _cancel_all_of_key(self, api_key: str) -> None:
        found = self.keys.find(api_key)
        for account in self.wallets.all_of(found[0]) if found else ():
            orders = list(self.exchange.accounts[account].open_orders)
            postings = ((order_id, self.history.posting(order_id)) for order_id in orders)
            self.cancel(account, [o for o, posting in postings if _is_of(posting, api_key)])

    def absorb(self, actions: Iterable[Action]) -> None:
        """Remember what happened, and tell everybody."""
        for action in actions:
            if not action.market:
                continue
            self.catalogue.of_market(action.market).tape.add(action)
            records = self.history.add(action)
            for listener in self.listeners:
                listener(action, records)

    def submit(self, request: OrderRequest, posting: Posting | None = None) -> Action:
        """One order, now; `posting` if it came through the API."""
        is_new = request.order_id not in self.exchange.orders
        if posting and is_new:
            self.history.post(request.order_id, posting)
        action = self.exchange.submit(request, self.now_ns)
        if posting and is_new and isinstance(action.reports[0], Rejected):
            self.history.forget(request.order_id)
        self.absorb([action])
        return action

    def cancel(self, account: str, order_ids: Iterable[str]) -> Cancels:
        """Orders of one account by id, now."""
        cancels = self.exchange.cancel(account, order_ids, self.now_ns)
        self.absorb(cancels.actions)
        return cancels

    def approve(self, account: str, *, collateral: bool = True, shares: bool = True) -> None:
        self.absorb(
            self.exchange.approve(account, collateral=collateral, shares=shares, ts_ns=self.now_ns)
        )

    def fund(self, account: str, amount_e6: int) -> None:
        """Give an account collateral and both approvals."""
        self.exchange.deposit(account, amount_e6)
        self.approve(account)


def _is_of(posting: Posting | None, api_key: str) -> bool:
    return posting is not None and posting.api_key == api_key
