"""The plan slots of a lane, and which of them have a plan under way.

Much of what the kernel asks is asked of every plan under way, after every report: so that is told
by a byte a slot, side by side.
"""

from hfptm.kernel.jit import cold
from hfptm.kernel.state import State


@cold
def plan_slot(state: State, plan: int) -> int:
    return plan % int(state.plans.shape[1])


@cold
def note_begun(state: State, lane: int, place: int) -> None:
    state.running[lane, place] = 1
    state.lanes[lane].running += 1


@cold
def note_over(state: State, lane: int, place: int) -> None:
    state.running[lane, place] = 0
    state.lanes[lane].running -= 1


@cold
def next_running(state: State, lane: int, place: int) -> int:
    """The first slot from `place` on that has one; the number of slots if none has."""
    slots = int(state.running.shape[1])
    if state.lanes[lane].running == 0:
        return slots
    while place < slots and state.running[lane, place] == 0:
        place += 1
    return place
