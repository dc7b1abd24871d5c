"""What the page of a run and that of a sweep share: figures, coverage, settings, code."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

import plotly.graph_objects as go

from hfptm.config import Config, as_toml
from hfptm.errors import LakeError
from notebooks import figures
from replay.figure_html import Drawing, drawing
from replay.html import Html, fold, join, prose, table, tag
from replay.latencies import Latencies, Span, Step
from replay.latencies_report import SIMULATED, STEPS

HOURS_SHOWN = 24
"""More are folded away."""

Draw = Callable[[], go.Figure]

MEASURED = (
    "An opportunity is displayed when buying its basket through the depth of the recorded books "
    "pays at least trading.min_edge of its outlay after each market's own fees. It is still there "
    "at arrival if the recorded books pay a profit within the limit prices when its orders would "
    "have reached the exchange, and corroborated if a trade printed at a leg's price or better "
    "within sim.print_window_ms. Where the book at arrival was not recorded it counts as unknown. "
    "Edges on books that a check contradicts are artefacts and count as nothing."
)


class Settings(NamedTuple):
    """`changed`: key, value and default; `kept`: key and value of the others."""

    changed: list[tuple[str, str, str]]
    kept: list[tuple[str, str]]


def drawn(draws: Iterable[Draw]) -> tuple[Html, list[Drawing]]:
    """Those that have something to show; of the others why not, each reason once."""
    shown: list[str] = []
    drawings: list[Drawing] = []
    for draw in draws:
        try:
            made = drawing(draw(), len(drawings))
        except LakeError as nothing:
            why = tag("p", prose(f"Not drawn: {nothing}."), class_="left-out")
            shown += [why] if why not in shown else []
            continue
        drawings.append(made)
        shown.append(made.html)
    return join(shown), drawings


def contents(titles: Sequence[str]) -> Html:
    links = [tag("li", tag("a", title, href=f"#{anchor(title)}")) for title in titles]
    return tag("nav", tag("ul", *links), aria_label="Contents")


def part(title: str, *children: str) -> Html:
    return tag("section", tag("h2", title, id=anchor(title)), *children)


def anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def settings_of(config_toml: str) -> Settings:
    """Of a kept configuration, beside today's defaults."""
    defaults = dict(_flat(as_toml(Config())))
    changed, kept = [], []
    for key, value in _flat(config_toml):
        default = defaults.get(key)
        if value == default:
            kept.append((key, _shown(value)))
        else:
            said = "no such setting today" if default is None else _shown(default)
            changed.append((key, _shown(value), said))
    return Settings(changed, kept)


def _flat(config_toml: str) -> Iterator[tuple[str, object]]:
    for section, values in tomllib.loads(config_toml, parse_float=Decimal).items():
        for key, value in values.items():
            yield f"{section}.{key}", value


def _shown(value: object) -> str:
    """An address without what may be a key: whoever it belongs to did not mean to publish it."""
    if isinstance(value, str) and "://" in value:
        parts = urlsplit(value)
        whole = parts.path in ("", "/") and not parts.query and "@" not in parts.netloc
        return value if whole else f"{parts.scheme}://{parts.hostname}/..."
    return str(value) if value != "" else "(empty)"


def configuration(config_toml: str) -> Html:
    found = settings_of(config_toml)
    if found.changed:
        columns = ("setting", "value", "default")
        first = table("Settings that differ from the defaults", columns, found.changed)
    else:
        first = tag("p", "Every setting has its default.")
    rest = table("Settings at their defaults", ("setting", "value"), found.kept)
    return tag("div", first, fold(f"The other {len(found.kept)} settings", rest))


def certificate(hours: Sequence[figures.GradedHour]) -> Html:
    """What `hfptm verify` found of the hours behind a page, in a row each."""
    if not hours:
        return tag("p", "No hour of it was verified: ", tag("code", "hfptm verify"), " does.")
    columns = ("UTC hour", "origin", "grade", "seen", "gaps", "batches checked", "of them wrong")
    rows = [
        (
            hour.hour,
            hour.origin,
            hour.grade,
            f"{hour.seen_percent:.2f} %",
            f"{hour.gaps:,}",
            f"{hour.batches_checked:,}",
            f"{hour.mismatches:,}",
        )
        for hour in hours
    ]
    made = table("Certificates of the recorded hours", columns, rows)
    return fold(f"Certificates of {len(rows):,} hours", made) if len(rows) > HOURS_SHOWN else made


def latency(found: Latencies) -> Html:
    """Percentiles of every step that a run kept, and of the others why it did not."""
    columns = ("step, ms", "n", "p50", "p90", "p99", "longest")
    rows = [
        (STEPS[Step(span.step)], f"{span.n:,}", *(f"{ms:,.1f}" for ms in _times(span)))
        for span in found.spans
    ]
    missing = [tag("li", prose(f"{step}: {why}")) for step, why in found.missing.items()]
    return tag(
        "div",
        "" if found.is_measured else tag("p", SIMULATED),
        table("From one step to the next", columns, rows) if rows else "",
        tag("p", "Not measured:") if missing else "",
        tag("ul", *missing),
    )


def _times(span: Span) -> tuple[float, ...]:
    return span.p50_ms, span.p90_ms, span.p99_ms, span.max_ms
