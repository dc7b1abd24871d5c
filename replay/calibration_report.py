"""What a calibration says, as tables for a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, pairs, table
from replay.calibration import Calibration, Fills
from replay.confidence import Estimate
from replay.shadow import Miss

MISSES = {
    Miss.UNSEEN: "book just before not recorded",
    Miss.CLOSED: "market not open, as recorded",
    Miss.MOVED: "book changed up to 100 ms before",
    Miss.NO_LEVEL: "no such price on the book",
    Miss.THIN: "price there, too few shares",
}

CALIBRATE = "hfptm calibrate tells"


def calibration_table(found: Calibration) -> RenderableType:
    parts: list[RenderableType] = [_overall(found), Text(), _misses(found.fills)]
    for title, groups in (("Class of market", found.by_class), ("Hour of day", found.by_hour)):
        if len(groups) > 1:
            parts += [Text(), _groups(title, groups)]
    return Group(*parts)


def worth(found: Calibration) -> Iterator[tuple[str, str]]:
    """For every run: what its simulated fills are worth."""
    fills, title = found.fills, "real orders that simulated ones repeat"
    seen = fills.orders - fills.unseen
    if not found.calibrated:
        yield title, CALIBRATE
    elif not seen:
        yield title, "none with a book"
    else:
        yield title, f"{fills.whole_share.value:.1%} of {seen:,}"
        yield "  price error, cents", _signed(fills.extra_e4, 0.01)
    if 0 < found.calibrated < found.hours:
        yield "  hours calibrated", _hours(found)


def _hours(found: Calibration) -> str:
    return f"{found.calibrated:,} of {found.hours:,} hours"


def _overall(found: Calibration) -> Table:
    fills = found.fills
    rows = [
        ("hours calibrated", _hours(found)),
        ("prints taken as stamped late by, ms", ", ".join(map(str, found.print_lag_ms))),
        ("real trades printed", f"{fills.prints:,}"),
        ("orders that they were", f"{fills.orders:,}"),
        ("book not recorded, left out below", f"{fills.unseen:,}"),
        ("printed side contradicts the book", f"{fills.turned:,}"),
        *_shares(fills),
    ]
    return pairs("Real orders, sent once more as ours", rows, justify="right")


def _shares(fills: Fills) -> Iterator[tuple[str, str]]:
    yield "filled whole, of the orders", _percent(fills.whole_share)
    yield "filled, of the shares", _percent(fills.filled_share)
    yield "price error: ours paid more by, cents", _interval(fills.extra_e4, 0.01)


def _misses(fills: Fills) -> Table:
    made = table("Why less was filled", "orders", "of shares")
    for name, title in MISSES.items():
        if name in fills.missed:
            share = f"{fills.missed_share.get(name, 0.0):.1%}"
            add(made, title, f"{fills.missed[name]:,}", share)
    if made.row_count == 0:
        add(made, "all was filled", "", "")
    return made


def _groups(title: str, groups: dict[str, Fills]) -> Table:
    made = table(title, "orders", "whole", "shares", "cents", label_columns=28)
    for name, fills in groups.items():
        shares = (f"{part.value:.1%}" for part in (fills.whole_share, fills.filled_share))
        add(made, name, f"{fills.orders - fills.unseen:,}", *shares, _signed(fills.extra_e4, 0.01))
    return made


def _percent(share: Estimate) -> str:
    if share.low is None or share.high is None:
        return f"{share.value:.1%}"
    return f"{share.value:.1%}, 95 %: {share.low:.1%} to {share.high:.1%}"


def _interval(value: Estimate, scale: float) -> str:
    if value.low is None or value.high is None:
        return _signed(value, scale)
    low, high = value.low * scale, value.high * scale
    return f"{_signed(value, scale)}, 95 %: {low:+.3f} to {high:+.3f}"


def _signed(value: Estimate, scale: float) -> str:
    return f"{value.value * scale:+.3f}"
