"""Settings as users write them, in a TOML file, environment variables and --set, made typed.

No key is known here: each reader takes the sections as msgspec structs whose fields are annotated
with `Meta(description=...)`, which says in an error what the key takes. Each raises ConfigError.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from hfptm.errors import ConfigError

PREFIX = "HFPTM_"

Sections = Mapping[str, type[msgspec.Struct]]
"""Struct type by section name, as the sections are written in the file."""


Gone = Mapping[str, tuple[object, str]]
"""Keys of earlier versions, which kept configurations still have: the value that meant nothing and
is passed over, and for any other what there is now."""


class Setting(NamedTuple):
    """One value, in its key's own type, and who said so."""

    source: str
    section: str
    key: str
    value: object


def from_file(path: Path, sections: Sections, gone: Gone) -> Iterator[Setting]:
    """Every key of a TOML file; its decimals are read exactly, never as floats."""
    source = str(path)
    for section, table in read_toml(path).items():
        _require_known(source, section, section, sections)
        if not isinstance(table, dict):
            raise ConfigError(source, section, f"is a section; write it as [{section}]")
        for key, value in table.items():
            if not _is_gone(Setting(source, section, key, value), gone):
                yield from_toml(sections, Setting(source, section, key, value))


def from_toml(sections: Sections, setting: Setting) -> Setting:
    """A value as TOML gives it, decimals read exactly, in its key's type."""
    source, section, key = setting[:3]
    value: Any = setting.value
    _require_known(source, f"{section}.{key}", section, sections)
    # TOML writes a round sum of dollars without a point.
    exact = Decimal(value) if _is_decimal(sections[section], key, value) else value
    return _checked(sections, setting._replace(value=exact), strict=True)


def _is_gone(setting: Setting, gone: Gone) -> bool:
    source, section, key, value = setting
    if f"{section}.{key}" not in gone:
        return False
    off, advice = gone[f"{section}.{key}"]
    if value != off:
        raise ConfigError(source, f"{section}.{key}", f"is no more; {advice}")
    return True


def _is_decimal(section: type[msgspec.Struct], key: str, value: object) -> bool:
    return type(value) is int and get_type_hints(section).get(key) is Decimal


def read_toml(path: Path, option: str = "--config") -> dict[str, Any]:
    """A TOML file whose decimals are exact; `option` is who named it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check the path"
        raise ConfigError(option, str(path), problem) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "the whole file", f"is not TOML: {error}") from error


def from_environment(
    environ: Mapping[str, str], others: Sequence[str], sections: Sections
) -> Iterator[Setting]:
    """Every HFPTM_SECTION__KEY; `others` are the variables with the prefix that are no settings."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in others:
            continue
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not separator:
            known = " and ".join([*others, f"{PREFIX}SECTION__KEY"])
            raise ConfigError("environment variable", name, f"is unknown; hfptm reads {known}")
        setting = Setting(f"environment variable {name}", section, key, environ[name])
        yield _checked(sections, setting, strict=False)


def from_overrides(overrides: Sequence[str], sections: Sections) -> Iterator[Setting]:
    """Every "section.key=value" of --set."""
    for override in overrides:
        name, equals, text = override.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise ConfigError("--set", override, "is not of the form section.key=value")
        yield _checked(sections, Setting("--set", section, key, text.strip()), strict=False)


def _checked(sections: Sections, setting: Setting, *, strict: bool) -> Setting:
    """The setting in its key's type; `strict` is off where every value arrives as text."""
    source, section, key, value = setting
    name = f"{section}.{key}"
    _require_known(source, name, section, sections)
    _require_known(source, name, key, sections[section].__annotations__)
    kind = sections[section].__annotations__[key]
    try:
        builtin = (Decimal,) if strict else ()
        typed = msgspec.convert(value, kind, strict=strict, builtin_types=builtin)
    except msgspec.ValidationError as error:
        raise refused(sections, setting) from error
    return setting._replace(value=typed)


def refused(sections: Sections, setting: Setting) -> ConfigError:
    """The error that names the setting's source and what its key takes."""
    source, section, key, value = setting
    description = get_args(sections[section].__annotations__[key])[1].description
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return ConfigError(source, f"{section}.{key}", f"{shown} is refused; allowed: {description}")


def _require_known(source: str, where: str, name: str, known: Mapping[str, object]) -> None:
    if name in known:
        return
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(known)}"
    raise ConfigError(source, where, f"is unknown; {hint}")
