"""`hfptm sandbox serve` and `resend` as a user runs them: processes, signals, files, clients."""

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from websockets.asyncio.client import connect

from hfptm.clock import monotonic_ns
from hfptm.config import load
from hfptm.drive.clob import Clob
from hfptm.sandbox.faults_log import read_deeds
from hfptm.sandbox.service import FUNDS_E6
from hfptm.sandbox.truth_file import read_truth
from hfptm.sandbox.wire_file import read_header, read_wire
from hfptm.secrets import load as load_secrets
from hfptm.venue.account import Account
from hfptm.venue.client import public_client, secure_client
from tests.e2e.command import Result, hfptm, process

STOP_NS = 2 * 10**9
RUN = ("--start", "2026-11-20T14:00", "--duration", "1s", "--rate", 2_000)
"""A second of a day."""

PLANT = """
[random]
kinds = ["LOST_DELTA", "YES_BASKET"]
per_minute = 600
life_ms = [100, 200]
edge_usd = [0.03, 0.05]
shares = [100, 200]
"""
FAULTS = '[[fault]]\nkind = "slow"\npath = "/book"\ndelay_ms = [1, 2]\n'


class Served(NamedTuple):
    """A sandbox in a process of its own, and what it said at its start."""

    process: "subprocess.Popen[str]"
    said: dict[str, Any]

    def end(self, number: int) -> tuple[int, str]:
        """Exit code and error stream after a signal, which has to work at once."""
        began_ns = monotonic_ns()
        self.process.send_signal(number)
        _, err = self.process.communicate()
        assert monotonic_ns() - began_ns < STOP_NS
        return self.process.returncode, err


@contextmanager
def serving(*options: object) -> Iterator[Served]:
    with process("sandbox", "serve", "--json", *options) as child:
        try:
            assert child.stdout
            assert child.stderr
            said = child.stdout.readline() or child.stderr.read()
            yield Served(child, json.loads(said))
        finally:
            child.kill()


async def listen(address: str, assets: list[str], frames: int) -> list[bytes]:
    """The first frames of a subscriber of all features; its dump is left out."""
    request = {"type": "market", "assets_ids": assets, "custom_feature_enabled": True}
    async with asyncio.timeout(20), connect(address, max_size=None) as line:
        await line.send(json.dumps(request))
        assert isinstance(json.loads(await line.recv()), list)
        return [str(await line.recv()).encode() for _ in range(frames)]


