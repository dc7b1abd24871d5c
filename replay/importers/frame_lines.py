"""Recorded frames, one JSON record a line: which field means what, and the records one by one."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from hfptm.errors import ConfigError, DamagedInputError, InputError
from hfptm.units import NS_PER_S, scale_float
from replay.importers.base import ImportOptions, ImportReport
from replay.importers.source import Source

_UNIT_DIGITS = {"ns": 0, "us": 3, "ms": 6, "s": 9}

_BACK_NS_MAX = 60 * NS_PER_S
"""A receive time that goes back further is no clock being set but lines in the wrong order."""


class FrameFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a line keeps what is needed. Every value is a string, for `--field name=value`."""

    time: str
    """Field of the receive time (UTC since 1970): a number, or its digits as a string."""
    time_unit: str = "ns"
    """s, ms, us or ns."""
    payload: str = "payload"
    """Field of the verbatim frame, a string."""
    connection: str = ""
    """Field that changes when the connection does; empty: one connection all through."""
    connection_divisor: str = "1"
    """The connection is its field's number divided by this, rounded down."""
    seq: str = ""
    """Field of a running number, kept with the raw frame; empty: none."""
    source: str = ""
    """Field that says where a record came from; empty: all records are frames."""
    sources: str = ""
    """The values of `source` to take, separated by commas; empty: all."""


PRESETS = {
    "hfptm": FrameFields(time="ts_recv_ns", connection="connection", seq="seq", source="source"),
    "updown": FrameFields(
        time="recv_mono_ns",  # nanoseconds of the wall clock, whatever the name says
        connection="ingest_seq",
        connection_divisor="1000000",
        seq="ingest_seq",
        source="source",
        sources="polymarket_clob",
    ),
}


class Frame(NamedTuple):
    ts_recv_ns: int
    connection: int
    seq: int
    payload: bytes


def frame_fields(options: ImportOptions) -> FrameFields:
    """The preset with the user's overrides; raises ConfigError."""
    preset = PRESETS.get(options.preset or "hfptm")
    if preset is None:
        raise ConfigError("import", "preset", f"{options.preset}: expected {' or '.join(PRESETS)}")
    try:
        fields = msgspec.convert({**msgspec.to_builtins(preset), **options.fields}, FrameFields)
    except msgspec.ValidationError as error:
        names = ", ".join(FrameFields.__struct_fields__)
        raise ConfigError("import", "fields", f"{error}; the names are: {names}") from error
    if fields.time_unit not in _UNIT_DIGITS:
        units = ", ".join(_UNIT_DIGITS)
        raise ConfigError("import", "fields.time_unit", f"{fields.time_unit}: expected {units}")
    if not fields.connection_divisor.isdecimal() or int(fields.connection_divisor) == 0:
        problem = f"{fields.connection_divisor}: expected a whole number from 1"
        raise ConfigError("import", "fields.connection_divisor", problem)
    return fields


class FrameLines:
    """Iterates over the frames of a file in its order; receive times never go back.

    Raises DamagedInputError at the first line that is no record, InputError if it is the first.
    `first_line` identifies the recording once iteration has begun.
    """

    def __init__(self, source: Source, fields: FrameFields, report: ImportReport) -> None:
        self.first_line = b""
        self._source = source
        self._fields = fields
        self._report = report
        self._digits = _UNIT_DIGITS[fields.time_unit]
        self._divisor = int(fields.connection_divisor)
        self._taken = {name for name in fields.sources.split(",") if name}
        self._last_ns = 0

    def __iter__(self) -> Iterator[Frame]:
        for number, line in self._source.lines():
            if not line.strip():
                continue
            self.first_line = self.first_line or line
            try:
                frame = self._frame(msgspec.json.decode(line))
            except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
                raise self._damage(number, line, error) from error
            if frame is not None:
                yield frame

    def _frame(self, record: dict[str, Any]) -> Frame | None:
        fields = self._fields
        if fields.source and self._taken and record[fields.source] not in self._taken:
            self._report.skip(f"record of source {record[fields.source]}")
            return None
        ts_recv_ns = self._forward(_scaled(record[fields.time], self._digits))
        connection = int(record[fields.connection]) // self._divisor if fields.connection else 0
        seq = int(record[fields.seq]) if fields.seq else 0
        payload = record[fields.payload]
        if not isinstance(payload, str):
            raise TypeError(f"{fields.payload} is not a string")
        return Frame(ts_recv_ns, connection, seq, payload.encode())

    def _forward(self, ts_ns: int) -> int:
        """Records stand in the order of receipt: a clock set back must not turn it round."""
        if ts_ns < self._last_ns:
            if self._last_ns - ts_ns > _BACK_NS_MAX:
                raise ValueError(
                    f"received {(self._last_ns - ts_ns) // NS_PER_S} s before the line above; "
                    "sort the file by receive time"
                )
            self._report.skip("receive time earlier than the line above's, which was taken instead")
        self._last_ns = max(self._last_ns, ts_ns)
        return self._last_ns

    def _damage(self, number: int, line: bytes, error: Exception) -> InputError:
        reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
        if line != self.first_line:
            return DamagedInputError(self._source.path, f"line {number}", reason)
        return InputError(
            self._source.path,
            f"line {number} is not a JSON record of this preset: {reason}; "
            f"it starts {line[:80]!r}; choose --preset or name the fields with --field",
        )


def _scaled(value: object, digits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"no time: {value!r}")
    ts_ns = scale_float(value, digits) if isinstance(value, float) else int(value) * 10**digits
    if not 0 < ts_ns < 2**63:
        raise ValueError(f"no time after 1970: {value!r}")
    return ts_ns
