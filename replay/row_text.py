"""Rows of inputs and journals in words: names for codes, dollars and shares for integers."""

from enum import IntEnum
from types import MappingProxyType

import msgspec
import numpy as np

from hfptm.clock import format_utc
from hfptm.journal import RowKind
from hfptm.opportunities import Artefact, OpportunityKind, Phase, Reason
from hfptm.records import EventKind, IntentKind, OrderType, Side, Token
from hfptm.units import NS_PER_MS, NS_PER_S, format_e4, format_e6
from replay.listed import Listed

_CODES: MappingProxyType[str, type[IntEnum]] = MappingProxyType(
    {
        "side": Side,
        "token": Token,
        "order_type": OrderType,
        "basket": OpportunityKind,
        "phase": Phase,
        "reason": Reason,
        "artefact": Artefact,
    }
)
_KINDS: MappingProxyType[RowKind, type[IntEnum]] = MappingProxyType(
    {
        "intents": IntentKind,
        "decisions": OpportunityKind,
        "outcomes": OpportunityKind,
        "reports": EventKind,
    }
)


class InputLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row that a kernel was given."""

    ts_ns: int
    kind: str
    """Of `EventKind`, in lower case."""
    market: str
    """Its slug."""
    side: str
    price: str
    size: str
    aux: int


def input_line(row: np.void, listed: Listed) -> InputLine:
    return InputLine(
        ts_ns=int(row["ts_recv_ns"]),
        kind=_word(EventKind, int(row["kind"])),
        market=listed.slug(int(row["market"])),
        side=_word(Side, int(row["side"])),
        price=format_e4(int(row["price_e4"])),
        size=format_e6(int(row["size_e6"])),
        aux=int(row["aux"]),
    )


def time_of_day(ts_ns: int) -> str:
    """To the nanosecond: "02:10:43.288123456"."""
    return f"{format_utc(ts_ns)[11:19]}.{ts_ns % NS_PER_S:09d}"


def milliseconds(span_ns: int) -> str:
    return f"{span_ns / NS_PER_MS:,.1f}"


def value_text(kind: RowKind, name: str, value: int, listed: Listed) -> str:
    """A field of a journal row as a person reads it."""
    if name == "market":
        return listed.slug(value) or str(value)
    if name == "kind" or name in _CODES:
        return code_word(kind, name, value)
    if name.endswith("_e4"):
        return format_e4(value)
    if name.endswith("_e6"):
        return format_e6(value)
    return time_of_day(value) if name.endswith("_ns") else str(value)


def code_word(kind: RowKind, name: str, value: int) -> str:
    """The name of a code in such a field, in lower case."""
    return _word(_KINDS[kind] if name == "kind" else _CODES[name], value)


def end_of(text: str, columns: int) -> str:
    """The end of a slug, where those of one event differ."""
    return text if len(text) <= columns else f"…{text[1 - columns :]}"


def _word(codes: type[IntEnum], value: int) -> str:
    """Its name; a number that is none as it is: an altered row may hold anything."""
    names = {int(code): code.name.lower() for code in codes}
    return names.get(value, str(value))
