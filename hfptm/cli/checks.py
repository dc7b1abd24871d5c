"""Commands on what the recorder sealed: derive the tape, certify it."""

from hfptm.cli.options import AsJson, Data, FromHour, UntilTime, folder, stamp
from hfptm.cli.output import progress_bar, say_if_compiling, show

WAIT_S = 60.0
"""For a recorder that is just doing the same."""


def normalize(data: Data = None, as_json: AsJson = False) -> None:
    """Derive the tape from what was recorded; only what is new, and the same however often."""
    from recorder.derivation import derive
    from recorder.tables import derivation_table

    with progress_bar("normalising") as progress:
        report = derive(folder(data), progress, WAIT_S)
    show(as_json, report, lambda: derivation_table(report))


def verify(
    *,
    from_: FromHour = None,
    to: UntilTime = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Check every hour that was recorded or imported, and grade it from A to F."""
    from hfptm.book_check import is_compiled
    from hfptm.clock import NS_MAX
    from recorder.tables import certificates_table
    from recorder.verify import verify as run

    from_ns = 0 if from_ is None else stamp("--from", from_)
    to_ns = NS_MAX if to is None else stamp("--to", to)
    say_if_compiling(is_compiled())
    with progress_bar("verifying") as progress:
        certificates = run(folder(data), from_ns, to_ns, progress, WAIT_S)
    show(as_json, certificates, lambda: certificates_table(certificates))
