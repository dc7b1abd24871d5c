"""The command line's own part: what it makes of words, streams and failures."""

import sys
from decimal import Decimal
from typing import NoReturn

import pytest
import typer

from hfptm import __version__
from hfptm.cli.app import app, main
from hfptm.cli.options import decimal, duration_ns, named_fields, stamp
from hfptm.cli.output import progress_bar, say_if_compiling, show
from hfptm.errors import ConfigError


def exit_code(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return stopped.value.code


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"hfptm {__version__}\n"


def test_without_a_command_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code() == 2
    printed = capsys.readouterr()
    text = printed.out + printed.err
    for command in ("import", "replay", "lake", "demo", "sandbox"):
        assert f"\n  {command} " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [("fly",), ("lake", "--fly"), ("demo", "--seed", "-1")])
def test_a_usage_error_says_how_to_get_help(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "-h' for help." in printed.err
    assert printed.err.startswith("Usage: hfptm")


def test_words_become_values() -> None:
    assert decimal("--fee-rate", None) is None
    assert decimal("--fee-rate", "0.07") == Decimal("0.07")
    assert named_fields(["payload=frame", "seq=a=b"]) == {"payload": "frame", "seq": "a=b"}
    assert named_fields(None) == {}
    assert stamp("--from", "2026-04-29T02:10") == 1_777_428_600_000_000_000
    durations = [duration_ns("--duration", text) for text in ("90", "90s", "10m", "24h")]
    assert durations == [seconds * 10**9 for seconds in (90, 90, 600, 86_400)]


def test_words_that_are_no_values_name_their_option() -> None:
    with pytest.raises(ConfigError, match="--fee-rate: 'much' is no number"):
        decimal("--fee-rate", "much")
    with pytest.raises(ConfigError, match="--field: 'seq': expected NAME=FIELD"):
        named_fields(["seq"])
    with pytest.raises(ConfigError, match="--to: not a time: 'soon'"):
        stamp("--to", "soon")
    for text in ("soon", "0s", "-1s", "1.5s", "1d", ""):
        with pytest.raises(ConfigError, match="is no duration; write 90s, 10m or 24h"):
            duration_ns("--duration", text)


def test_json_prints_the_value_and_builds_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    def no_table() -> NoReturn:
        raise AssertionError("a table was built")

    show(True, {"a": [1, 2.5, "x"]}, no_table)
    assert capsys.readouterr().out == '{"a":[1,2.5,"x"]}\n'


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    with progress_bar("replaying") as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")


def test_compiled_kernels_are_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    say_if_compiling(True)
    assert capsys.readouterr() == ("", "")
    say_if_compiling(False)
    assert "once for this version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (
            PermissionError(13, "Permission denied", "lake"),
            1,
            "[Errno 13] Permission denied: 'lake'",
        ),
        (ConfigError("a file", "a.key", "several\nlines"), 2, "a file: a.key: several lines"),
        (KeyboardInterrupt(), 130, "interrupted; nothing unfinished looks whole"),
    ],
)
def test_a_failure_is_one_line(
    failure: BaseException,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> NoReturn:
        raise failure

    failing = typer.Typer()
    failing.command()(fail)
    monkeypatch.setattr("hfptm.cli.app.app", failing)
    assert exit_code() == code
    assert capsys.readouterr() == ("", f"hfptm: {said}\n")


def test_every_command_takes_the_data_folder(capsys: pytest.CaptureFixture[str]) -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert exit_code(name, "--help") == 0
        text = capsys.readouterr().out
        assert "--data DIR" in text or name == "alert-test"  # which needs the secrets alone
        assert "--json" in text or name == "lab"  # which hands the terminal over to JupyterLab
