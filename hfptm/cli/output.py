"""What people and programs see of a command: tables, JSON, bars, one line at a time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]


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


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """One line that changes, on the terminal's error stream; silent when that is no terminal."""
    from rich.console import Console
    from rich.status import Status

    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Status("starting", console=Console(stderr=True)) as status:
        yield status.update


def say(text: str) -> None:
    """One line on the error stream, also where a library's words inside it had several."""
    print("hfptm:", " ".join(text.split()), file=sys.stderr)


def say_if_compiling(is_compiled: bool) -> None:
    """Half a minute without a word looks like a program that hangs."""
    if not is_compiled:
        say("compiling the kernels, once for this version; about a minute")
