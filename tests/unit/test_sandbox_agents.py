"""Agents act at their own times, in one order with all else, however often somebody looks."""

from typing import Any

import pytest

from hfptm.clock import NS_MAX
from hfptm.records import BUY, SELL
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_MS, ONE_E6
from tests.sandbox_api import MAKER, SPORTS_SLUG, START_NS, entry_of, make_sandbox

EVERY_NS = 700 * NS_PER_MS
OTHER_NS = 1_100 * NS_PER_MS
HORIZON_NS = 9_000 * NS_PER_MS
GAME_NS = START_NS + 3_600_000 * NS_PER_MS

Log = list[tuple[Any, ...]]


class Alternating:
    """Offers a share at 0.5 and buys it, in turns, in a market with a taker delay of 3 s."""

    def __init__(self, sandbox: Sandbox, name: str, log: Log, every_ns: int) -> None:
        self.due_ns, self.every_ns = GAME_NS + every_ns, every_ns
        self.sandbox, self.name, self.log = sandbox, name, log
        self.listed = entry_of(sandbox, SPORTS_SLUG).listed
        self.acts = 0

    def act(self, ts_ns: int) -> None:
        self.log.append((self.name, ts_ns))
        assert self.sandbox.now_ns == ts_ns
        self.acts += 1
        side, size_e6 = (BUY, SELL)[self.acts % 2], 5 * ONE_E6
        amounts = (size_e6 // 2, size_e6) if side is BUY else (size_e6, size_e6 // 2)
        self.sandbox.submit(
            OrderRequest(
                order_id=f"{self.name}{self.acts}",
                account=MAKER,
                token=self.listed.market.yes_token,
                side=side,
                maker_e6=amounts[0],
                taker_e6=amounts[1],
                time_in_force=TimeInForce.GTC,
            )
        )
        self.due_ns = ts_ns + self.every_ns


def play(step_ms: int, other_ns: int = OTHER_NS) -> Log:
    """Everything anybody hears in nine seconds, looked at every so many ms."""
    sandbox = make_sandbox()
    sandbox.advance(GAME_NS, GAME_NS)
    log: Log = []
    sandbox.listeners.append(lambda action, _: log.append((action.ts_ns, action.reports)))
    sandbox.settlement_listeners.append(
        lambda record, status: log.append((record.trade_id, record.updated_ns, status))
    )
    for name, every_ns in (("a", EVERY_NS), ("b", other_ns)):
        sandbox.agents.append(Alternating(sandbox, name, log, every_ns))
    for ts_ns in range(GAME_NS, GAME_NS + HORIZON_NS, step_ms * NS_PER_MS):
        sandbox.advance(ts_ns, ts_ns)
    sandbox.advance(GAME_NS + HORIZON_NS, GAME_NS + HORIZON_NS)
    return log


def test_what_happens_does_not_depend_on_how_often_time_is_told() -> None:
    finest = play(1)
    assert any("CONFIRMED" in str(entry) for entry in finest), "trades settle meanwhile"
    assert [entry for entry in finest if entry[0] == "a"] == [
        ("a", GAME_NS + n * EVERY_NS) for n in range(1, HORIZON_NS // EVERY_NS + 1)
    ]
    for step_ms in (10, 777, 9_000):
        assert play(step_ms) == finest


def test_at_one_time_the_first_agent_acts_first() -> None:
    acts = [entry[0] for entry in play(9_000, EVERY_NS) if entry[0] in ("a", "b")]
    assert acts == ["a", "b"] * (HORIZON_NS // EVERY_NS)


@pytest.mark.parametrize(("due_ns", "acts_at_ns"), [(NS_MAX, None), (1, GAME_NS)])
def test_never_and_long_ago(due_ns: int, acts_at_ns: int | None) -> None:
    """An agent that is never due never acts; one registered too late acts at once."""
    sandbox = make_sandbox()
    sandbox.advance(GAME_NS, GAME_NS)
    log: Log = []
    agent = Alternating(sandbox, "a", log, EVERY_NS)
    agent.due_ns = due_ns
    sandbox.agents.append(agent)
    sandbox.advance(GAME_NS, GAME_NS)
    assert log == ([] if acts_at_ns is None else [("a", acts_at_ns)])
