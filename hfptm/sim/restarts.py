"""Restarts of the matching engine, in which nothing can be taken (reference, section 3.5).

For 90 s it answers 425, which says nothing about an order: its outcome is unknown until it can be
asked for again. For two minutes more it takes post-only orders alone. Orders in the book stay there
(no source says that they go), and whoever sent a cancel repeats it until it is heard.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.records import EventKind, OrderType, RejectReason
from hfptm.sim.queue import reject, report
from hfptm.sim.state import Sim
from hfptm.units import FAR_NS, NS_PER_S

DOWN_NS = 90 * NS_PER_S
POST_ONLY_NS = 120 * NS_PER_S


@cold
def since_restart_ns(sim: Sim, at_ns: int) -> int:
    """Time since the last restart began; FAR_NS if there was none."""
    low, high = 0, len(sim.restarts)
    while low < high:
        middle = (low + high) // 2
        if sim.restarts[middle] <= at_ns:
            low = middle + 1
        else:
            high = middle
    return FAR_NS if low == 0 else at_ns - int(sim.restarts[low - 1])


@cold
def can_take(sim: Sim, at_ns: int) -> bool:
    """Whether an order that takes may be matched then."""
    return since_restart_ns(sim, at_ns) >= DOWN_NS + POST_ONLY_NS


@cold
def up_again_ns(sim: Sim, at_ns: int) -> int:
    """How long the engine still answers nothing; 0 or less if it does."""
    return DOWN_NS - since_restart_ns(sim, at_ns)


@cold
def is_heard(sim: Sim, item: Record) -> bool:
    """Whether an order that has arrived is looked at: afterwards for a while post-only alone."""
    if item.order_type == OrderType.POST_ONLY:
        return up_again_ns(sim, int(item.arrival_ns)) <= 0
    return can_take(sim, int(item.arrival_ns))


@cold
def turn_away(sim: Sim, item: Record, due_ns: int) -> None:
    """Answer an order that arrived in a restart; while the engine is down, not before its end."""
    wait_ns = up_again_ns(sim, int(item.arrival_ns))
    if wait_ns > 0:
        report(sim, item, EventKind.UNKNOWN.value, due_ns, int(item.size_e6))
        known_ns = int(item.arrival_ns) + wait_ns + int(item.response_ns)
        due_ns = max(due_ns, known_ns)
    reject(sim, item, due_ns, RejectReason.REFUSED.value)
