"""`hfptm paper` against a sandbox with planted opportunities, and `hfptm parity` of its run."""

import shutil
import signal
import threading
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from hfptm import bulletin
from hfptm.bulletin import Bulletin
from hfptm.cli import paper
from hfptm.drive.inputs import Start
from hfptm.journal import RunJournal, read_run
from hfptm.records import EventKind, IntentKind
from hfptm.risk_state import RiskState
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.wal import HEADER, encode_block, read_batches
from tests import planted
from tests.e2e.command import Result, hfptm, in_its_own_process, must, process, replayed
from tests.e2e.test_record import EVERYTHING, variables
from tests.parities import ALTERED
from tests.planted import AT_ONCE, options
from tests.service_manager import ServiceManager, is_a_whole_life
from tests.told import assert_told

RUN_S = 34
KILLED_AFTER_S = 9
"""From its first market on."""
PLANT = planted.plant(per_minute=120)
TRADING = options(*AT_ONCE)


class Traded(NamedTuple):
    """A run that was killed, and the next, which was told to end."""

    data: Path
    killed: str
    result: Result
    heard: list[str]
    """What systemd would have been told of the second."""
    told: list[Bulletin]
    """The last of each."""

    @property
    def summary(self) -> Any:
        return self.result.json

    @property
    def run(self) -> Path:
        return self.data / "runs" / str(self.summary["run_id"])


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    folder = tmp_path_factory.mktemp("paper")
    plant, data = folder / "plant.toml", folder / "data"
    plant.write_text(PLANT)
    service = Service(
        Settings(markets=12, rate=40, seed=7, plant=plant), duration_ns=RUN_S * NS_PER_S
    )
    arguments = ("paper", "--data", data, "--json", *EVERYTHING, *TRADING)
    with service:
        with process(*arguments, **variables(service)) as trader:
            while not has_markets(data) and trader.poll() is None:
                threading.Event().wait(0.1)
            threading.Event().wait(KILLED_AFTER_S)
            trader.kill()
            trader.communicate()
        told = [bulletin.read(data)]
        (killed,) = (data / "runs").iterdir()
        with (
            ServiceManager(folder) as manager,
            process(*arguments, **variables(service), NOTIFY_SOCKET=manager.address) as trader,
        ):
            while not service.is_over and trader.poll() is None:
                threading.Event().wait(0.1)
            trader.send_signal(signal.SIGTERM)
            out, err = trader.communicate()
    told.append(bulletin.read(data))
    result = Result(trader.returncode, out, err)
    return Traded(data, killed.stem, result, manager.heard, [last for last in told if last])


def has_markets(data: Path) -> bool:
    return any(len(path.read_bytes().splitlines()) > 1 for path in data.glob("runs/*/listings*"))


def test_sigterm_ends_it_with_a_whole_run(traded: Traded) -> None:
    assert traded.result.code == 0, traded.result.err
    assert "Traceback" not in traded.result.err
    assert traded.summary["mode"] == "paper"
    assert not list((traded.data / "runs").glob("*.partial"))


def test_systemd_is_told_that_it_lives(traded: Traded) -> None:
    assert is_a_whole_life(traded.heard)


def test_the_last_bulletin_tells_what_the_run_came_to(traded: Traded) -> None:
    assert_told(traded.told[1], read_run(traded.data, traded.run.name))


def test_a_killed_run_leaves_its_last_bulletin(traded: Traded) -> None:
    told = traded.told[0]
    assert (told.mode, told.run_id, told.ended) == ("paper", traded.killed, "")
    assert told.feed.markets > 0
    assert told.trading is not None
    assert told.trading.counts.plans > 0


def test_a_killed_run_is_closed_and_gone_on_from(traded: Traded) -> None:
    assert f"{traded.killed} was killed" in traded.result.err
    first = read_run(traded.data, traded.killed)
    assert first.summary["fills"] > 0
    assert must("parity", traded.killed, "--data", traded.data, "--json").json["difference"] is None
    assert traded.summary["after"] == traded.killed
    assert traded.summary["pnl_before_usd"] == first.summary["pnl_usd"]
    assert (traded.run / "start.json").exists()
    lines = must("runs", "--data", traded.data, "--json").json
    assert [(line["run_id"], line["mode"], line["state"]) for line in lines][:2] == [
        (traded.killed, "paper", "closed"),
        (traded.run.name, "paper", "closed"),
    ]
    assert traded.killed in must("runs", "--data", traded.data).out


