"""Each kind of alert: when it comes, that it comes once, and when it is over."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hfptm import config
from hfptm.alerts import ledger
from hfptm.alerts.bounds import Bounds, span, usd
from hfptm.alerts.kinds import SEVERITIES, Kind, Severity
from hfptm.alerts.ledger import CALM_NS, LONG_CALM_NS
from hfptm.bulletin import Bulletin
from hfptm.cli import publishing
from hfptm.errors import ConfigError
from hfptm.feed_status import STARTING, LineStatus
from hfptm.trading_status import Money
from recorder.status import problems_of
from tests.healthy import BEGAN_NS, USD_E6, bulletin, feed, latency, plan, trading, use

BOUNDS = Bounds.of(config.load(None, [], {}))
"""25 USD a trade, 100 USD of drawdown, 200 ms, 60 s, 1 GiB, 20 an hour in groups of 10 s."""
S = 1_000_000_000


@dataclass
class Watched:
    """Looks at one bulletin after another, a second apart."""

    state: ledger.State = field(default_factory=ledger.State)
    now_ns: int = BEGAN_NS

    killed: str | None = None

    def see(self, seconds: int = 1, *, is_orphan: bool = False, **changes: Any) -> list[str]:
        """What is told of so many seconds of this: "kind", or "kind over"."""
        before = self.state.serial
        for _ in range(seconds):
            self.now_ns += S
            self.look(bulletin(self.now_ns, **changes), is_orphan=is_orphan)
        return [
            f"{alert.name} over" if alert.is_over else alert.name
            for alert in self.state.alerts
            if alert.serial > before
        ]

    def look(self, told: Bulletin, *, is_orphan: bool = False) -> None:
        ledger.look(self.state, told, BOUNDS, self.now_ns, killed=self.killed, is_orphan=is_orphan)

    @property
    def text(self) -> str:
        return self.state.alerts[-1].text


CONDITIONS: dict[Kind, tuple[dict[str, Any], dict[str, Any], str]] = {
    # What holds, what does not quite, and a piece of the text.
    Kind.ERROR: ({"problems": ["no room"]}, {"problems": ["no room"]}, "no room"),
    Kind.ORDER_LATENCY: (
        {"latencies": [latency("order", 201)]},
        {"latencies": [latency("order", 161)]},
        "201 ms from an order to its first report (p99 of a minute), above 200 ms",
    ),
    Kind.FEED_LAG: (
        {"latencies": [latency("feed", 9_000)]},
        {"latencies": [latency("feed", BOUNDS.feed_lag_ns // 1_000_000)]},
        "9 s from the exchange's time to receipt",
    ),
    Kind.DRAWDOWN: (
        {"trading": trading(money=Money(drawdown_e6=104_200_000))},
        {"trading": trading(money=Money(drawdown_e6=80_000_001))},
        "104.20 USD below the highest result, above 100.00 USD",
    ),
    Kind.BREAKER: (
        {"trading": trading(latch="drawdown", latch_value=51 * USD_E6, latch_limit=50 * USD_E6)},
        {"trading": trading(latch="drawdown")},
        "until somebody lifts it: drawdown (51.00 USD, allowed 50.00 USD)",
    ),
    Kind.FEED_SILENT: (
        {"feed": feed(silent_ns=61 * S)},
        {"feed": feed(silent_ns=61 * S)},
        "no frame of any of 100 markets for more than 60 s",
    ),
    Kind.GAPS: (
        {"feed": feed(unseen=3)},
        {"feed": feed(unseen=1)},
        "no connection sees 3 of the markets",
    ),
    Kind.DISK: (
        {"feed": feed(free_bytes=(1 << 30) - 1)},
        {"feed": feed(free_bytes=(1 << 30) * 5 // 4 - 1)},
        "1,023 MiB of the disk are free, less than 1,024 MiB",
    ),
    Kind.LIMIT: (
        {"trading": trading(limits=[use(91 * USD_E6, 100 * USD_E6, of="an-event")])},
        {"trading": trading(limits=[use(73 * USD_E6, 100 * USD_E6)])},
        "risk.max_drawdown_usd: 91.00 USD of 100.00 USD are used by an-event, 91 %",
    ),
}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_a_condition_is_told_once_and_once_when_it_is_over(kind: Kind) -> None:
    holds, not_quite, text = CONDITIONS[kind]
    watched = Watched()
    assert watched.see(5) == []
    assert watched.see(400, **holds) == [kind]
    assert text in watched.text
    assert watched.state.alerts[-1].severity is SEVERITIES[kind]
    calm_s = ledger.CALMS_NS.get(kind, CALM_NS) // S
    assert watched.see(calm_s - 1) == []
    assert watched.see(400, **not_quite) == []
    assert watched.see(calm_s - 1) == []
    assert watched.see(1) == [f"{kind} over"]
    assert watched.state.alerts[-1].severity is Severity.INFO
    assert watched.text.startswith(f"over, after {span((399 + calm_s + 399) * S)}: ")
    assert watched.see(400) == []
    assert watched.see(1, **holds) == [kind]


@pytest.mark.parametrize(
    "kind", [Kind.ORDER_LATENCY, Kind.FEED_LAG, Kind.DRAWDOWN, Kind.DISK, Kind.LIMIT]
)
def test_what_does_not_quite_hold_does_not_begin(kind: Kind) -> None:
    assert Watched().see(400, **CONDITIONS[kind][1]) == []


def test_every_kind_is_tried_here() -> None:
    assert set(CONDITIONS) | {Kind.TRADE, Kind.DIED, Kind.KILLED} == set(Kind)


@pytest.mark.parametrize(
    "changes",
    [
        {"feed": STARTING},
        {"feed": feed(silent_ns=10_000 * S, markets=19)},
        {"latencies": [latency("decision", 90_000), latency("order", 90_000, minute_count=0)]},
        {"trading": None},
        {"trading": trading(latch="stopped")},
        {"trading": trading(latch="halted")},  # so ends every live run
        {"trading": trading(limits=[use(9, 9, unit="count"), use(9, 9, unit="ns")])},
        {"problems": ["no frame of any market for 99 s"]},
    ],
)
def test_what_is_no_reason(changes: dict[str, Any]) -> None:
    assert Watched().see(400, **changes) == []


def test_problems_that_have_a_kind_of_their_own_are_not_told_twice() -> None:
    latched = trading(latch="drawdown", latch_value=51 * USD_E6, latch_limit=50 * USD_E6)
    line = LineStatus(line=0, markets=100, connections=1, shards=1, first=0)
    silent = feed(silent_ns=61 * S, lines=[line])
    problems = [*publishing._problems(latched), *problems_of(silent)]
    assert len(problems) == 2
    told = Watched().see(99, problems=problems, trading=latched, feed=silent)
    assert sorted(told) == [Kind.BREAKER, Kind.FEED_SILENT]


def test_a_problem_is_the_same_with_another_number() -> None:
    watched = Watched()
    told = [watched.see(problems=[f"{n:,} rows lost in {n} s"]) for n in range(990, 1_010)]
    assert [alert for alerts in told for alert in alerts] == [Kind.ERROR]
    assert watched.see(problems=["5 rows lost in 3 s", "no room"]) == [Kind.ERROR]


def test_nothing_that_looks_like_a_secret_is_in_an_alert() -> None:
    watched = Watched()
    watched.see(problems=["wss://me:passw0rd@host.example/ws: Bearer t0ken-of-mine refused"])
    watched.see(CALM_NS // S)
    kept = msgspec.json.encode(watched.state).decode()
    assert watched.state.serial == 2
    assert [piece for piece in ("passw0rd", "t0ken") if piece in kept] == []


def test_gaps_of_one_spell_are_told_once() -> None:
    watched = Watched()
    assert watched.see(feed=feed(gaps=5)) == [Kind.GAPS]
    assert watched.text == "5 gaps have just ended"
    assert watched.see(LONG_CALM_NS // S - 1, feed=feed(gaps=5)) == []
    assert watched.see(feed=feed(gaps=6)) == []
    assert watched.see(LONG_CALM_NS // S, feed=feed(gaps=6)) == ["gaps over"]
    assert watched.see(feed=feed(gaps=0), began_ns=BEGAN_NS + 1) == []
    assert watched.see(feed=feed(gaps=1), began_ns=BEGAN_NS + 1) == [Kind.GAPS]


def test_a_pause_is_a_breaker_of_its_own() -> None:
    pause = trading(pause="failures", paused_until_ns=BEGAN_NS)
    watched = Watched()
    assert watched.see(trading=pause) == [Kind.BREAKER]
    assert "until 2026-04-29 02:00:00.000Z: failures" in watched.text
    both = trading(pause="failures", latch="daily_loss")
    assert watched.see(trading=both) == [Kind.BREAKER]


def test_the_kill_switch_is_told_also_when_it_ends_the_program() -> None:
    watched = Watched()
    watched.killed = "too hot"
    assert watched.see(9, ended="stopped") == [Kind.KILLED]
    assert watched.text.startswith("the kill switch is thrown (too hot); no order leaves until")
    watched.killed = None
    assert watched.see(99, ended="stopped") == []
    assert watched.see(CALM_NS // S, began_ns=BEGAN_NS + 1) == []
    assert watched.see(began_ns=BEGAN_NS + 1) == ["killed over"]


def test_a_trade_is_told_when_it_has_ended_and_spent_more() -> None:
    watched = Watched()
    small = [plan(1, 25 * USD_E6), plan(2, 99 * USD_E6, ended_ns=0)]
    assert watched.see(9, trading=trading(plans=small)) == []
    large = [*small, plan(4, 26 * USD_E6), plan(3, 1_234_567_890, result_e6=None)]
    assert watched.see(9, trading=trading(plans=large)) == [Kind.TRADE, Kind.TRADE]
    assert watched.text.startswith("binary of market-4, completed: spent 26.00 USD, above 25.00")
    assert "spent 1,234.56 USD, above 25.00 USD; plan 3" in watched.state.alerts[-2].text
    assert watched.see(trading=trading(plans=[plan(9, 30 * USD_E6), *large])) == [Kind.TRADE]
    last: dict[str, Any] = {"trading": trading(plans=[plan(10, 30 * USD_E6)]), "ended": "stopped"}
    assert watched.see(9, **last) == [Kind.TRADE]
    again: dict[str, Any] = {
        "trading": trading(plans=[plan(10, 30 * USD_E6)]),
        "run_id": "another-run",
    }
    assert watched.see(9, **again) == [Kind.TRADE]


def test_a_program_that_says_nothing_more_has_died() -> None:
    watched, told = Watched(), bulletin(problems=["no room"])
    watched.look(told)
    for seconds, count in ((60, 1), (1, 2), (5_000, 2)):
        watched.now_ns += seconds * S
        watched.look(told)
        assert watched.state.serial == count
    assert watched.text == (
        "hfptm paper, process 7: silent for more than 60 s; "
        "its last word is of 2026-04-29 02:00:00.000Z"
    )
    # What held is not known to be over until a program says so.
    began_ns = watched.now_ns
    assert watched.see(CALM_NS // S, began_ns=began_ns) == []
    assert watched.see(began_ns=began_ns) == ["error over", "died over"]


@pytest.mark.parametrize(
    ("changes", "is_orphan", "text"),
    [
        ({}, True, "gone without a word"),
        ({"ended": "failed: no room"}, False, "failed: no room"),
        ({"ended": "failed: no room"}, True, "failed: no room"),
    ],
)
def test_other_deaths(changes: dict[str, Any], is_orphan: bool, text: str) -> None:
    watched = Watched()
    assert watched.see(9, is_orphan=is_orphan, **changes) == [Kind.DIED]
    assert text in watched.text
    assert watched.state.alerts[-1].severity is Severity.CRITICAL


def test_programs_that_die_again_and_again_are_told_of_once() -> None:
    watched = Watched()
    for _ in range(20):
        watched.see(5, began_ns=watched.now_ns)
        watched.see(1, is_orphan=True)
    assert [alert.name for alert in watched.state.alerts] == [Kind.DIED]


def test_an_end_that_is_meant_is_no_death_and_ends_no_condition() -> None:
    watched = Watched()
    assert watched.see(problems=["no room"]) == [Kind.ERROR]
    ended = bulletin(watched.now_ns, ended="stopped")
    for _ in range(200):
        watched.now_ns += S
        watched.look(ended, is_orphan=True)
    assert watched.see(problems=["no room"], began_ns=watched.now_ns) == []
    assert watched.state.serial == 1


def test_a_clock_that_is_set_back_ends_conditions_and_begins_none() -> None:
    watched = Watched()
    assert watched.see(problems=["no room"]) == [Kind.ERROR]
    watched.now_ns -= 7_200 * S
    assert watched.see() == ["error over"]
    assert watched.see(9) == []


def test_the_state_is_the_same_when_it_was_kept() -> None:
    watched = Watched()
    for kind, (holds, *_) in CONDITIONS.items():
        assert watched.see(**holds) == [kind]
        kept = msgspec.json.encode(watched.state)
        watched.state = msgspec.json.decode(kept, type=ledger.State)


def test_amounts_as_people_read_them() -> None:
    assert [usd(n) for n in (0, 9_999, -9_999, -10_000, 1_234_567_890)] == [
        *("0.00 USD", "0.00 USD", "0.00 USD", "-0.01 USD", "1,234.56 USD"),
    ]
    spans = [0, 1_999 * S // 1_000, 2 * S, 119 * S, 120 * S, 7_199 * S, 7_200 * S, -5]
    assert [span(ns) for ns in spans] == [
        *("0 ms", "1,999 ms", "2 s", "119 s", "2 min", "119 min", "2 h", "0 ms"),
    ]


@pytest.mark.parametrize("key", ["alerts.trade_above_usd", "alerts.drawdown_above_usd"])
@pytest.mark.parametrize("value", ["0", "-1", "0.0000001", "1e30"])
def test_amounts_that_cannot_be_are_refused_at_the_start(
    key: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=key):
        config.load(None, [f"{key}={value}"], {})
