"""Real runs at the sandbox to which everything happens: who is alerted hears of it, once.

Of all those messages, logs and files none has a piece of the address in it.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from hfptm.alerts import kept
from hfptm.clock import monotonic_ns
from hfptm.config import environment
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.secrets import variable
from hfptm.units import NS_PER_S
from tests import planted
from tests.conftest import ROOT
from tests.e2e.command import in_its_own_process, must, process
from tests.e2e.test_record import EVERYTHING, variables
from tests.planted import AT_ONCE, options
from tests.sink import Sink, serving

PLANT = planted.plant(per_minute=240)
FAULTY = options(
    *AT_ONCE,
    "sim.settlement_failure=0.9",  # legs are left alone, and sold at a loss
    "sim.settlement_ms=100",
    "risk.daily_loss_limit_usd=0.01",
    "alerts.trade_above_usd=1",
    "alerts.free_mib=1000000000",
    "alerts.silent_s=5",
    "alerts.group_s=1",
    "alerts.messages_per_hour=1000",
)
KEY = "alert_addresses"
PIECES = ("t0ken-of", "passw0rd", "user:")


def address(sink: Sink) -> dict[str, str]:
    return {variable(KEY): sink.address()}


def lines(sink: Sink) -> list[str]:
    """One an alert, as they came."""
    told = [line for message in sink.messages for line in message["message"].splitlines()]
    return [line for line in told if not line.startswith("What to do: docs/operations.md#")]


def count(sink: Sink, words: str) -> int:
    return sum(words in line for line in lines(sink))


def until(done: Callable[[], bool], run: "subprocess.Popen[str]", seconds: int = 40) -> None:
    end_ns = monotonic_ns() + seconds * NS_PER_S
    while not done():
        assert monotonic_ns() < end_ns
        assert run.poll() is None
        threading.Event().wait(0.05)


def test_whatever_happens_to_a_run_is_told_once(tmp_path: Path) -> None:
    plant, data = tmp_path / "plant.toml", tmp_path / "data"
    plant.write_text(PLANT)
    log = tmp_path / "log"
    service = Service(Settings(markets=40, rate=80, seed=7, plant=plant))
    arguments = ("paper", "--data", data, *EVERYTHING, *FAULTY, *options(f"log.file={log}"))
    with serving(Sink()) as sink, Running(service) as exchange:
        with process(*arguments, **variables(service), **address(sink)) as run:
            until(lambda: count(sink, " disk: ") > 0, run)
            until(lambda: count(sink, " breaker: ") > 0, run)
            until(lambda: count(sink, " trade: ") > 0, run)
            must("kill", "too hot", "--data", data)
            until(lambda: count(sink, " killed: ") > 0, run)
            exchange.stop()
            until(lambda: count(sink, " feed-silent: ") > 0, run)
            run.send_signal(signal.SIGKILL)
            _, errors = run.communicate()
        end_ns = monotonic_ns() + 20 * NS_PER_S
        while not count(sink, " died: ") and monotonic_ns() < end_ns:
            threading.Event().wait(0.05)
    told = lines(sink)
    onsets = [line for line in told if ": over, after " not in line]
    for kind in ("disk", "killed", "feed-silent", "died"):
        assert sum(f" {kind}: " in line for line in onsets) == 1, told
    for words in (
        " breaker: nothing is bought until somebody lifts it: daily_loss (",
        ", above 1.00 USD, result ",
        " killed: the kill switch is thrown (too hot)",
        f" died: hfptm paper, process {run.pid}: gone without a word",
    ):
        assert any(words in line for line in told), words
    assert len(told) == len(set(told)), "something was told twice"
    state = kept.read(data)
    assert state
    shown = [*sink.texts, errors, log.read_text(), *map(str, state.state.alerts)]
    shown += [path.read_text() for path in data.glob("*.json")]
    assert [piece for piece in PIECES for text in shown if piece in text] == []


class Running:
    """A service that can be stopped in the middle of a `with`."""

    def __init__(self, service: Service) -> None:
        self._service, self._is_over = service, False

    def __enter__(self) -> "Running":
        self._service.__enter__()
        return self

    def stop(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._service.__exit__(None, None, None)

    def __exit__(self, *_: object) -> None:
        self.stop()


def test_the_test_command_says_which_address_took_it() -> None:
    with serving(Sink()) as sink:
        assert in_its_own_process("alert-test", **address(sink)).code == 0
        both = f"{sink.address()},nothing://t0ken-of-nobody"
        result = in_its_own_process("alert-test", "--json", **{variable(KEY): both})
    assert result.code == 1
    took, refused = result.json
    assert took == {"number": 1, "address": "json://…", "problem": ""}
    assert (refused["number"], refused["address"]) == (2, "nothing://…")
    assert "no service has such an address" in refused["problem"]
    assert [piece for piece in PIECES if piece in result.out + result.err] == []
    assert len(sink.texts) == 2
    assert "alerts of hfptm reach you here" in sink.texts[0]


def test_without_an_address_the_test_command_says_where_to_write_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hfptm.cli", "alert-test"]
    here = {name: text for name, text in environment().items() if name != variable(KEY)}
    nobody = {"PYTHONPATH": str(ROOT), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    result = subprocess.run(
        command, cwd=tmp_path, env=here | nobody, check=False, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "write alert_addresses = [" in result.stderr
    assert f"or set {variable(KEY)}" in result.stderr
