"""Whatever happens, in whichever order: who is alerted hears of each onset, in order, and of no
more messages an hour than was agreed."""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hfptm import config
from hfptm.alerts import ledger, outbox
from hfptm.alerts.bounds import Bounds
from hfptm.alerts.kept import Kept
from hfptm.alerts.kinds import SEVERITIES, Alert, Kind, Severity
from hfptm.alerts.ledger import ALERTS_MAX
from hfptm.alerts.outbox import BODY_CHARACTERS_MAX, HOUR_NS, RETRY_NS_MAX, Message, Outbox
from hfptm.bulletin import Bulletin
from hfptm.trading_status import Money
from tests.healthy import BEGAN_NS, USD_E6, bulletin, feed, plan, trading

S = 1_000_000_000
BOUNDS = replace(Bounds.of(config.load(None, [], {})), messages_per_hour=3)
PLACE = "a-machine"


@dataclass(frozen=True)
class Step:
    """So long later, what the program says then."""

    wait_s: int
    problems: frozenset[str]
    drawdown_usd: int
    latch: str
    gaps: int
    plans: frozenset[int]
    is_silent: bool
    is_taken: bool
    """Whether the address takes a message then."""
    is_restarted: bool
    """Whether the monitor is another one from here on."""


STEPS = st.builds(
    Step,
    wait_s=st.sampled_from([1, 1, 1, 5, 11, 31, 400, 4_000]),
    problems=st.frozensets(st.sampled_from(["no room", "no disk", "no line"])),
    drawdown_usd=st.sampled_from([0, 79, 81, 99, 101, 500]),
    latch=st.sampled_from(["", "", "halted", "drawdown"]),
    gaps=st.integers(0, 3),
    plans=st.frozensets(st.integers(1, 30), max_size=3),
    is_silent=st.booleans(),
    is_taken=st.booleans(),
    is_restarted=st.booleans(),
)


@dataclass
class Monitor:
    """The pure parts as `Watch` puts them together, and an address that takes messages or not."""

    now_ns: int = BEGAN_NS
    told_ns: int = BEGAN_NS
    gaps: int = 0
    kept: Kept = field(default_factory=lambda: Kept(state=ledger.State(), outboxes={}))
    alerts: dict[int, Alert] = field(default_factory=dict)
    taken: list[tuple[int, list[Alert], Message]] = field(default_factory=list)

    def step(self, step: Step) -> None:
        self.now_ns += step.wait_s * S
        told = self._bulletin(step)
        if step.is_restarted:
            self.kept = msgspec.json.decode(msgspec.json.encode(self.kept), type=Kept)
        ledger.look(self.kept.state, told, BOUNDS, self.now_ns)
        self.alerts |= {alert.serial: alert for alert in self.kept.state.alerts}
        self.send(is_taken=step.is_taken)

    def _bulletin(self, step: Step) -> Bulletin:
        self.gaps += step.gaps
        self.told_ns = self.told_ns if step.is_silent else self.now_ns
        trades = trading(
            money=Money(drawdown_e6=step.drawdown_usd * USD_E6),
            latch=step.latch,
            plans=[plan(serial, 30 * USD_E6) for serial in step.plans],
        )
        problems = sorted(step.problems)
        return bulletin(self.told_ns, problems=problems, trading=trades, feed=feed(gaps=self.gaps))

    def send(self, *, is_taken: bool) -> None:
        box = self.kept.outboxes.setdefault("1", Outbox(serial=0))
        waiting = outbox.due(box, self.kept.state.alerts, BOUNDS, self.now_ns)
        if not waiting:
            return
        message = outbox.message(waiting, box.serial, PLACE)
        if is_taken:
            outbox.took(box, message, self.now_ns)
            self.taken.append((self.now_ns, waiting, message))
        else:
            outbox.failed(box, self.now_ns)

    def settle(self) -> None:
        """The address takes everything from here on, and nothing more happens."""
        for _ in range(3):
            self.now_ns += max(RETRY_NS_MAX, HOUR_NS)
            self.send(is_taken=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=20))
def test_each_onset_is_told_once_in_order_and_no_hour_has_more_messages(steps: list[Step]) -> None:
    monitor = Monitor()
    for step in steps:
        monitor.step(step)
    monitor.settle()
    told = [alert.serial for _, alerts, _ in monitor.taken for alert in alerts]
    assert told == list(range(1, monitor.kept.state.serial + 1))
    times_ns = [now_ns for now_ns, *_ in monitor.taken]
    for first_ns in times_ns:
        assert sum(0 <= ns - first_ns < HOUR_NS for ns in times_ns) <= BOUNDS.messages_per_hour
    for now_ns, alerts, _ in monitor.taken:
        assert now_ns - alerts[0].ts_ns >= BOUNDS.group_ns


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=20))
def test_a_condition_begins_and_ends_in_turns(steps: list[Step]) -> None:
    monitor = Monitor()
    for step in steps:
        monitor.step(step)
    by_key: dict[str, list[bool]] = {}
    for alert in monitor.alerts.values():
        by_key.setdefault(alert.key, []).append(alert.is_over)
    for key, ends in by_key.items():
        if not key.startswith(Kind.TRADE):
            assert not ends[0]
            assert all(before != after for before, after in pairwise(ends))
            assert ends[-1] != (key in monitor.kept.state.conditions)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=20))
