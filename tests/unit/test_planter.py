"""What is planted is there, by real orders, while the truth says so; whoever takes it ends it."""

from pathlib import Path
from typing import Any

import pytest

from hfptm.errors import ConfigError, InputError
from hfptm.records import BUY, SELL, Side, Token
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.feed_artefacts import FeedArtefacts
from hfptm.sandbox.layouts import Opportunity
from hfptm.sandbox.market_frames import MarketFrames
from hfptm.sandbox.plant_file import ANY, Plant, PlantFile, RandomPlants
from hfptm.sandbox.planted import End, Expected, Kind, Planted, Skipped, edge, expect
from hfptm.sandbox.planter import Planter
from hfptm.sandbox.population import populate
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.sites import Sites
from hfptm.sandbox.truth_file import TruthWriter, read_truth, truth_path
from hfptm.sandbox.universe import make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, PRICE_ONE_E4

RATE, GENERAL, ALBUM = "rate-decision-december", "next-secretary-general", "album-of-the-year"
NESTED, SINGLE = "launched-1-by", "will-it-happen-3"
WINDOW = "btc-updown-5m-1795183200"
TAKER_DELAY_NS = 150 * NS_PER_MS


class Stage:
    """A populated sandbox with a planter, one second after its opening."""

    def __init__(
        self,
        *plants: Plant,
        random: RandomPlants | None = None,
        seed: int = 3,
        rate: int = 100,
    ) -> None:
        universe = make_universe(seed, markets=32)
        self.sandbox = sandbox = Sandbox(seed)
        sandbox.advance(universe.start_ns, 0)
        self.artefacts = FeedArtefacts()
        MarketFrames(sandbox).listeners.append(self.artefacts.receive)
        self.floor = populate(sandbox, universe, rate)
        sandbox.advance(universe.start_ns + NS_PER_S, 0)
        self.start_ns = sandbox.now_ns
        self.told: list[Planted | Skipped] = []
        self.sites = Sites(sandbox, self.floor.quoters)
        self.planter = self.planted(*plants, random=random, seed=seed)
        sandbox.agents += [self.artefacts, self.planter]

    def planted(self, *plants: Plant, random: RandomPlants | None = None, seed: int = 3) -> Planter:
        return Planter(
            self.floor.house,
            self.sites,
            self.artefacts,
            PlantFile("plan", list(plants), random),
            seed=seed,
            tell=self.told.append,
        )

    def after(self, ms: int) -> None:
        """Live until so long after the start."""
        self.sandbox.advance(self.start_ns + ms * NS_PER_MS, 0)

    def only(self) -> Any:
        (what,) = self.told
        return what

    def entries(self, event: str) -> list[MarketEntry]:
        found = self.sandbox.catalogue.of_slug(event)
        assert found is not None
        return found.markets

    def best_e4(self, event: str) -> list[tuple[int, int]]:
        books = [entry.listed.book for entry in self.entries(event)]
        return [(book.published_best_e4(BUY), book.published_best_e4(SELL)) for book in books]

    def best_sizes_e6(self, event: str, side: int) -> list[int]:
        books = [entry.listed.book for entry in self.entries(event)]
        return [book.published_levels(side)[0][1] for book in books]

    def shares_e6(self, event: str) -> int:
        return sum(entry.tape.shares_e6 for entry in self.entries(event))

    def is_held(self, event: str) -> bool:
        (held,) = {
            self.floor.quoters[entry.listed.market.slug].held for entry in self.entries(event)
        }
        return held


def plant(kind: Kind, slug: str, **more: Any) -> Plant:
    """Half a second after the start, for 400 ms, seven cents for 200 shares."""
    fields: dict[str, Any] = {
        "start_ns": 500 * NS_PER_MS,
        "life_ns": 400 * NS_PER_MS,
        "edge_e4": 700,
        "size_e6": 200 * ONE_E6,
    }
    return Plant(kind=kind, slug=slug, **fields | more)


