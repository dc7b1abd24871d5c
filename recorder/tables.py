"""What the recorder's commands show to people."""

from rich.console import Group, RenderableType
from rich.text import Text

from hfptm.certificate import Certificate, Findings, Origin
from hfptm.clock import format_utc
from hfptm.tables import add, duration, mib, pairs, table
from hfptm.units import NS_PER_MS
from recorder.archive import Report as CopyReport
from recorder.compact import Merged
from recorder.derivation import Report
from recorder.retention import Report as RetentionReport


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


def merged_table(merged: list[Merged]) -> RenderableType:
    made = table("Merged", "files", "rows", "MiB before", "MiB")
    for file in merged:
        sizes = (mib(file.parts_bytes), mib(file.size_bytes))
        add(made, _hour_of(file.path), f"{file.parts:,}", f"{file.rows:,}", *sizes)
    if not merged:
        add(made, "nothing: no hour that ended has several files", "", "", "", "")
    return made


def copied_table(report: CopyReport) -> RenderableType:
    rows = [
        ("files copied", f"{report.files:,}"),
        ("MiB copied", mib(report.size_bytes)),
        ("copied and verified before", f"{report.already:,}"),
    ]
    return pairs("Copied, read back and compared", rows)


def retention_table(report: RetentionReport, *, dry_run: bool) -> RenderableType:
    made = table("Would be removed" if dry_run else "Removed", "files", "MiB")
    for removed in report.removed:
        add(made, f"{removed.hour[:13]}h", f"{len(removed.files):,}", mib(removed.size_bytes))
    if not report.removed:
        add(made, "nothing", "", "")
    rows = [("MiB free then" if dry_run else "MiB free", mib(report.free_bytes))]
    if report.held_back:
        rows.append(("had to go, and stays", report.held_back))
    elif not report.is_enough:
        rows.append(("too little is free", "nothing recorded is left that may go"))
    return Group(made, Text(), pairs("Disk", rows))


def _hour_of(path: str) -> str:
    """Of a partitioned file: "2026-04-29 02h"."""
    _, date, hour, _ = path.split("/")
    return f"{date.removeprefix('date=')} {hour.removeprefix('hour=')}h"


_WORST = 10
"""Markets of an hour that are listed by name; all are in its certificate."""


def certificates_table(certificates: list[Certificate]) -> RenderableType:
    parts: list[RenderableType] = []
    for certificate in certificates:
        parts += [_hour(certificate), Text(), _markets(certificate), Text()]
    return Group(*parts)


def _hour(certificate: Certificate) -> RenderableType:
    total, lines, sums = certificate.total, certificate.lines, certificate.checksums
    rows = [
        ("grade", certificate.grade),
        ("markets with a row or a gap", f"{len(certificate.markets):,}"),
        ("event rows", f"{total.rows:,}"),
        ("not seen", f"{_percent(total.unseen_s, total.listed_s)} in {total.gaps:,} gaps"),
        *[(f"  {reason}", duration(s)) for reason, s in total.unseen_s_by_reason.items()],
        ("best prices that disagree", f"{total.mismatches:,} of {total.batches_checked:,}"),
        ("of them healed by another line", f"{total.healed:,}"),
        ("frames unreadable / YES and NO unlike", f"{total.doubted:,} / {total.mirror_breaks:,}"),
        ("hashes right, wrong, not to be judged", _hashes(total)),
        ("least lag", _ms(certificate.clock.least_lag_ns)),
        ("drift of the least lag", f"{certificate.clock.drift_ppm:,.1f} ppm"),
    ]
    if certificate.origin is Origin.RECORDED:
        rows += [
            ("raw frames, of them copies", f"{lines.raw_frames:,} / {lines.copies:,}"),
            *[(f"line {line} first", f"{count:,}") for line, count in lines.first.items()],
            ("lead, median / 99 %", f"{_ms(lines.lead_p50_ns)} / {_ms(lines.lead_p99_ns)}"),
            ("files with the right checksum", f"{sums.right:,}"),
            *[("wrong checksum", name) for name in sums.wrong],
            *[("not what the raw rows give", name) for name in sums.not_derivable],
        ]
    return pairs(f"{format_utc(certificate.hour_ns)[:13]}h {certificate.origin}", rows)


def _markets(certificate: Certificate) -> RenderableType:
    """The worst of them."""
    worst = sorted(certificate.markets, key=lambda found: (found.grade, found.slug), reverse=True)
    columns = ("grade", "not seen", "disagree", "bad hash")
    made = table("Worst markets", *columns, label_columns=36)
    for market in worst[:_WORST]:
        found = market.findings
        unseen = _percent(found.unseen_s, found.listed_s)
        counts = (f"{found.mismatches:,}", f"{found.hashes_bad:,}")
        add(made, market.slug or str(market.market), market.grade, unseen, *counts)
    return made


def _hashes(total: Findings) -> str:
    return f"{total.hashes_ok:,} / {total.hashes_bad:,} / {total.hashes_unknown:,}"


def _ms(span_ns: int) -> str:
    return f"{span_ns / NS_PER_MS:,.1f} ms"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole if whole else 0.0:.3f} %"
