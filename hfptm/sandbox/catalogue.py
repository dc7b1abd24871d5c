"""Events and markets as people know them: names, tags, dates; to be traded they are `Markets`."""

from itertools import count
from typing import TypeVar

import msgspec

from hfptm.records import Token
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.tape import MarketTape
from hfptm.venue.signing import EXCHANGE_V3, domain_of

FIRST_EVENT_ID = 500_001
FIRST_MARKET_ID = 2_900_001

Entry = TypeVar("Entry")


class Tag(msgspec.Struct, frozen=True):
    tag_id: int
    label: str
    slug: str


class EventTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about an event when it is created."""

    slug: str
    title: str
    tags: tuple[Tag, ...]
    start_ns: int
    end_ns: int
    neg_risk_id: str = ""
    """Id of its `NegRiskEvent`, 0x and 64 hex digits; empty if it is none."""
    is_augmented: bool = False
    is_cumulative: bool = False
    """Earlier outcomes imply later ones: not exclusive."""
    series_slug: str = ""


class MarketTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about a market when it is created, beside its `Listing`."""

    outcomes: tuple[str, str] = ("Yes", "No")
    """By `records.Token`."""
    group_title: str = ""
    """Its name within its event."""
    window_start_ns: int = 0
    """Start of the time that an up or down market is about; 0 for others."""


class EventEntry(msgspec.Struct, frozen=True):
    event_id: int
    terms: EventTerms
    created_ns: int
    markets: list["MarketEntry"]


class MarketEntry(msgspec.Struct, frozen=True):
    market_id: int
    """Gamma's, not the lake's."""
    terms: MarketTerms
    event: EventEntry
    listed: ListedMarket
    tape: MarketTape
    created_ns: int

    def outcome_of(self, token: str) -> str:
        return self.terms.outcomes[self.index_of(token)]

    def index_of(self, token: str) -> Token:
        return Token(self.listed.tokens().index(token))

    def is_v2(self) -> bool:
        """Whether its tokens are positions of protocol V2."""
        return domain_of(self.listed.market.yes_token, neg_risk=False) is EXCHANGE_V3

    def clob_condition(self) -> str:
        """The condition id as the CLOB has it: one of protocol V2 padded to 32 bytes."""
        return self.listed.market.condition_id.ljust(66, "0")

    def gamma_condition(self) -> str:
        """The condition id as Gamma has it: one of protocol V2 in 31 bytes."""
        return self.clob_condition()[:64] if self.is_v2() else self.clob_condition()


class Catalogue:
    """Everything listed, in the order of listing, and found by what people have in hand."""

    def __init__(self) -> None:
        self.events: list[EventEntry] = []
        self.markets: list[MarketEntry] = []
        self._by_slug: dict[str, EventEntry] = {}
        self._by_token: dict[str, MarketEntry] = {}
        self._by_condition: dict[str, MarketEntry] = {}
        self._by_market: dict[int, MarketEntry] = {}
        self._event_ids = count(FIRST_EVENT_ID)
        self._market_ids = count(FIRST_MARKET_ID)

    def add_event(self, terms: EventTerms, ts_ns: int) -> EventEntry:
        """Raises ValueError if its slug is taken."""
        if terms.slug in self._by_slug:
            raise ValueError(f"event {terms.slug} exists already")
        entry = EventEntry(next(self._event_ids), terms, ts_ns, [])
        self.events.append(entry)
        self._by_slug[terms.slug] = entry
        return entry

    def add_market(
        self, event_slug: str, listed: ListedMarket, terms: MarketTerms, ts_ns: int
    ) -> MarketEntry:
        """As the last market of an event that exists."""
        event = self._by_slug[event_slug]
        entry = MarketEntry(next(self._market_ids), terms, event, listed, MarketTape(), ts_ns)
        self.markets.append(entry)
        event.markets.append(entry)
        self._by_market[listed.market.market] = entry
        self._by_condition[entry.clob_condition()] = entry
        for token in listed.tokens():
            self._by_token[token] = entry
        return entry

    def remove_event(self, event_slug: str) -> EventEntry:
        """An event and its markets, as if they had never been; ids are not given again."""
        event = self._by_slug.pop(event_slug)
        _remove(self.events, event)
        for entry in event.markets:
            _remove(self.markets, entry)
            del self._by_market[entry.listed.market.market]
            del self._by_condition[entry.clob_condition()]
            for token in entry.listed.tokens():
                del self._by_token[token]
        return event

    def of_slug(self, event_slug: str) -> EventEntry | None:
        return self._by_slug.get(event_slug)

    def of_token(self, token: str) -> MarketEntry | None:
        return self._by_token.get(token)

    def of_condition(self, condition: str) -> MarketEntry | None:
        """By condition id as the CLOB has it."""
        return self._by_condition.get(condition)

    def of_market(self, market: int) -> MarketEntry:
        """By the lake's id. Raises KeyError for what is not listed."""
        return self._by_market[market]


def _remove(entries: list[Entry], entry: Entry) -> None:
    """That very one: comparing entries would compare all they hold."""
    del entries[next(i for i, other in enumerate(entries) if other is entry)]
