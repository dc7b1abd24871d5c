"""The truth about a run: what was planted, a line each, as soon as it was over.

JSON lines: the header, then `Planted` and `Skipped`, told apart by their `type`.
"""

from pathlib import Path

import msgspec

from hfptm.errors import InputError
from hfptm.sandbox.planted import Planted, Skipped

FORMAT = "hfptm-truth"
VERSION = 1
ENDING = ".truth.jsonl"


class TruthHeader(msgspec.Struct, frozen=True):
    """The first line."""

    format: str
    version: int
    seed: int
    start_ts_venue_ns: int
    """The exchange's clock when planting began."""


class TruthWriter:
    """Replaces the file; every line is on its way to the disk before the next thing happens."""

    def __init__(self, path: Path, seed: int, start_ts_venue_ns: int) -> None:
        self._file = path.open("wb")
        self._write(TruthHeader(FORMAT, VERSION, seed, start_ts_venue_ns))

    def tell(self, what: Planted | Skipped) -> None:
        self._write(what)

    def _write(self, line: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def truth_path(plant_file: Path) -> Path:
    """Beside the plant file, its whole name and `ENDING`."""
    return plant_file.with_name(plant_file.name + ENDING)


def read_truth(path: Path) -> tuple[TruthHeader, list[Planted | Skipped]]:
    """What was planted, in the order in which it ended. Raises InputError."""
    try:
        first, *lines = path.read_bytes().splitlines(keepends=True) or [b""]
        header = msgspec.json.decode(first, type=TruthHeader)
    except OSError as error:
        raise InputError(path, f"{error.strerror}; give the {ENDING} of a --plant run") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(path, f"no truth file; give the {ENDING} of a --plant run") from None
    if (header.format, header.version) != (FORMAT, VERSION):
        found = f"{header.format} {header.version}, expected {FORMAT} {VERSION}"
        raise InputError(path, f"{found}; plant anew")
    decode = msgspec.json.Decoder(Planted | Skipped).decode
    found_lines: list[Planted | Skipped] = []
    for number, line in enumerate(lines, 2):
        try:
            found_lines.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = str(error) if line.endswith(b"\n") else "cut short"
            raise InputError(path, f"damaged at line {number}: {reason}; plant anew") from None
    return header, found_lines
