"""Selection: whatever is listed, the choice fits, is explained, and does not waver."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hfptm.opportunities import Relation
from hfptm.registry import Group
from hfptm.sections import Discovery
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.listings import Listed
from recorder.selection import rules_of, select
from tests.gamma import NOW_NS, listed

MINUTE_NS = 60 * NS_PER_S
BASE = listed(1)
CATEGORIES = ("sports", "politics", "weather", "other")


@st.composite
def listings(draw: st.DrawFn, low_usd: int = 0, with_windows: bool = True) -> dict[int, Listed]:
    """Up to 25 markets, some bound in events, some short windows."""
    found = {}
    for market in range(1, draw(st.integers(0, 25)) + 1):
        group = draw(st.sampled_from([0, 0, 101, 102, 103]))
        minutes = draw(st.sampled_from([0, 0, 5, 15])) if with_windows and not group else 0
        start_ns = NOW_NS + draw(st.integers(-40, 40)) * MINUTE_NS if minutes else 0
        end_ns = start_ns + minutes * MINUTE_NS if minutes else NOW_NS + 10**15
        found[market] = msgspec.structs.replace(
            BASE,
            group=bound(group) if group else None,
            start_ns=start_ns,
            volume_24h_e6=draw(st.integers(low_usd, 10_000)) * ONE_E6,
            liquidity_e6=draw(st.integers(0 if not low_usd else 100, 200)) * ONE_E6,
            market=msgspec.structs.replace(
                BASE.market,
                market=market,
                group=group,
                slug=f"btc-updown-{minutes}m-{start_ns // NS_PER_S}" if minutes else "a-market",
                category=CATEGORIES[(group or market) % 4],
                end_ts_ns=end_ns,
            ),
        )
    return found


def bound(group: int) -> Group:
    relation = Relation.EXACTLY_ONE if group < 103 else Relation.NESTED
    return Group(group=group, slug="e", relation=relation, members=9, convertible=True)


ROOM = st.integers(1, 30)


@given(listings(), ROOM, st.frozensets(st.integers(1, 30)))
def test_the_choice_fits_is_whole_and_is_explained(
    found: dict[int, Listed], room: int, recorded: frozenset[int]
) -> None:
    choice = select(found, recorded, rules_of(Discovery(max_order_books=room)), NOW_NS)
    assert len(choice.chosen) <= room
    assert choice.chosen <= found.keys()
    assert choice.added == choice.chosen - recorded
    assert choice.removed.keys() == recorded - choice.chosen
    assert choice.refused.total() == len(found) - len(choice.chosen)
    for group in (101, 102, 103):
        members = {market for market, each in found.items() if each.market.group == group}
        assert members <= choice.chosen or not members & choice.chosen


@given(listings(), ROOM, st.frozensets(st.integers(1, 30)), st.randoms(use_true_random=False))
def test_the_order_of_the_listing_means_nothing(
    found: dict[int, Listed], room: int, recorded: frozenset[int], rng: object
) -> None:
    rules = rules_of(Discovery(max_order_books=room))
    shuffled = list(found.items())
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert select(dict(shuffled), recorded, rules, NOW_NS) == select(found, recorded, rules, NOW_NS)


@given(listings(), ROOM)
def test_chosen_again_it_is_the_same(found: dict[int, Listed], room: int) -> None:
    rules = rules_of(Discovery(max_order_books=room))
    first = select(found, frozenset(), rules, NOW_NS)
    again = select(found, first.chosen, rules, NOW_NS)
    assert (again.chosen, again.added, again.removed) == (first.chosen, frozenset(), {})


@given(listings(low_usd=2_900, with_windows=False), ROOM, st.data())
def test_figures_that_waver_by_a_third_move_nothing(
    found: dict[int, Listed], room: int, data: st.DataObject
) -> None:
    """Each volume is 75 % to 133 % of what it was: two of them stay within twice each other."""
    rules = rules_of(Discovery(max_order_books=room))
    first = select(found, frozenset(), rules, NOW_NS)
    wavering = {}
    for market, each in found.items():
        percent = data.draw(st.integers(75, 133))
        volume_e6 = each.volume_24h_e6 * percent // 100
        wavering[market] = msgspec.structs.replace(each, volume_24h_e6=volume_e6)
    choice = select(wavering, first.chosen, rules, NOW_NS)
    assert (choice.added, choice.removed) == (frozenset(), {})
