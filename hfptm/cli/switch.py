"""`hfptm kill` and `hfptm resume`: nothing leaves any more, until a human says otherwise."""

from typing import Annotated

import typer

from hfptm.cli.options import Data, folder
from hfptm.cli.output import say


def kill(
    reason: Annotated[
        str, typer.Argument(metavar="REASON", help="Why; whoever lifts it will read it.")
    ] = "no reason given",
    *,
    data: Data = None,
) -> None:
    """Let no order leave any more: runs of this data folder halt at once, none begins."""
    from hfptm.drive.kill_switch import switch_path, throw

    place = folder(data)
    throw(place, reason)
    say(f"halted by {switch_path(place)}; `hfptm resume` lifts it")


def resume(data: Data = None) -> None:
    """Lift the kill switch, and what loss limits have latched in runs under way."""
    from hfptm.drive.kill_switch import lift, reason_of

    place = folder(data)
    reason = reason_of(place)
    if lift(place):
        say(f"lifted; it was: {reason}")
    else:
        say(f"nothing was halted in {place}")
