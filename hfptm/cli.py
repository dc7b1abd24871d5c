"""The command line: composition root and the only place that prints."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm import __version__
from hfptm.errors import ConfigError, HfptmError

if TYPE_CHECKING:
    from hfptm.config import Config

app = typer.Typer(
    help="Record, replay and paper-trade arbitrage on Polymarket, honestly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its import alone doubles the time to the first line of help
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data folder.  [default: $HFPTM_DATA_DIR, else data/]",
        show_default=False,
    ),
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

Progress = Callable[[int, int], None]


def version(wanted: bool) -> None:
    if wanted:
        print(f"hfptm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def folder(option: Path | None) -> Path:
    from hfptm.config import data_dir, environment

    return data_dir(option, environment())


def configuration(file: Path | None, overrides: list[str] | None) -> "Config":
    from hfptm.config import environment, load

    return load(file, overrides or [], environment())


def show(as_json: bool, value: object, table: Callable[[], object]) -> None:
    """One JSON object for programs, or a table for people."""
    if as_json:
        import msgspec

        print(msgspec.json.encode(value).decode())
        return
    from rich.console import Console

    Console().print(table())


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on the terminal's error stream; silent when that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


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


@app.command("import")
def import_(
    format_name: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="frames-jsonl, l2-json, resolvedkit or quotes."),
    ],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    *,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="frames-jsonl: hfptm or updown.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FIELD", help="frames-jsonl: one field of the records."),
    ] = None,
    markets: Annotated[
        Path | None, typer.Option(metavar="FILE", help="frames-jsonl: markets file.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="quotes: groups file (TOML). frames-jsonl: groups.jsonl."
        ),
    ] = None,
    hold_ms: Annotated[
        int | None,
        typer.Option(metavar="MS", help="Sampled formats: how long a sample is the book."),
    ] = None,
    default_size: Annotated[
        str | None, typer.Option(metavar="SHARES", help="quotes: shares at each quote.")
    ] = None,
    fee_rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Formats without fees: taker fee rate.")
    ] = None,
    slug: Annotated[
        str | None, typer.Option(metavar="SLUG", help="l2-json: the market's slug.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Bring a recording made elsewhere into the lake. Doing it twice changes nothing."""
    from hfptm.lake import Lake
    from replay.importers import ImportOptions, import_paths
    from replay.report import import_table

    options = ImportOptions(
        preset=preset,
        fields=named_fields(field),
        markets=markets,
        groups=groups,
        hold_ms=hold_ms,
        default_size=decimal("--default-size", default_size),
        fee_rate=decimal("--fee-rate", fee_rate),
        slug=slug,
    )
    with progress_bar("importing") as progress:
        report = import_paths(format_name, paths, options, Lake(folder(data)), progress)
    show(as_json, report, lambda: import_table(report))


@app.command()
def replay(
    *,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="First receive time, UTC, as in 2026-04-29T02:10."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="End, not included.")
    ] = None,
    market: Annotated[
        list[str] | None,
        typer.Option(metavar="MARKET", help="Only this one, by slug or id. May be repeated."),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT", help="Only this one, by slug or id. May be repeated."),
    ] = None,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Run what was recorded through detector, risk, executor and a simulated venue."""
    from hfptm.clock import NS_MAX
    from replay.driver import Selection
    from replay.driver import replay as run
    from replay.report import summary_table

    chosen = Selection(
        from_ns=0 if from_ is None else stamp("--from", from_),
        to_ns=NS_MAX if to is None else stamp("--to", to),
        markets=tuple(market or ()),
        events=tuple(event or ()),
    )
    if chosen.from_ns >= chosen.to_ns:
        raise ConfigError("command line", "--from", f"{from_} is not before --to {to}")
    say_if_compiling()
    with progress_bar("replaying") as progress:
        _, summary = run(folder(data), configuration(config, overrides), chosen, progress)
    show(as_json, summary, lambda: summary_table(summary))


def stamp(option: str, text: str) -> int:
    from hfptm.clock import parse_utc_ns

    try:
        return parse_utc_ns(text)
    except ValueError as error:
        raise ConfigError("command line", option, str(error)) from error


def say_if_compiling() -> None:
    """Half a minute without a word looks like a program that hangs."""
    from hfptm.engine import is_compiled

    if not is_compiled():
        say("compiling the kernels, once for this version; about half a minute")


@app.command()
def lake(data: Data = None, as_json: AsJson = False) -> None:
    """List what is recorded: markets, events, time, rows."""
    from replay.inventory import inventory, inventory_table

    found = inventory(folder(data))
    show(as_json, found, lambda: inventory_table(found))


@app.command()
def demo(
    data: Data = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Another seed, another recording.")
    ] = 7,
    as_json: AsJson = False,
) -> None:
    """Make a recording with planted opportunities, import it, replay it, compare. Offline."""
    from replay.demo import run_demo

    say_if_compiling()
    with progress_bar("demo") as progress:
        found = run_demo(folder(data), seed, progress)
    show(as_json, {**found.summary, "truth": found.comparison}, lambda: found.tables)
    if not found.comparison.is_as_planted:
        raise typer.Exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, of this process's own arguments unless others are given, and exits."""
    try:
        app(arguments, prog_name="hfptm")
    except (HfptmError, OSError) as error:  # no permission, no space: a traceback explains neither
        say(str(error))
        sys.exit(error.exit_code if isinstance(error, HfptmError) else 1)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            say("interrupted; nothing unfinished looks whole")
        raise


def say(text: str) -> None:
    """One line on the error stream, also where a library's words inside it had several."""
    print("hfptm:", " ".join(text.split()), file=sys.stderr)


if __name__ == "__main__":
    main()
