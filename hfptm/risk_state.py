"""What risk must not forget over a restart: taken from a kernel, and given to the next."""

import msgspec

from hfptm.kernel.state import State
from hfptm.opportunities import Reason


class RiskState(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart must not forget; a run's summary holds it as `risk`.

    Losses are told from the result of the moment, so they hold whatever account goes on with them.
    """

    latch: str = ""
    """Reason, in lower case, why nothing is bought until `Control.RESUME`."""
    latch_limit: int = 0
    latch_value: int = 0
    """Both in e6: the loss that was allowed, and the one that was."""
    day: int = 0
    """UTC, since 1970."""
    lost_e6: int = 0
    """Of that day, negative for a profit."""
    fallen_e6: int = 0
    """From the highest result."""
    failures: int = 0
    """Plans since the last that filled whole."""
    paused_until_ns: int = 0
    slow_orders: int = 0
    """Since the last that was answered in time."""
    slow_until_ns: int = 0
    proven_plans: int = 0
    """That bought, and of which the chain kept every fill."""


_AS_IT_IS = (
    "latch_limit",
    "latch_value",
    "day",
    "failures",
    "paused_until_ns",
    "slow_orders",
    "slow_until_ns",
    "proven_plans",
)


def risk_state(state: State) -> RiskState:
    """Of the first lane."""
    risk = state.risk[0]
    return RiskState(
        latch=Reason(risk["latch"]).name.lower() if risk["latch"] else "",
        lost_e6=int(risk["day_start_e6"] - risk["result_e6"]),
        fallen_e6=int(risk["peak_e6"] - risk["result_e6"]),
        **{name: int(risk[name]) for name in _AS_IT_IS},
    )


def restore(state: State, before: RiskState) -> None:
    """Into every lane of a new kernel, told from the result that it has."""
    risk = state.risk
    for name in _AS_IT_IS:
        risk[name] = getattr(before, name)
    risk["latch"] = Reason[before.latch.upper()] if before.latch else 0
    risk["day_start_e6"] = risk["result_e6"] + before.lost_e6
    risk["peak_e6"] = risk["result_e6"] + before.fallen_e6
