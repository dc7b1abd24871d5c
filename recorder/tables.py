"""What the recorder's commands show to people."""

from rich.console import RenderableType

from hfptm.tables import pairs
from recorder.derivation import Report


def derivation_table(report: Report) -> RenderableType:
    per_row = report.event_bytes / report.event_rows if report.event_rows else 0
    rows = [
        ("hours", f"{report.hours:,}"),
        ("raw segments", f"{report.segments:,}"),
        ("frames", f"{report.frames:,}"),
        ("copies of another line's frames", f"{report.copies:,}"),
        ("event rows", f"{report.event_rows:,}"),
        ("bytes a row", f"{per_row:,.2f}"),
        ("gaps", f"{report.gaps:,}"),
    ]
    return pairs("Normalised anew", rows)
