"""`python -m docs.generate`: the pages that follow from the source, written anew.

configuration.md comes from the schema of the settings, data-dictionary.md from the columns of the
catalog and the codes of the rows, metrics.md from the metrics. A setting or column of which nothing
is said raises LookupError.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_type_hints

import msgspec

from docs.metrics_page import metrics_page
from hfptm import bulletin, feed_status, raw, trading_status
from hfptm.catalog import connect
from hfptm.catalog.columns import below_fields, comments
from hfptm.catalog.macros import NAMED
from hfptm.catalog.query import about_columns, about_views
from hfptm.config import SECTIONS
from hfptm.raw import RAW_SCHEMA, RawKind
from hfptm.records import Control, EventFlag, MarketTrait, TakerDelay
from hfptm.settings import PREFIX

FOLDER = Path(__file__).parent

_CONFIGURATION = """\
# Settings

Written by `make docs` from `hfptm/sections.py` and `hfptm/sections_watching.py`; a test fails
where they differ.

A value comes from the last of these that has it: the default, `config/config.toml` (or `--config
FILE`), the environment variable of the table, `--set section.key=value`. An unknown key, a wrong
type and values that do not fit together end the command with 2 and a message that names source,
key and what is allowed. Amounts are decimals, kept exactly. Secrets are no settings: [where they
lie](security.md#secrets). The data folder is `--data DIR`, else the variable `HFPTM_DATA_DIR`,
else `data/`.

[`config/config.toml`](../config/config.toml) has every key at its default, with a comment.
"""

_DICTIONARY = """\
# Data dictionary

Written by `make docs` from the catalog and the codes of the rows; a test fails where they differ.

Every table and view that [`hfptm sql`](catalog.md) knows, then what lies in files alone, then the
codes. Units stand last in a column's name: `_ns` nanoseconds (of a time: since 1970, UTC), `_ms`,
`_s`, `_e4` 1/10,000 dollar, `_e6` 1/1,000,000 dollar or share, `_usd` dollars. Which file is
where: [the data folder](lake.md).
"""

_UNITS = {
    "ns": "ns",
    "ms": "ms",
    "s": "s",
    "e4": "1/10,000",
    "e6": "1/1,000,000",
    "usd": "$",
    "shares": "shares",
    "ppm": "1/1,000,000",
    "bytes": "bytes",
    "per_s": "1/s",
}

_RAW = {
    "ts_recv_ns": "when it was received, UTC",
    "ts_mono_ns": "the same by the clock that only goes forward; 0: not recorded",
    "connection": "number of the connection; 0: none",
    "seq": "number of the row within its connection, from 1 without a gap",
    "kind": "RawKind",
    "payload": "verbatim; docs/lake.md says what it holds by kind",
}
"""Columns of which the schema says less."""

_TOLD = """\
`bulletin.json` in the data folder: what the running `hfptm record`, `paper` or `live` says of
itself, twice a second, and what the [dashboard](dashboard.md) serves. A field of which nothing is
said holds what its name says.
"""

STRUCTS: tuple[type[msgspec.Struct], ...] = (
    *(bulletin.Bulletin, feed_status.FeedStatus, feed_status.LineStatus, feed_status.BookStatus),
    *(trading_status.Trading, trading_status.Counts, trading_status.Money, trading_status.LimitUse),
    *(trading_status.PositionView, trading_status.OpportunityView, trading_status.PlanView),
    *(bulletin.LatencyStatus, bulletin.BookView, bulletin.Watched),
)
CODES: tuple[type[IntEnum], ...] = (*NAMED, EventFlag, MarketTrait, TakerDelay, Control, RawKind)
_BITS = (EventFlag, MarketTrait)


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "configuration.md": configuration(),
        "data-dictionary.md": data_dictionary(),
        "metrics.md": metrics_page(),
    }


def configuration() -> str:
    parts = [_CONFIGURATION]
    for name, kind in SECTIONS.items():
        parts += [f"## {name}", "", *_introduction(kind), *_settings(name, kind), ""]
    return "\n".join(parts)


def _introduction(kind: type) -> list[str]:
    own = kind.__dict__.get("__doc__")
    return [_prose(inspect.cleandoc(own)), ""] if own else []


def _settings(section: str, kind: type[msgspec.Struct]) -> Iterator[str]:
    yield "| key | allowed | default | meaning | environment |"
    yield "|---|---|---|---|---|"
    meanings, hints = below_fields(kind), get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        allowed = get_args(hints[field.name])[1].description
        default = repr(field.default) if isinstance(field.default, str) else f"{field.default}"
        variable = f"{PREFIX}{section}__{field.name}".upper()
        yield _row(
            f"`{field.name}`",
            allowed,
            f"`{default}`".replace("'", '"'),
            _meaning(meanings, field.name, section),
            f"`{variable}`",
        )


def data_dictionary() -> str:
    parts = [_DICTIONARY]
    with TemporaryDirectory() as nothing, connect(nothing) as connection:
        views = sorted(connection.execute(about_views()).fetchall())
        for view, about in views:
            columns = connection.execute(about_columns(connection, view)).fetchall()
            parts += _columns(view, about, columns)
    parts += _raw_columns()
    parts += ["# What a running program says", "", _TOLD]
    for struct in STRUCTS:
        parts += _fields(struct)
    parts += ["# Codes", ""]
    for kind in CODES:
        parts += _codes(kind)
    return "\n".join(parts)


def _columns(title: str, about: str, columns: list[tuple[str, str, str]]) -> Iterator[str]:
    yield from (f"## {title}", "", f"{about[:1].upper()}{about[1:]}.", "")
    yield from ("| column | type | unit | meaning |", "|---|---|---|---|")
    for name, kind, meaning in columns:
        if not meaning:
            raise LookupError(f"{title}.{name}: say in its source what it holds")
        yield _row(f"`{name}`", kind, _unit(name), _prose(meaning))
    yield ""


def _raw_columns() -> Iterator[str]:
    said = {**comments(raw, "RAW_SCHEMA"), **_RAW}
    columns = [(field.name, str(field.type), said.get(field.name, "")) for field in RAW_SCHEMA]
    yield from _columns("raw", "rows as received, in files of `lake/raw` alone", columns)


def _fields(struct: type[msgspec.Struct]) -> Iterator[str]:
    yield from (f"## {struct.__name__}", "")
    if said := struct.__dict__.get("__doc__"):
        yield from (_prose(inspect.cleandoc(said)), "")
    yield from ("| field | type | unit | meaning |", "|---|---|---|---|")
    meanings = below_fields(struct)
    for name, kind in inspect.get_annotations(struct).items():
        shown = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
        plain = re.sub(r"[a-z_]+\.", "", shown)
        yield _row(f"`{name}`", f"`{plain}`", _unit(name), _prose(meanings.get(name, "")))
    yield ""


def _codes(kind: type[IntEnum]) -> Iterator[str]:
    about = "bits of a sum" if kind in _BITS else inspect.cleandoc(kind.__doc__ or "")
    is_said = kind.__dict__.get("__doc__") and not about.startswith("An enumeration")
    yield from (f"## {kind.__name__}", "")
    if is_said or kind in _BITS:
        yield from (_prose(f"{about[:1].upper()}{about[1:].rstrip('.')}."), "")
    yield from ("| code | name | meaning |", "|---:|---|---|")
    meanings = below_members(kind)
    for member in kind:
        yield _row(str(member.value), f"`{member.name.lower()}`", meanings.get(member.name, ""))
    yield ""


def below_members(kind: type[IntEnum]) -> dict[str, str]:
    """By member, the docstring below it."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(made, ast.ClassDef)
    return {
        ast.unparse(member.targets[0]): _prose(inspect.cleandoc(ast.literal_eval(text.value)))
        for member, text in zip(made.body, made.body[1:], strict=False)
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr)
    }


def _meaning(meanings: Mapping[str, str], name: str, section: str) -> str:
    if name not in meanings:
        raise LookupError(f"{section}.{name}: say below the field what it means")
    return _prose(meanings[name])


def _unit(name: str) -> str:
    ends = [end for end in _UNITS if name.endswith(f"_{end}")]
    return _UNITS[max(ends, key=len)] if ends else ""


def _prose(said: str) -> str:
    """On one line, with pages of this folder as links."""
    return re.sub(r"docs/(([\w-]+)\.md)", r"[\2](\1)", re.sub(r"\s+", " ", said))


def _row(*cells: Any) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    for file, page in pages().items():
        (FOLDER / file).write_text(page, encoding="utf-8")
