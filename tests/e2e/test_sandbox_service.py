"""A sandbox that is given more than its machine can do: late, and still there."""

import threading

from hfptm.clock import monotonic_ns
from hfptm.sandbox.service import STEP_NS, Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S

MORE_THAN_ANY_MACHINE_CAN = 100_000
A_CALL_WAITS_FOR = 5
"""Steps of a late exchange: the one under way, those while the loop takes the call in, its own."""


def test_an_exchange_that_cannot_keep_up_answers_all_the_same() -> None:
    with Service(Settings(rate=MORE_THAN_ANY_MACHINE_CAN)) as service:
        before_ns, began_ns = service.session.sandbox.now_ns, monotonic_ns()
        answered_ns = service.server.run(lambda sandbox: sandbox.now_ns)
        assert answered_ns - before_ns <= A_CALL_WAITS_FOR * STEP_NS
        assert service.open_markets() >= 12
        assert monotonic_ns() - began_ns < 8 * NS_PER_S
        assert service.behind_ns > 0
        assert not service.is_over


def test_one_that_is_late_catches_up_as_fast_as_it_can() -> None:
    service = Service(Settings(rate=1_000))
    threading.Event().wait(0.5)
    with service:
        assert service.behind_ns > 0
        began_ns = monotonic_ns()
        while service.behind_ns > NS_PER_S // 10:
            assert monotonic_ns() - began_ns < 10 * NS_PER_S


def test_one_that_can_is_on_time_and_ends_with_its_duration() -> None:
    with Service(Settings(rate=1), start_ns=7 * NS_PER_S, duration_ns=NS_PER_S // 2) as service:
        began_ns = monotonic_ns()
        while not service.is_over:
            assert monotonic_ns() - began_ns < 10 * NS_PER_S
        assert monotonic_ns() - began_ns > NS_PER_S // 4
        assert service.session.sandbox.now_ns == 7 * NS_PER_S + NS_PER_S // 2
        assert service.behind_ns == 0
