"""What a lane has made or lost, and the limits on that.

The result is realised profit and what is held, marked: shares without partners at the best bid,
at cost where no book is known; locked baskets, and complete sets on their way to cash, at cost. It
is looked at after every report and timer and before every new plan; between those, marks are at
most `MARK_NS` old. A loss beyond a limit latches: only `Control.RESUME` lifts it, no new day does.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.kernel.marks import mark_all
from hfptm.kernel.state import State
from hfptm.opportunities import Reason
from hfptm.records import Control
from hfptm.units import NS_PER_S

DAY_NS = 86_400 * NS_PER_S
MARK_NS = NS_PER_S


@cold
def check_result(state: State, lane: int) -> None:
    """Take stock, and latch if today's loss or the fall from the highest result is too large.

    What was lost since the last look counts for the new day.
    """
    risk, params = state.risk[lane], state.params[lane]
    now_ns = int(state.counters[0].now_ns)
    if risk.marked_ns == 0 or now_ns - risk.marked_ns >= MARK_NS:
        mark_all(state, lane)
    if risk.day != now_ns // DAY_NS:
        risk.day = now_ns // DAY_NS
        risk.day_start_e6 = risk.result_e6
    risk.result_e6 = state.lanes[lane].realised_e6 + risk.unrealised_e6
    risk.peak_e6 = max(int(risk.peak_e6), int(risk.result_e6))
    lost_e6, fallen_e6 = risk.day_start_e6 - risk.result_e6, risk.peak_e6 - risk.result_e6
    if lost_e6 >= params.daily_loss_e6:
        latch(risk, Reason.DAILY_LOSS.value, int(params.daily_loss_e6), int(lost_e6))
    if fallen_e6 >= params.max_drawdown_e6:
        latch(risk, Reason.DRAWDOWN.value, int(params.max_drawdown_e6), int(fallen_e6))


@cold
def latch(risk: Record, reason: int, limit: int, value: int) -> None:
    """The first reason stays until it is lifted."""
    if risk.latch == 0:
        risk.latch, risk.latch_limit, risk.latch_value = reason, limit, value


@cold
def control(state: State, word: int) -> None:
    """Apply a human's word to every lane. A stop takes the place of a latch, a halt of both."""
    if word != Control.STOP and word != Control.RESUME and word != Control.HALT:
        state.counters[0].unused_rows += 1
    for lane in range(len(state.lanes)):
        risk = state.risk[lane]
        risk.marked_ns = 0
        check_result(state, lane)
        if word == Control.HALT or (word == Control.STOP and risk.latch != Reason.HALTED):
            risk.latch = Reason.HALTED if word == Control.HALT else Reason.STOPPED
            risk.latch_limit = risk.latch_value = 0
        elif word == Control.RESUME:
            risk.latch = risk.latch_limit = risk.latch_value = 0
            risk.day_start_e6 = risk.peak_e6 = risk.result_e6
            risk.failures = risk.paused_until_ns = 0
            risk.slow_orders = risk.slow_until_ns = 0