def files_of(folder: Path) -> tuple[Path, Path, Path]:
    plant, faults = folder / "plant.toml", folder / "faults.toml"
    plant.write_text(PLANT)
    faults.write_text(FAULTS)
    return plant, faults, folder / "wire.jsonl"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A run that ended by itself, and its wire file."""
    plant, _, wire = files_of(tmp_path_factory.mktemp("run"))
    result = hfptm("sandbox", "serve", *RUN, "--plant", plant, "--wire", wire)
    assert result.code == 0, result.err
    return result, wire


def test_clients_trade_on_it_and_its_files_are_whole_when_it_is_terminated(tmp_path: Path) -> None:
    plant, faults, wire = files_of(tmp_path)
    with serving("--plant", plant, "--faults", faults, "--wire", wire, "--rate", 2_000) as served:
        said = served.said
        servers = load(None, [], said["environment"]).server
        assert msgspec.structs.asdict(servers) == said["servers"]
        secrets = load_secrets(tmp_path / "none", said["environment"])
        assert Account(secrets).address == secrets.funder_address == said["account"]["address"]

        async def use() -> list[bytes]:
            async with public_client(servers) as client:
                markets = [market async for market in client.list_markets().iter_items()]
                assert len(markets) >= said["markets"] == 12
                sides = [(market.outcomes.yes, market.outcomes.no) for market in markets]
                tokens = [str(side.token_id) for both in sides for side in both]
                book = await client.get_order_book(asset_id=tokens[0])
                assert book.bids or book.asks
            account = said["account"]
            async with Clob(servers.clob_url, Account(secrets)) as clob:
                reply = await clob.request("GET", "/auth/ban-status/closed-only")
                assert reply.status == 200, "the exchange takes the key"
            async with await secure_client(
                servers, private_key=account["private_key"], wallet=account["address"]
            ) as client:
                held = await client.get_balance_allowance(asset_type="COLLATERAL")
                assert int(held.balance) == FUNDS_E6
            return await listen(servers.market_ws_url, tokens, 500)

        heard = asyncio.run(use())
        code, err = served.end(signal.SIGTERM)
    assert code == 0
    assert re.fullmatch(r"hfptm: [0-9,]+ frames in all\n", err)
    assert read_header(wire).seed == said["seed"]
    sent = [bytes(frame.frame) for frame in read_wire(wire)]
    first = sent.index(heard[0])
    assert sent[first : first + len(heard)] == heard
    assert f"{len(sent):,} frames" in err
    header, planted = read_truth(Path(said["files"]["truth"]))
    assert header.start_ts_venue_ns == said["start_ts_ns"]
    assert planted
    deeds = read_deeds(Path(said["files"]["fault_log"]))
    assert "/book" in {deed.path for deed in deeds}


def test_its_ports_are_its_own_until_ctrl_c(tmp_path: Path) -> None:
    wire = tmp_path / "wire.jsonl"
    wire.write_text("precious")
    with serving() as served:
        port = served.said["servers"]["clob_url"].rpartition(":")[2]
        taken = hfptm("sandbox", "serve", "--wire", wire, "--clob-port", port)
        code, err = served.end(signal.SIGINT)
    assert (taken.code, taken.out) == (2, "")
    assert f"clob_port: {port} is taken" in taken.err
    assert wire.read_text() == "precious"
    assert code == 0
    assert "Traceback" not in err


def test_the_same_run_writes_the_same_file(run: tuple[Result, Path], tmp_path: Path) -> None:
    plant, _, wire = files_of(tmp_path)
    again = hfptm("sandbox", "serve", *RUN, "--plant", plant, "--wire", wire)
    assert again.code == 0, again.err
    assert wire.read_bytes() == run[1].read_bytes()
    assert len(list(read_wire(wire))) > 2_000


def test_people_get_a_block_to_paste(run: tuple[Result, Path]) -> None:
    result, _ = run
    exports = dict(re.findall(r"^export (\w+)=(\S+)$", result.out, re.MULTILINE))
    addresses = msgspec.structs.asdict(load(None, [], exports).server).values()
    assert len(addresses) == 6
    assert all("://127.0.0.1:" in address and address in result.out for address in addresses)
    assert "public and worthless" in result.out


def test_bad_input_is_said_before_any_file_is_touched(tmp_path: Path) -> None:
    plant, faults, wire = files_of(tmp_path)
    wire.write_text("precious")
    plant.write_text(PLANT.replace("kinds", "kind"))
    for option, file in (("--plant", plant), ("--faults", plant), ("--faults", tmp_path / "none")):
        refused = hfptm("sandbox", "serve", "--wire", wire, option, file)
        assert refused.code in (2, 3)
        assert refused.err.startswith(f"hfptm: {'--faults' if file.stem == 'none' else file}")
    assert hfptm("sandbox", "serve", "--duration", "soon").code == 2
    assert wire.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("faults.toml", "plant.toml", "wire.jsonl")
    ]
    assert faults.read_text() == FAULTS


def test_what_it_sent_can_be_sent_again(run: tuple[Result, Path]) -> None:
    _, wire = run
    frames = list(read_wire(wire))
    assets = sorted({asset for frame in frames for asset in frame.assets})

    async def everything(address: str) -> list[bytes]:
        request = {"type": "market", "assets_ids": assets, "custom_feature_enabled": True}
        async with asyncio.timeout(20), connect(address, max_size=None) as line:
            await line.send(json.dumps(request))
            return [str(frame).encode() async for frame in line]

    with process("sandbox", "resend", wire, "--json") as child:
        assert child.stderr
        assert child.stdout
        ready = child.stderr.readline()
        heard = asyncio.run(everything(ready.split()[-1]))
        sent = json.loads(child.stdout.read())
    assert child.returncode == 0
    assert heard == [bytes(frame.frame) for frame in frames]
    assert (sent["subscribers"], sent["frames"]) == (1, len(frames))
