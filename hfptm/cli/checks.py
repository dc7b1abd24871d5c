"""Commands on what the recorder sealed: derive the tape, certify it."""

from hfptm.cli.options import AsJson, Data, folder
from hfptm.cli.output import progress_bar, show


def normalize(data: Data = None, as_json: AsJson = False) -> None:
    """Derive the tape from what was recorded; only what is new, and the same however often."""
    from recorder.derivation import derive
    from recorder.tables import derivation_table

    with progress_bar("normalising") as progress:
        report = derive(folder(data), progress)
    show(as_json, report, lambda: derivation_table(report))
