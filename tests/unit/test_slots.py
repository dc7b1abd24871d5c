"""Which market sits in which slot: definitions, groups, and the time that was listed."""

import numpy as np
import pytest

from hfptm.errors import CapacityError
from hfptm.kernel.jit import as_records
from hfptm.opportunities import Relation
from hfptm.records import EVENT, EventKind, MarketState, TakerDelay
from hfptm.registry import Group, group_id, market_id
from hfptm.slots import NOBODY, REST_NS, Rows, Slots
from tests.tapes import START_NS, make_market

S = 1_000_000_000
EVENT_ID = group_id("event")
GROUP = Group(
    group=EVENT_ID, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=True
)
MARKETS = [
    make_market("yes", group=EVENT_ID, tick_e4=10, min_size_e6=7_000_000),
    make_market("no", group=EVENT_ID),
    make_market("alone", fee_rate_e4=300, fee_exponent=2, game_delay_ms=1_000, game_start_ns=77),
]


def make_slots(market_slots: int = 4) -> Slots:
    return Slots(MARKETS, [GROUP], market_slots, 2)


def resolve(slots: Slots, slug: str, ts_ns: int) -> None:
    """The market's STATE row, translated and noted as the engine does."""
    rows = np.zeros(1, EVENT)
    rows["market"], rows["ts_recv_ns"] = market_id(slug), ts_ns
    rows["kind"], rows["aux"] = EventKind.STATE, MarketState.RESOLVED
    rows = as_records(rows)
    assert slots.translate(rows, 0, 1) == 1
    slots.note_state(rows[0], market_id(slug))


def slot_of(slots: Slots, slug: str) -> int:
    rows = as_records(np.zeros(1, EVENT))
    rows["market"] = market_id(slug)
    assert slots.translate(rows, 0, 1) == 1
    return int(rows[0]["market"])


def fields(rows: Rows) -> list[tuple[int, ...]]:
    names = ("kind", "market", "price_e4", "size_e6", "aux", "ts_recv_ns")
    return [tuple(int(row[name]) for name in names) for row in rows]


def test_a_market_is_introduced_with_its_group_its_rules_its_fees_and_its_delay() -> None:
    slots = make_slots()
    assert fields(slots.define(MARKETS[0].market, START_NS)) == [
        (EventKind.GROUP, 0, Relation.EXACTLY_ONE, 2, 1, START_NS),
        (EventKind.MARKET, 1, 10, 7_000_000, 0, START_NS),
        (EventKind.FEE, 1, 700, 0, 1, START_NS),
    ]
    assert fields(slots.define(MARKETS[2].market, START_NS)) == [
        (EventKind.MARKET, 2, 100, 5_000_000, -1, START_NS),
        (EventKind.FEE, 2, 300, 0, 2, START_NS),
        (EventKind.DELAY, 2, TakerDelay.UNKNOWN, 1_000, 77, START_NS),
    ]
    assert slots.market_ids.tolist() == [0, MARKETS[0].market, MARKETS[2].market, 0]
    assert slots.group_ids[0] == EVENT_ID


def test_a_market_known_to_have_no_delay_is_introduced_with_that_too() -> None:
    undelayed = make_market("a", taker_delay=TakerDelay.NO)
    rows = Slots([undelayed], [], 2, 1).define(undelayed.market, START_NS)
    assert fields(rows)[-1] == (EventKind.DELAY, 1, TakerDelay.NO, 0, 0, START_NS)


def test_a_group_that_was_not_given_makes_its_market_stand_alone() -> None:
    slots = Slots(MARKETS, [], 4, 1)
    assert fields(slots.define(MARKETS[0].market, START_NS))[0][4] == -1


def test_translation_stops_at_what_must_be_seen() -> None:
    slots = make_slots()
    slots.define(MARKETS[0].market, START_NS)
    rows = np.zeros(4, EVENT)
    rows["market"] = [MARKETS[0].market, MARKETS[0].market, MARKETS[0].market, MARKETS[2].market]
    rows["kind"] = [EventKind.LEVEL, EventKind.STATE, EventKind.LEVEL, EventKind.LEVEL]
    rows = as_records(rows)
    assert slots.translate(rows, 0, 4) == 2
    assert slots.translate(rows, 2, 4) == 3
    assert slots.translate(rows, 3, 4) == 3
    assert rows["market"].tolist() == [1, 1, 1, MARKETS[2].market]


def test_a_group_keeps_its_slots_until_its_last_member_is_resolved() -> None:
    """Its baskets still name them, so another market finds no room, however long it waits."""
    slots = Slots([*MARKETS, make_market("next")], [GROUP], 4, 2)
    for market in MARKETS:
        slots.define(market.market, START_NS)
    resolve(slots, "yes", START_NS + S)
    assert slot_of(slots, "yes") == NOBODY
    with pytest.raises(CapacityError, match="more than 3 markets at once"):
        slots.define(market_id("next"), START_NS + 3 * REST_NS)
    resolve(slots, "no", START_NS + 3 * REST_NS)
    assert len(slots.define(market_id("next"), START_NS + 4 * REST_NS)) == 2


def test_a_slot_rests_before_the_next_market_gets_it() -> None:
    slots = Slots([*MARKETS, make_market("next")], [GROUP], 4, 2)
    for market in MARKETS:
        slots.define(market.market, START_NS)
    resolve(slots, "no", START_NS + S)
    resolve(slots, "yes", START_NS + 2 * S)
    (row, _) = slots.define(market_id("next"), START_NS + 2 * S + REST_NS)
    assert row["market"] == 1
    assert slots.market_ids[1] == market_id("next")


def test_a_slot_that_was_used_is_used_again_before_others() -> None:
    """Its memory is taken already: months of markets take what those of an hour do."""
    many = [make_market(str(number)) for number in range(50)]
    slots = Slots(many, (), 100, 1)
    for hour, market in enumerate(many):
        (row, _) = slots.define(market.market, START_NS + hour * REST_NS)
        assert row["market"] <= 2
        resolve(slots, market.slug, START_NS + hour * REST_NS)
    assert not slots.markets


def test_unlisted_and_resolved_markets_belong_to_nobody() -> None:
    slots = make_slots()
    assert len(slots.define(market_id("stranger"), START_NS)) == 0
    assert slot_of(slots, "stranger") == NOBODY
    slots.define(MARKETS[2].market, START_NS)
    resolve(slots, "alone", START_NS + S)
    assert slot_of(slots, "alone") == NOBODY
    resolve(slots, "alone", START_NS + 2 * S)
    resolve(slots, "stranger", START_NS + 2 * S)
    assert (slots.listed_markets, slots.unlisted_markets) == (1, 1)


def test_listed_time_runs_from_the_first_row_to_the_resolution() -> None:
    slots = make_slots()
    slots.define(MARKETS[0].market, START_NS)
    slots.define(MARKETS[2].market, START_NS + 2 * S)
    resolve(slots, "alone", START_NS + 5 * S)
    assert slots.listed_ns(START_NS + 10 * S) == 3 * S + 10 * S