def test_what_was_planted_is_taken(traded: Traded) -> None:
    run = read_run(traded.data, traded.summary["run_id"])
    kinds = run.rows("intents")["kind"].tolist()
    assert kinds.count(IntentKind.PLACE) > 0
    assert run.rows("reports")["kind"].tolist().count(EventKind.FILL) > 0
    assert traded.summary["plans"] > 0
    assert traded.summary["coverage"]["unlisted_markets"] == 0


def test_the_same_inputs_give_the_same_run(traded: Traded) -> None:
    found = must("parity", traded.summary["run_id"], "--data", traded.data, "--json").json
    assert found["difference"] is None
    assert found["inputs"] > 500
    assert found["rows"]["intents"] > 0
    said = must("parity", traded.summary["run_id"], "--data", traded.data).out
    assert "the same, bit for bit" in said


def test_a_replay_of_the_recording_decides_the_same(traded: Traded) -> None:
    """Of the killed run the last rows may not be on the recording; what differs then says so."""
    must("normalize", "--data", traded.data)
    for run_id in (traded.killed, traded.run.name):
        found = must("compare", run_id, "--data", traded.data, "--json").json
        assert found["orders"]["run"] > 0
        assert found["timers"] > 0
        if not found["rows_differing"]:
            assert found["causes"].keys() <= {"timers", "listings"}
        if run_id == traded.run.name:
            assert found["rows_differing"] == {}
            assert found["differing"] == []
    said = must("compare", traded.run.name, "--data", traded.data).out
    assert "the same decisions" in said


def test_a_row_that_was_altered_is_found(traded: Traded, tmp_path: Path) -> None:
    """Of the journal, and of what the kernel is said to have been given."""
    for name, alter in (("intents.parquet", alter_table), ("inputs.wal", alter_log)):
        copy = tmp_path / name
        run = copy / "runs" / traded.run.name
        shutil.copytree(traded.run, run)
        (copy / ALTERED).touch()
        alter(run / name)
        result = hfptm("parity", traded.run.name, "--data", copy, "--json")
        assert result.code == 1
        difference = result.json["difference"]
        assert difference["journalled"] != difference["computed"]
        assert difference["context"]["before"]
        said = hfptm("parity", traded.run.name, "--data", copy).out
        assert "differ, first in row" in said
        assert "- here -" in said


def alter_table(path: Path) -> None:
    pq.write_table(altered(pq.read_table(path)), path)


def alter_log(path: Path) -> None:
    with path.open("rb") as file:
        batches = altered(pa.Table.from_batches(read_batches(file))).to_batches()
    path.write_bytes(HEADER + b"".join(map(encode_block, batches)))


def altered(table: pa.Table) -> pa.Table:
    """Every size that is any is a share more."""
    index = table.schema.get_field_index("size_e6")
    size_e6 = table["size_e6"]
    more = pc.if_else(pc.greater(size_e6, 0), pc.add(size_e6, ONE_E6), size_e6)
    return table.set_column(index, table.schema.field(index), more)


def test_a_run_without_inputs_is_refused(traded: Traded) -> None:
    """And what was recorded while it traded can be replayed, with plans as well."""
    must("normalize", "--data", traded.data)  # at once, if it was done before
    summary = replayed(traded.data, *TRADING)
    assert summary["plans"] > 0
    result = hfptm("parity", summary["run_id"], "--data", traded.data)
    assert (result.code, result.out) == (4, "")
    assert "only a run of `hfptm paper` or `hfptm live` does" in result.err


def test_a_run_that_a_loss_limit_stopped_is_not_followed_by_another(tmp_path: Path) -> None:
    with RunJournal(tmp_path, "20260101T000000-000000001", "") as journal:
        risk = RiskState(latch="daily_loss", latch_limit=1, latch_value=2, proven_plans=3)
        journal.close({"mode": "paper", "risk": msgspec.to_builtins(risk)})
    nowhere = ("--set", "server.gamma_url=http://127.0.0.1:9", "--duration", "1s")
    refused = hfptm("paper", "--data", tmp_path, *nowhere)
    assert refused.code == 4
    assert "daily_loss" in refused.err
    assert "--resume" in refused.err
    assert not list((tmp_path / "runs").glob("*.partial"))
    assert paper.begun(tmp_path, is_anew=True, is_resumed=False) == Start(mode="paper")
    resumed = paper.begun(tmp_path, is_anew=False, is_resumed=True)
    assert resumed.risk == RiskState(proven_plans=3), "what was proved is no loss to forget"
    begun = in_its_own_process("paper", "--data", tmp_path, "--resume", *nowhere)
    assert begun.code == 5, begun.err
    assert "check the network" in begun.err
