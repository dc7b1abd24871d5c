"""The way of a new user, against a sandbox: in the shadow of an account, on paper, then live, and
halted by a signal."""

import signal
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from hfptm.cli.live import begun
from hfptm.clock import monotonic_ns
from hfptm.drive.inputs import Start, read_inputs
from hfptm.drive.order_log import ORDERS, SHADOW_ORDERS, read_orders
from hfptm.journal import read_run
from hfptm.records import Control, EventKind, IntentKind
from hfptm.sandbox.faults_kinds import Slow
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.node import PATH
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.service import ACCOUNT, PRIVATE_KEY, Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S
from tests.e2e.command import Result, hfptm, in_its_own_process, must, process
from tests.e2e.flip import CONFIRMED, LIVE
from tests.e2e.test_live import secrets, wait_for_order
from tests.e2e.test_paper import PLANT, TRADING
from tests.e2e.test_record import EVERYTHING, variables

RUN_S = 120
"""At most; it ends sooner."""
SHADOW, PAPER = "10s", "2s"
HALT_NS, HALTED_S = NS_PER_S, 1.0
"""What a halt may take on a busy machine, and for how long it is watched."""
READS = {"/books"}
"""What is posted to ask for something."""
HALTED = "halted by hand (SIGUSR1); `hfptm resume` lifts it"


class Gone(NamedTuple):
    folder: Path
    shadow: Result
    shadow_writes: set[str]
    doctor: Result
    live: Result
    posted_ns: list[int]
    """When orders came in, after the signal."""
    canceled_ns: list[int]

    @property
    def shadow_run(self) -> Path:
        return self.folder / "shadow" / "runs" / str(self.shadow.json["run_id"])

    @property
    def live_run(self) -> Path:
        return self.folder / "data" / "runs" / str(self.live.json["run_id"])


class Witness:
    """When what came in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.writes: list[tuple[int, str]] = []
        sandbox.faults.tell = self.note
        sandbox.faults.start(Slow(method="POST", delay_ms=(0, 0)))
        sandbox.faults.start(Slow(method="DELETE", delay_ms=(0, 0)))

    def note(self, deed: Deed) -> None:
        if deed.method and deed.path not in READS:
            self.writes.append((monotonic_ns(), deed.path))

    def since(self, begin_ns: int, path: str) -> list[int]:
        return [ns - begin_ns for ns, seen in self.writes if seen == path and ns > begin_ns]


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Gone:
    folder = tmp_path_factory.mktemp("going")
    plant, data = folder / "plant.toml", folder / "data"
    plant.write_text(PLANT)
    service = Service(
        Settings(markets=12, rate=40, seed=7, plant=plant), duration_ns=RUN_S * NS_PER_S
    )
    settings = (*EVERYTHING, *TRADING, *LIVE)
    with service:
        witness = service.server.run(Witness)
        environment = variables(service) | secrets(service)
        shadowing = (
            "live",
            "--shadow",
            "--data",
            folder / "shadow",
            "--duration",
            SHADOW,
            "--json",
        )
        with process(*shadowing, *settings, **environment) as shadow:
            paper = ("paper", "--data", data, "--duration", PAPER, *settings)
            assert in_its_own_process(*paper, **environment).code == 0
            out, err = shadow.communicate()
        shadowed = Result(shadow.returncode, out, err)
        shadow_writes = {path for _, path in witness.writes if path != PATH}
        if service.server.run(lambda s: s.chain.nonce(ACCOUNT, is_pending=True)):
            shadow_writes.add(PATH)  # a node is asked by POST, too
        doctor = in_its_own_process("doctor", "--live", "--data", data, *settings, **environment)
        living = ("live", CONFIRMED, "--data", data, "--json", *settings)
        with process(*living, **environment) as trader:
            wait_for_order(service, data, trader)
            begin_ns = monotonic_ns()
            trader.send_signal(signal.SIGUSR1)
            threading.Event().wait(HALTED_S)
            trader.send_signal(signal.SIGTERM)
            out, err = trader.communicate()
    live = Result(trader.returncode, out, err)
    posted_ns = witness.since(begin_ns, "/orders")
    canceled_ns = witness.since(begin_ns, "/cancel-all")
    return Gone(folder, shadowed, shadow_writes, doctor, live, posted_ns, canceled_ns)


def test_in_the_shadow_orders_are_signed_and_nothing_is_sent(gone: Gone) -> None:
    assert gone.shadow.code == 0, gone.shadow.err
    assert gone.shadow_writes == set()
    assert gone.shadow.json["mode"] == "shadow"
    assert gone.shadow.json["fills"] > 0
    assert not (gone.shadow_run / ORDERS).exists()
    lines = read_orders(gone.shadow_run, SHADOW_ORDERS)
    intents = read_run(gone.folder / "shadow", gone.shadow_run.name).rows("intents")
    placed = intents["order"][intents["kind"] == IntentKind.PLACE].tolist()
    assert lines
    assert {line.order for line in lines} <= set(placed)
    assert {(line.fields.maker, len(line.fields.signature)) for line in lines} == {(ACCOUNT, 132)}
    assert PRIVATE_KEY[2:].encode() not in b"".join(
        path.read_bytes() for path in (gone.folder / "shadow").rglob("*") if path.is_file()
    )
    found = must("parity", gone.shadow_run.name, "--data", gone.folder / "shadow", "--json").json
    assert found["difference"] is None


def test_no_run_goes_on_from_a_shadow(gone: Gone) -> None:
    start = begun(gone.folder / "shadow", is_anew=False, is_resumed=False)
    assert start == Start(mode="live")


def test_after_paper_and_the_doctor_orders_leave(gone: Gone) -> None:
    assert gone.doctor.code == 0, gone.doctor.out
    assert gone.live.code == 0, gone.live.err
    assert "Traceback" not in gone.live.err
    assert gone.live.json["mode"] == "live"
    assert read_orders(gone.live_run)


def test_a_signal_halts_as_the_file_does(gone: Gone) -> None:
    assert all(after_ns < HALT_NS for after_ns in gone.posted_ns)
    assert gone.canceled_ns[0] < HALT_NS
    rows = [rows for _, rows in read_inputs(gone.live_run)]
    words = [int(row["aux"]) for part in rows for row in part if row["kind"] == EventKind.CONTROL]
    assert words == [Control.HALT, Control.STOP, Control.HALT]
    again = hfptm("paper", "--data", gone.folder / "data")
    assert (again.code, HALTED in again.err) == (4, True)
