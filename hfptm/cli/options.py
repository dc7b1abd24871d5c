"""Options that several commands take, and what their words mean."""

import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.errors import ConfigError, LakeError

if TYPE_CHECKING:
    from hfptm.config import Config
    from replay.driver import Selection

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data folder.  [default: $HFPTM_DATA_DIR, else data/]",
        show_default=False,
    ),
]
Duration = Annotated[
    str | None, typer.Option("--duration", metavar="TIME", help="End after 90s, 10m or 24h.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Although a loss limit stopped the last run.")
]
Anew = Annotated[
    bool, typer.Option("--anew", help="With the whole bankroll, and nothing of earlier runs.")
]
FromTime = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="First receive time, UTC, as in 2026-04-29T02:10."),
]
FromHour = Annotated[str | None, typer.Option("--from", metavar="TIME", help="First hour, UTC.")]
UntilTime = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End, not included.")]
Markets = Annotated[
    list[str] | None,
    typer.Option("--market", metavar="MARKET", help="Only this one, by slug or id; repeatable."),
]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="EVENT", help="Only this one, by slug or id; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file.  [default: config/config.toml if it exists]",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Override one key of the configuration. May be repeated.",
    ),
]


def folder(option: Path | None) -> Path:
    from hfptm.config import data_dir, environment

    return data_dir(option, environment())


def existing_folder(option: Path | None) -> Path:
    """As `folder`, with a lake in it; whoever maintains one makes none by mistake."""
    data = folder(option)
    if not (data / "lake").is_dir():
        raise LakeError(f"{data}: no lake there; name the data folder with --data")
    return data


def configuration(file: Path | None, overrides: list[str] | None) -> "Config":
    from hfptm.config import environment, load

    return load(file, overrides or [], environment())


def decimal(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ConfigError("command line", option, f"{text!r} is no number") from error


def named_fields(texts: list[str] | None) -> dict[str, str]:
    fields = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError("command line", "--field", f"{text!r}: expected NAME=FIELD")
        fields[name] = value
    return fields


def stamp(option: str, text: str) -> int:
    from hfptm.clock import parse_utc_ns

    try:
        return parse_utc_ns(text)
    except ValueError as error:
        raise ConfigError("command line", option, str(error)) from error


def selection(
    from_: str | None, to: str | None, markets: list[str] | None, events: list[str] | None
) -> "Selection":
    """What --from, --to, --market and --event leave of a lake; none of them: all."""
    from hfptm.clock import NS_MAX
    from replay.driver import Selection

    from_ns = 0 if from_ is None else stamp("--from", from_)
    to_ns = NS_MAX if to is None else stamp("--to", to)
    if from_ns >= to_ns:
        raise ConfigError("command line", "--from", f"{from_} is not before --to {to}")
    return Selection(from_ns, to_ns, tuple(markets or ()), tuple(events or ()))


def duration_ns(option: str, text: str) -> int:
    """Of "90", "90s", "10m" or "24h"; more than nothing."""
    from hfptm.units import NS_PER_S

    found = re.fullmatch(r"([0-9]{1,9})([smh]?)", text)
    if not found or int(found[1]) == 0:
        raise ConfigError("command line", option, f"{text!r} is no duration; write 90s, 10m or 24h")
    return int(found[1]) * _SECONDS[found[2]] * NS_PER_S


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600}
