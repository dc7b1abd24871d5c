"""What `hfptm gap` found, for a terminal: sums by cause, then the plans that differ most."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, table
from hfptm.units import ONE_E6, PRICE_ONE_E4
from replay.causes import HELD_BACK, Cause
from replay.gap import Gap, PlanGap, Told
from replay.report import ANSWERS, KINDS
from replay.row_text import end_of, milliseconds, time_of_day

SHOWN = 12
"""Plans that differ; `--json` has them all."""

E10 = 10**10
DUST_E10 = E10 // 10_000
"""Differences of orders that are smaller are not shown; all are summed."""
NAME_COLUMNS = 28

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        Cause.NOT_SENT: "held back before it left: budget, age, doubt",
        Cause.REJECTED: "only one was refused, or found nothing",
        Cause.GHOST: "a fill was taken back",
        Cause.UNKNOWN: "its outcome was unknown for a while",
        Cause.ASKED: "asked for another size or price",
        Cause.SIZE: "other shares were there",
        Cause.PRICE: "the same shares at other prices",
        Cause.CASH: "another fee or rounding",
        Cause.MENDING: "only one had to complete, sell or merge",
        Cause.TIME: "the plan began at another instant",
        Cause.LEFT: "to end what earlier plans left",
        Cause.PAYOUT: "paid at a resolution",
    }
)


def gap_table(found: Gap) -> RenderableType:
    parts = [_sums(found), _latencies(found), *_differing(found)]
    return Group(*(item for part in parts for item in (part, Text())))


def cause_text(cause: str) -> str:
    """Its name, as orders are shown with it, and what it means."""
    if cause.startswith(HELD_BACK):
        reason = cause.removeprefix(HELD_BACK)
        return f"held back: {ANSWERS.get(reason, reason)}"
    return f"{cause}: {CAUSES[cause]}"


def _sums(found: Gap) -> Table:
    made = table(f"Gap of {found.run_id}, $", "", justify="right", label_columns=56)
    add(made, "live", _dollars(found.live_e10))
    add(made, "its paper twin", _dollars(found.twin_e10))
    add(made, "live - twin", _dollars(found.live_e10 - found.twin_e10), style="bold")
    for cause, amount_e10 in sorted(found.causes.items(), key=lambda item: -abs(item[1])):
        add(made, f"  {cause_text(cause)}", _dollars(amount_e10))
    style = "bold red" if found.unexplained_e10 else ""
    add(made, "  unexplained", _dollars(found.unexplained_e10), style=style)
    add(
        made, "plans, of them the same on both sides", f"{len(found.plans):,}, {found.same_plans:,}"
    )
    return made


def _latencies(found: Gap) -> Table:
    title = "From decision to answer, ms"
    made = table(title, "median", "90 %", "99 %", "longest", label_columns=34)
    for name, times in (
        ("live, measured", found.measured),
        ("twin, simulated", found.simulated),
        ("configured, before the feed shows", found.configured),
    ):
        add(made, name, *([milliseconds(span_ns) for span_ns in times.values()] or 4 * ["-"]))
    return made


def _differing(found: Gap) -> Iterator[Table]:
    """Nothing if there is none."""
    plans = [plan for plan in found.plans if plan.causes]
    most = sorted(plans, key=lambda plan: -abs(plan.live_e10 - plan.twin_e10))[:SHOWN]
    if not most:
        return
    title = f"Plans that differ, {len(most):,} of {len(plans):,}"
    made = table(title, "live, $", "twin, $", "why", label_columns=NAME_COLUMNS)
    made.columns[-1].justify = "left"
    made.columns[1].no_wrap = made.columns[2].no_wrap = True
    for plan in sorted(most, key=lambda plan: plan.ts_ns):
        said = f"{time_of_day(plan.ts_ns)[:12]} {KINDS[plan.kind]}"
        name = f"{said}\n{end_of(plan.market, NAME_COLUMNS)}"
        results = (_result(plan.live_plan, plan.live_e10), _result(plan.twin_plan, plan.twin_e10))
        add(made, name, *results, "" if _orders_say(plan) else _why(plan.causes), style="bold")
        for order in plan.orders:
            if any(abs(amount) >= DUST_E10 or amount == 0 for amount in order.causes.values()):
                said = f"  {order.side} {order.token} "
                name = said + end_of(order.market, NAME_COLUMNS - len(said))
                add(made, name, _filled(order.live), _filled(order.twin), _why(order.causes))
    yield made


def _orders_say(plan: PlanGap) -> bool:
    """Whether the plan's causes are those of its orders."""
    return plan.causes.keys() == {cause for order in plan.orders for cause in order.causes}


def _why(causes: Mapping[str, int]) -> str:
    return ", ".join(cause.replace("_", " ") for cause in causes)


def _filled(told: Told | None) -> str:
    """Shares at their average price."""
    if told is None:
        return "none"
    if not told.fills:
        return told.rejected or "nothing"
    size_e6 = sum(fill.size_e6 for fill in told.fills)
    paid_e10 = sum(fill.size_e6 * fill.price_e4 for fill in told.fills)
    return f"{size_e6 / ONE_E6:,.2f} @ {paid_e10 / size_e6 / PRICE_ONE_E4:.4f}"


def _result(plan: int, amount_e10: int) -> str:
    return _dollars(amount_e10) if plan else "none"


def _dollars(amount_e10: int) -> str:
    return f"{amount_e10 / E10:,.6f}"