def shown(stage: Stage, kind: Kind, slug: str) -> int:
    """The edge of a kind before fees, from published best prices."""
    best_e4 = stage.best_e4(slug)
    bids_e4, asks_e4 = (sum(best[side] for best in best_e4) for side in (BUY, SELL))
    if kind is Kind.NO_BASKET:
        return bids_e4 - PRICE_ONE_E4
    if kind is Kind.YES_BASKET:
        return PRICE_ONE_E4 - asks_e4
    if kind is Kind.BINARY:
        return best_e4[0][0] - best_e4[0][1]
    return max(
        bid_e4 - ask_e4
        for place, (bid_e4, _) in enumerate(best_e4)
        for _, ask_e4 in best_e4[place + 1 :]
    )


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize(("kind", "slug"), [(Kind.NO_BASKET, RATE), (Kind.YES_BASKET, GENERAL)])
def test_a_basket_ends_as_planned(end: End, kind: Kind, slug: str) -> None:
    stage = Stage(plant(kind, slug, end=end))
    stage.after(499)
    before = stage.best_e4(slug)
    stage.after(890)
    traded_e6 = stage.shares_e6(slug)
    stage.after(950)
    assert shown(stage, kind, slug) < 0
    assert (stage.shares_e6(slug) > traded_e6) is (end is End.TRADE)
    assert (stage.best_e4(slug) == before) is (end is not End.CANCEL)
    sizes_e6 = stage.best_sizes_e6(slug, BUY if kind is Kind.NO_BASKET else SELL)
    assert (set(sizes_e6) == {200 * ONE_E6}) is (end is End.MOVE)
    stage.after(1_150)
    told = stage.only()
    assert told.ended_by is end
    assert told.end_ts_venue_ns - told.start_ts_venue_ns == 400 * NS_PER_MS


@pytest.mark.parametrize(
    ("kind", "slug"),
    [
        (Kind.NO_BASKET, RATE),
        (Kind.YES_BASKET, RATE),
        (Kind.NO_BASKET, GENERAL),
        (Kind.YES_BASKET, GENERAL),
        (Kind.NESTED, NESTED),
    ],
)
def test_a_basket_is_there_while_it_lives(kind: Kind, slug: str) -> None:
    stage = Stage(plant(kind, slug, is_printed=True))
    stage.after(499)
    assert shown(stage, kind, slug) < 0
    stage.after(500)
    before = stage.best_e4(slug)
    assert shown(stage, kind, slug) == 700
    assert stage.is_held(slug)
    stage.after(890)
    assert stage.best_e4(slug) == before
    stage.after(950)
    assert shown(stage, kind, slug) < 0
    assert not stage.is_held(slug)
    told = stage.only()
    assert (told.kind, told.slug, told.gross_e4) == (kind, slug, 700)
    assert told.end_ts_venue_ns - told.start_ts_venue_ns == 400 * NS_PER_MS
    late_ms = (told.start_ts_venue_ns - stage.start_ns) // NS_PER_MS - 500
    assert 0 <= late_ms < 15
    assert told.is_printed
    too_dear = kind is Kind.NO_BASKET  # it costs dollars, so that seven cents are little
    assert told.expected is (Expected.BELOW_MINIMUM if too_dear else Expected.CATCHABLE)
    assert told.net_e4 + told.outlay_e4 == told.gross_e4 + sum(leg.price_e4 for leg in told.legs)


def test_a_binary_shows_in_its_taker_delay_and_then_trades() -> None:
    stage = Stage(plant(Kind.BINARY, WINDOW, life_ns=0, is_printed=True))
    (entry,) = stage.entries(WINDOW)
    listed = entry.listed
    volume_e6 = entry.tape.volume_e6
    stage.after(500)
    assert stage.is_held(WINDOW)  # until no other taker waits any more
    assert shown(stage, Kind.BINARY, WINDOW) < 0
    stage.after(650)
    assert shown(stage, Kind.BINARY, WINDOW) == 700
    assert listed.book.sides[BUY].best_e4() < listed.book.sides[SELL].best_e4()
    assert len(listed.delayed) == 1
    stage.after(799)
    assert shown(stage, Kind.BINARY, WINDOW) == 700
    stage.after(800)
    assert shown(stage, Kind.BINARY, WINDOW) < 0
    assert not listed.delayed
    assert not listed.shows_delayed
    assert entry.tape.volume_e6 > volume_e6
    told = stage.only()
    assert told.is_printed
    assert told.end_ts_venue_ns == stage.start_ns + 800 * NS_PER_MS
    assert {leg.token for leg in told.legs} == {"YES", "NO"}


def taken(stage: Stage, entry: MarketEntry, side: Side, size_e6: int) -> None:
    """A user takes from the best level."""
    house = stage.floor.house
    price_e4 = entry.listed.book.sides[1 - side].best_e4()
    assert house.immediate(house.any_taker(), entry.listed, side, (price_e4, size_e6))


