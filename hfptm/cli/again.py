"""Commands that compute a run once more from what its kernel was given."""

from typing import Annotated

import typer

from hfptm.cli.options import AsJson, Data, folder
from hfptm.cli.output import say_if_compiling, show

Run = Annotated[str, typer.Argument(metavar="RUN", help="Of `hfptm paper` or `live`, by its id.")]


def parity(run: Run, *, data: Data = None, as_json: AsJson = False) -> None:
    """Feed a run's inputs to the kernel once more; ends with 1 if anything comes out else."""
    from hfptm.engine import is_compiled
    from hfptm.journal import read_run
    from replay.listed import Listed
    from replay.parity import parity as computed_again
    from replay.parity_report import parity_table

    say_if_compiling(is_compiled())
    place = folder(data)
    found = computed_again(place, run)
    show(as_json, found, lambda: parity_table(found, Listed.of_run(read_run(place, run).path)))
    if not found.is_same:
        raise typer.Exit(1)


def compare(run: Run, *, data: Data = None, as_json: AsJson = False) -> None:
    """Compare a run with a replay of what was recorded meanwhile: what differs, and why.

    Of a live run, its paper twin is compared.
    """
    from hfptm.engine import is_compiled
    from replay.comparison import compare as with_replay
    from replay.comparison_report import comparison_table

    say_if_compiling(is_compiled())
    found = with_replay(folder(data), run)
    show(as_json, found, lambda: comparison_table(found))


def gap(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Of `hfptm live`, by its id; else the last one."),
    ] = None,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Compare a live run, which may still be under way, with its paper twin, in exact dollars.

    The twin of a closed run is kept as a run of its own. Ends with 1 if something has no cause.
    """
    from hfptm.engine import is_compiled
    from replay.gap import gap as gap_of
    from replay.gap_report import gap_table
    from replay.twin import keep_twin, live_run

    say_if_compiling(is_compiled())
    place = folder(data)
    live = live_run(place, run)
    found = gap_of(live)
    keep_twin(place, live)
    show(as_json, found, lambda: gap_table(found))
    if found.unexplained_e10:
        raise typer.Exit(1)
