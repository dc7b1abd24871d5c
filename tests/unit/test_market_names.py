"""What names say of markets, and what the kernel is told of it."""

import msgspec
import pytest

from hfptm import config
from hfptm.config import limits
from hfptm.market_names import HOUR_NS, is_named, is_short_window, named_start_ns, names_of
from hfptm.opportunities import Relation
from hfptm.records import EventKind, MarketTrait
from hfptm.registry import Group, group_id
from hfptm.slots import Slots
from hfptm.traits import traits_of
from hfptm.units import NS_PER_S
from tests.tapes import make_market

START_S = 1_793_000_000
QUARTER = "btc-updown-15m-1793000000"
BLACK, WINDOW = int(MarketTrait.BLACKLISTED), int(MarketTrait.SHORT_WINDOW)
NO_FILE: dict[str, str] = {}


def traits(slug: str, minutes: int, *settings: str, **fields: str) -> int:
    market = make_market(slug, end_ts_ns=(START_S + 60 * minutes) * NS_PER_S)
    market = msgspec.structs.replace(market, **fields)
    return traits_of(market, None, limits(config.load(None, settings, NO_FILE)))


def test_names_stand_between_commas() -> None:
    assert names_of(" Trump , ,0xAB") == ("trump", "0xab")
    assert names_of("") == ()


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [
        ("0xab", True),
        ("0xa", False),
        ("will-it-rain", True),
        ("it rain", True),
        ("rain", True),
        ("ai", False),
        ("rain it", False),
    ],
)
def test_a_list_names_a_market_by_id_or_by_whole_words(name: str, is_meant: bool) -> None:
    assert is_named([name], "0xab", "will-it-rain-in-may", "Will it rain?") is is_meant


@pytest.mark.parametrize(
    ("slug", "start_ns"),
    [
        (QUARTER, START_S * NS_PER_S),
        ("bitcoin-up-or-down-november-22-2026-3pm-et", 2 * HOUR_NS),
        ("bitcoin-up-or-down-on-november-22", 0),
        ("will-it-rain", 0),
    ],
)
def test_a_slug_names_the_start_of_its_window(slug: str, start_ns: int) -> None:
    assert named_start_ns(slug, 3 * HOUR_NS) == start_ns


def test_a_short_window_is_short_and_of_an_up_or_down_series() -> None:
    assert is_short_window(100, 200, 100, "x", "btc-updown-5m")
    assert not is_short_window(100, 201, 100, "btc-updown-5m")
    assert not is_short_window(100, 100, 100, "btc-updown-5m")
    assert not is_short_window(0, 50, 100, "btc-updown-5m")
    assert not is_short_window(100, 200, 100, "will-it-rain")


def test_a_market_is_a_short_window_up_to_the_length_that_is_set() -> None:
    assert traits(QUARTER, 15) == WINDOW
    assert traits(QUARTER, 66) == 0  # 65 minutes are the default
    assert traits(QUARTER, 15, "discovery.short_window_s=899") == 0
    assert traits("will-it-rain", 15) == 0


def test_a_market_is_blacklisted_for_trading_alone() -> None:
    assert traits("will-it-rain", 15, "trading.blacklisted_markets=Rain, x") == BLACK
    assert traits("will-it-rain", 15, "discovery.blacklisted_markets=rain") == 0
    both = "trading.blacklisted_markets=btc"
    assert traits(QUARTER, 15, both) == BLACK | WINDOW
    assert traits("a", 15, "trading.blacklisted_markets=hail", question="Any hail?") == BLACK


def test_the_definition_carries_the_traits_and_the_event_s_name_counts() -> None:
    event = group_id("storm")
    relation = Relation.EXACTLY_ONE
    storm = Group(group=event, slug="storm", relation=relation, members=2, convertible=False)
    rules = limits(config.load(None, ["trading.blacklisted_markets=storm"], NO_FILE))
    markets = [make_market("in", group=event), make_market("out")]
    slots = Slots(markets, [storm], 4, 2, lambda market, of: traits_of(market, of, rules))
    for market, expected in zip(markets, (BLACK, 0), strict=True):
        rows = slots.define(market.market, 0)
        assert [row["side"] for row in rows if row["kind"] == EventKind.MARKET] == [expected]