def test_what_others_send_meanwhile_is_hidden_again_when_its_delay_ends() -> None:
    stage = Stage(plant(Kind.BINARY, WINDOW, life_ns=0, is_printed=True))
    stage.after(700)
    (entry,) = stage.entries(WINDOW)
    taken(stage, entry, BUY, 50 * ONE_E6)
    assert len(entry.listed.delayed) == 2
    stage.after(810)
    assert entry.listed.book.shown_e6 != ({}, {})
    stage.after(860)
    assert entry.listed.book.shown_e6 == ({}, {})


def test_whoever_takes_a_leg_ends_it() -> None:
    stage = Stage(plant(Kind.YES_BASKET, RATE))
    stage.after(600)
    entry = stage.entries(RATE)[1]
    taken(stage, entry, BUY, 50 * ONE_E6)
    assert shown(stage, Kind.YES_BASKET, RATE) == 700
    stage.after(650)
    taken(stage, entry, BUY, 200 * ONE_E6)
    assert shown(stage, Kind.YES_BASKET, RATE) < 700
    stage.after(950)
    told = stage.only()
    assert told.end_ts_venue_ns == stage.start_ns + 650 * NS_PER_MS
    assert told.is_printed


def test_one_that_is_gone_before_an_order_can_arrive_is_too_short() -> None:
    stage = Stage(plant(Kind.YES_BASKET, RATE))
    stage.after(530)
    taken(stage, stage.entries(RATE)[1], BUY, 250 * ONE_E6)
    stage.after(950)
    assert stage.only().expected is Expected.TOO_SHORT


def test_an_order_in_the_way_leaves_everything_as_it_was() -> None:
    stage = Stage(plant(Kind.YES_BASKET, RATE))
    stage.after(400)
    house, listed = stage.floor.house, stage.entries(RATE)[0].listed
    stage.sandbox.fund("0xuser", 1_000 * ONE_E6)
    bid_e4 = listed.book.sides[SELL].best_e4() - 100
    house.limit("0xuser", listed, BUY, (bid_e4, 10 * ONE_E6))
    before = stage.best_e4(RATE)
    stage.after(500)
    told = stage.only()
    assert told.reason == "an order of somebody else is in the way"
    assert stage.best_e4(RATE) == before
    assert not stage.is_held(RATE)
    assert stage.planter.due_ns > stage.start_ns + NS_PER_S


def test_an_artefact_moves_the_market_by_a_real_order() -> None:
    for kind in (Kind.HALF_BATCH, Kind.LOST_DELTA):
        stage = Stage(plant(kind, SINGLE, life_ns=700 * NS_PER_MS, edge_e4=0, size_e6=0))
        stage.after(499)
        ((bid_e4, ask_e4),) = stage.best_e4(SINGLE)
        stage.after(510)
        ((new_bid_e4, new_ask_e4),) = stage.best_e4(SINGLE)
        assert new_bid_e4 - ask_e4 == 600 or bid_e4 - new_ask_e4 == 600
        stage.after(1_500)
        assert shown(stage, Kind.BINARY, SINGLE) < 0
        assert stage.only().expected is Expected.ARTEFACT


def test_a_market_that_lost_a_delta_goes_on_changing() -> None:
    """Or nobody could notice."""
    lost = plant(Kind.LOST_DELTA, SINGLE, life_ns=1_100 * NS_PER_MS, edge_e4=0, size_e6=0)
    stage = Stage(lost, rate=1)
    (entry,) = stage.entries(SINGLE)
    stamps_ms = set()
    for ms in range(520, 1_600, 10):
        stage.after(ms)
        stamps_ms.add(entry.tape.changed_ms)
    assert len(stamps_ms) >= 3


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(
    ("impossible", "problem"),
    [
        (plant(Kind.YES_BASKET, "nothing"), "no event 'nothing' is listed"),
        (plant(Kind.BINARY, "nothing"), "no market 'nothing' is listed"),
        (plant(Kind.YES_BASKET, WINDOW), f"no event '{WINDOW}' is listed"),
        (plant(Kind.NO_BASKET, NESTED), "its outcomes are not exclusive"),
        (plant(Kind.NESTED, RATE), "its outcomes do not imply each other"),
        (plant(Kind.BINARY, SINGLE), "its takers have no delay"),
        (plant(Kind.LOST_DELTA, WINDOW), "its takers have a delay, so it cannot jump at once"),
        (plant(Kind.LOST_DELTA, f"{RATE}-cut"), "it would leave an edge in the market's event"),
        (plant(Kind.YES_BASKET, RATE, edge_e4=50), "edge_usd: 0.005 is no multiple of 0.01"),
        (plant(Kind.YES_BASKET, RATE, size_e6=4 * ONE_E6), "shares: 4 are fewer than 5"),
        (
            plant(Kind.YES_BASKET, RATE, size_e6=39 * ONE_E6, is_printed=True),
            "shares: 39 are fewer than 40",
        ),
        (plant(Kind.BINARY, WINDOW, edge_e4=5_000), "has no room"),
        (plant(Kind.NESTED, NESTED, edge_e4=5_000), "no two neighbours have room"),
    ],
)
def test_what_cannot_be_planted_is_told_at_once(
    stage: Stage, impossible: Plant, problem: str
) -> None:
    with pytest.raises(ConfigError, match=r"plan: \[\[plant\]\] 2: ") as raised:
        stage.planted(plant(Kind.NO_BASKET, GENERAL), impossible)
    assert problem in str(raised.value)