def test_a_monitor_that_is_started_again_tells_the_same(steps: list[Step]) -> None:
    one, many = Monitor(), Monitor()
    for step in steps:
        one.step(replace_restart(step, is_restarted=False))
        many.step(replace_restart(step, is_restarted=True))
    assert one.alerts == many.alerts
    assert one.taken == many.taken


def replace_restart(step: Step, *, is_restarted: bool) -> Step:
    return Step(**{**vars(step), "is_restarted": is_restarted})


ALERTS = st.lists(
    st.tuples(st.sampled_from(list(Kind)), st.text(max_size=600), st.booleans()),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(ALERTS, st.integers(0, 50))
def test_a_message_has_room_for_the_worst_and_counts_the_rest(
    drawn: list[tuple[Kind, str, bool]], forgotten: int
) -> None:
    state = ledger.State(serial=forgotten)
    alerts = [made(state, number, *one) for number, one in enumerate(drawn, forgotten + 1)]
    message = outbox.message(alerts, 0, PLACE)
    lines = message.body.split("\n")
    assert len(message.body) <= BODY_CHARACTERS_MAX + 400  # what is counted, by its kind
    shown = [line for line in lines if re.match(r"20\d\d-", line)]
    counted = sum(
        int(n) for line in lines if line.startswith("No room") for n in re.findall(r" (\d+) ", line)
    )
    assert len(shown) + counted == len(alerts)
    kinds = Counter(re.sub(r"^\S+ \S+ ([a-z-]+):.*", r"\1", line) for line in shown)
    assert all(kinds[a.name] for a in alerts[:1] if len(alerts) == 1)
    assert ("Before these" in message.body) == bool(forgotten)
    assert message.serial == alerts[-1].serial
    assert message.severity == max(
        (a.severity for a in alerts), key=["info", "warning", "critical"].index
    )


def made(state: ledger.State, serial: int, kind: Kind, text: str, is_over: bool) -> Alert:
    return Alert(
        serial=serial,
        ts_ns=BEGAN_NS,
        mode="paper",
        name=kind,
        severity=Severity.INFO if is_over else SEVERITIES[kind],
        key=kind,
        is_over=is_over,
        text=text,
    )


def test_no_hour_has_more_messages_and_the_next_one_tells_the_rest() -> None:
    monitor = Monitor()
    for number in range(1, 150):
        monitor.step(Step(60, frozenset(), 0, "", 0, frozenset({number}), False, True, False))
    taken_ns = [now_ns for now_ns, *_ in monitor.taken]
    assert all(
        later - first >= HOUR_NS for first, later in zip(taken_ns, taken_ns[3:], strict=False)
    )
    assert len(taken_ns) == 9
    monitor.settle()
    told = [alert.serial for _, alerts, _ in monitor.taken for alert in alerts]
    assert told == list(range(1, 150))


def test_the_worst_has_room_where_there_is_not_enough() -> None:
    state = ledger.State()
    kinds = [*[Kind.TRADE] * 40, Kind.DIED, *[Kind.TRADE] * 40]
    alerts = [made(state, n, kind, "x" * 99, is_over=False) for n, kind in enumerate(kinds, 1)]
    body = outbox.message(alerts, 0, PLACE).body
    assert body.count(" died: ") == 1
    assert body.count(" trade: ") > 5
    assert body.index(" died: ") > body.index(" trade: ")


def test_what_nobody_could_be_told_is_counted() -> None:
    monitor = Monitor()
    for number in range(ALERTS_MAX + 50):
        plans = frozenset({number + 1})
        monitor.step(Step(1, frozenset(), 0, "", 0, plans, False, False, False))
    assert len(monitor.kept.state.alerts) == ALERTS_MAX
    monitor.settle()
    ((_, alerts, message),) = monitor.taken
    assert len(alerts) == ALERTS_MAX
    assert message.title == "hfptm paper on a-machine: 250 alerts"
    assert "Before these: 50 that could not be told in time." in message.body
    assert re.search(r"No room for: \d+ trade\.", message.body)


def test_a_message_as_it_reads() -> None:
    monitor = Monitor()
    monitor.step(Step(1, frozenset({"no room"}), 104, "", 0, frozenset(), False, True, False))
    monitor.step(Step(11, frozenset({"no room"}), 104, "", 0, frozenset(), False, True, False))
    ((_, _, message),) = monitor.taken
    assert message.title == "hfptm paper on a-machine: 2 alerts"
    assert message.body == (
        "2026-04-29 02:00:01.000Z error: no room\n"
        "What to do: docs/operations.md#error\n"
        "2026-04-29 02:00:01.000Z drawdown: 104.00 USD below the highest result, above 100.00 USD\n"
        "What to do: docs/operations.md#drawdown"
    )
