"""Fault files: TOML, one `[[fault]]` for each fault, read strictly."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from hfptm.errors import ConfigError
from hfptm.sandbox.faults_kinds import KINDS, Fault

_TABLE = "fault"


def load_faults(path: Path) -> list[Fault]:
    """The faults of a file, in its order.

    Raises ConfigError, naming the file, the entry and what is allowed, if the file cannot be read,
    or a kind, a key or a value is not known.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check the path"
        raise ConfigError("--faults", str(path), problem) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "the whole file", f"is not TOML: {error}") from error
    entries = document.pop(_TABLE, [])
    for key in document:
        raise ConfigError(str(path), key, f"is unknown; write every fault as [[{_TABLE}]]")
    if not isinstance(entries, list):
        raise ConfigError(str(path), _TABLE, f"is a list; write every fault as [[{_TABLE}]]")
    return [_fault(str(path), f"{_TABLE} {i}", entry) for i, entry in enumerate(entries, 1)]


def _fault(source: str, where: str, entry: object) -> Fault:
    if not isinstance(entry, dict) or "kind" not in entry:
        raise ConfigError(source, where, f"has no kind; known: {', '.join(KINDS)}")
    name = entry["kind"]
    where = f"{where} ({name})"
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ConfigError(source, where, f"is of an unknown kind; known: {', '.join(KINDS)}")
    fields = [field.name for field in msgspec.structs.fields(kind)]
    for key in entry:
        if key not in (*fields, "kind"):
            raise ConfigError(source, where, f"{key} is unknown; known: {', '.join(fields)}")
    try:
        return msgspec.convert(entry, kind, builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        raise ConfigError(source, where, str(error) + _choices(kind, str(error))) from error


def _choices(kind: type[Fault], problem: str) -> str:
    """What a field with a choice takes, if the problem is one of those."""
    field = problem.rpartition("$.")[2].rstrip("`")
    values = [
        str(value)
        for option in get_args(get_type_hints(kind).get(field))
        for value in get_args(option)
        if get_origin(option) is Literal
    ]
    return f"; allowed: {', '.join(values)}" if values else ""
