"""`hfptm kill` and `hfptm resume`: nothing leaves any more, until a human says otherwise."""

from typing import Annotated

import typer

from hfptm.cli.options import AsJson, Data, folder
from hfptm.cli.output import show


def kill(
    reason: Annotated[
        str, typer.Argument(metavar="REASON", help="Why; whoever lifts it will read it.")
    ] = "no reason given",
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let no order leave any more: runs of this data folder halt at once, none begins."""
    from hfptm.drive.kill_switch import reason_of, switch_path, throw

    place = folder(data)
    throw(place, reason)
    told = f"halted by {switch_path(place)}; `hfptm resume` lifts it"
    show(as_json, {"halted": True, "reason": reason_of(place)}, lambda: told)


def resume(data: Data = None, as_json: AsJson = False) -> None:
    """Lift the kill switch, and what loss limits have latched in runs under way."""
    from hfptm.drive.kill_switch import lift, reason_of

    place = folder(data)
    reason = reason_of(place)
    told = f"nothing was halted in {place}; a run under way goes on if a limit had stopped it"
    if lift(place):
        told = f"lifted; it was: {reason}"
    show(as_json, {"halted": False, "reason": reason}, lambda: told)
