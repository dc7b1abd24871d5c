"""When a lane wants to be woken: `wakes`, the earliest `counters.wake_ns`, a TIMER row's time.

It may be early, never late: a deadline that went away still wakes, and then the next is looked up.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.kernel.running import next_running
from hfptm.kernel.state import State
from hfptm.units import FAR_NS, NS_PER_S

SWEEP_NS = 60 * NS_PER_S
"""Between two looks at what plans have left."""


@cold
def wake_at(state: State, lane: int, at_ns: int) -> None:
    state.wakes[lane] = min(int(state.wakes[lane]), at_ns)
    state.counters[0].wake_ns = min(int(state.counters[0].wake_ns), at_ns)


@cold
def expect(state: State, lane: int, plan: Record, timeout_ns: int) -> None:
    """Let what the plan has resting be cancelled after so long, for the first time."""
    plan.cancels = 0
    plan.deadline_ns = state.counters[0].now_ns + timeout_ns
    wake_at(state, lane, int(plan.deadline_ns))


@cold
def sweep_later(state: State, lane: int) -> None:
    """Something was left: look at it in a while, if that is not planned already."""
    account = state.lanes[lane]
    if account.sweep_ns == FAR_NS:
        account.sweep_ns = state.counters[0].now_ns + SWEEP_NS
        wake_at(state, lane, int(account.sweep_ns))


@cold
def confirm_at(state: State, lane: int, at_ns: int) -> None:
    """Look again at the edges that may be artefacts, at the latest then."""
    account = state.lanes[lane]
    account.confirm_ns = min(int(account.confirm_ns), at_ns)
    wake_at(state, lane, at_ns)


@cold
def set_lane_wake(state: State, lane: int) -> None:
    """Look a lane's earliest deadline up."""
    account = state.lanes[lane]
    wake_ns = min(int(account.sweep_ns), int(account.confirm_ns))
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        wake_ns = min(wake_ns, int(state.plans[lane, place].deadline_ns))
        place = next_running(state, lane, place + 1)
    state.wakes[lane] = wake_ns


@cold
def set_wake(state: State) -> None:
    """Look up when the first lane wants to be woken."""
    wake_ns = FAR_NS
    for lane in range(len(state.wakes)):
        wake_ns = min(wake_ns, int(state.wakes[lane]))
    state.counters[0].wake_ns = wake_ns


@cold
def first_awake(state: State) -> int:
    """The first of the lanes that want to be woken at `counters.wake_ns`."""
    for lane in range(len(state.wakes)):
        if state.wakes[lane] <= state.counters[0].wake_ns:
            return lane
    return 0
