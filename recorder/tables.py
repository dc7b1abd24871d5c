"""What the recorder's commands show to people."""

from rich.console import Group, RenderableType
from rich.text import Text

from hfptm.certificate import Certificate, Findings, Origin
from hfptm.clock import format_utc
from hfptm.tables import add, duration, pairs, table
from hfptm.units import NS_PER_MS
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
        ("frames unreadable, of unlike tokens", f"{total.doubted:,} / {total.mirror_breaks:,}"),
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
