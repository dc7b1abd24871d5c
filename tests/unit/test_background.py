"""Output in the background: in order, never waited for, and counted where it is dropped."""

import threading
from functools import partial

from hfptm.cli.background import ROOM, Background
from hfptm.clock import monotonic_ns


def test_work_is_done_in_order_and_to_the_end() -> None:
    done: list[int] = []
    with Background() as background:
        for number in range(ROOM):
            background.do(partial(done.append, number))
    assert done == list(range(ROOM))
    assert background.dropped == 0


def test_what_hangs_keeps_nobody_waiting() -> None:
    release = threading.Event()
    begun_ns = monotonic_ns()
    with Background() as background:
        taken = sum(background.do(release.wait) for _ in range(2 * ROOM))
    assert monotonic_ns() - begun_ns < 5_000_000_000
    assert ROOM <= taken <= ROOM + 1
    assert background.dropped == 2 * ROOM - taken
    release.set()