ALL_KINDS = RandomPlants(
    kinds=tuple(Kind),
    per_minute=240,
    life_ms=(20, 800),
    edge_e4=(200, 900),
    size_e6=(50 * ONE_E6, 300 * ONE_E6),
    is_printed=True,
)


def test_random_ones_are_the_same_however_time_is_told() -> None:
    whole, stepped, other = Stage(random=ALL_KINDS), Stage(random=ALL_KINDS), Stage(seed=4)
    whole.after(20_000)
    for ms in range(0, 20_001, 160):
        stepped.after(ms)
    assert whole.told == stepped.told
    planted = [what for what in whole.told if isinstance(what, Planted)]
    assert {what.kind for what in planted} == set(Kind)
    assert len(planted) > 40
    assert other.told == []
    for what in planted:
        if what.kind not in (Kind.HALF_BATCH, Kind.LOST_DELTA):
            assert 200 <= what.gross_e4 <= 900


def test_two_in_one_place_at_a_time_is_one_too_many() -> None:
    stage = Stage(
        plant(Kind.NESTED, ANY),
        *(plant(Kind.NESTED, ANY, start_ns=600 * NS_PER_MS) for _ in range(3)),
    )
    stage.after(2_000)
    kinds = [type(what) for what in stage.told]
    assert (kinds.count(Planted), kinds.count(Skipped)) == (1, 3)
    skipped = next(what for what in stage.told if isinstance(what, Skipped))
    assert skipped.reason == "no market or event is free and open for it"


def test_fees_round_the_edge_down(stage: Stage) -> None:
    market = stage.entries(WINDOW)[0].listed.market
    found = edge([(market, Token.YES, 5_000), (market, Token.NO, 4_200)], PRICE_ONE_E4)
    assert (found.gross_e4, found.net_e4, found.outlay_e4) == (800, 800 - 346, 9_546)
    assert expect(NS_PER_S, found) is Expected.CATCHABLE
    free = Opportunity([(stage.entries(GENERAL)[0], Token.YES)], PRICE_ONE_E4).edge()
    assert free.net_e4 == free.gross_e4


def test_not_exclusive_outcomes_make_no_opportunity() -> None:
    stage = Stage(plant(Kind.YES_BASKET, ALBUM, edge_e4=2_000))
    stage.after(1_000)
    assert stage.only().expected is Expected.NOT_EXCLUSIVE


def test_the_truth_is_written_as_it_comes(tmp_path: Path) -> None:
    path = truth_path(tmp_path / "plant.toml")
    assert path.name == "plant.toml.truth.jsonl"
    path.write_text("old")
    writer = TruthWriter(path, seed=3, start_ts_venue_ns=17)
    try:
        stage = Stage(plant(Kind.YES_BASKET, RATE), plant(Kind.NESTED, ANY))
        stage.after(1_000)
        for number, what in enumerate(stage.told):
            assert len(read_truth(path)[1]) == number
            writer.tell(what)
    finally:
        writer.close()
    header, lines = read_truth(path)
    assert (header.seed, header.start_ts_venue_ns) == (3, 17)
    assert lines == stage.told
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="damaged at line 3: cut short"):
        read_truth(path)
    path.write_bytes(b'{"format":"x"}\n')
    with pytest.raises(InputError, match="no truth file"):
        read_truth(path)
