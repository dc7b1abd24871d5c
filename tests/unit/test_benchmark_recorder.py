"""The benchmark's processes end, whatever happens to one of them or to a line between them."""

import os
import subprocess
import sys
import threading
from multiprocessing.connection import Connection as Pipe

import msgspec
import pytest
from websockets.sync.client import ClientConnection, connect

from benchmarks.child import ChildError, child
from benchmarks.process_tree import tree_cpu_s
from benchmarks.recorder import listed, recorded
from benchmarks.sender import Load, send
from hfptm.sections import Recorder

LOAD = Load(seconds=1, markets=4, connections=2, rate=200, frames=64, has_books=True)


def die(pipe: Pipe) -> None:
    pipe.recv()
    os._exit(3)


def say_nothing(pipe: Pipe) -> None:
    if pipe.poll(None):
        return


def burn(pipe: Pipe) -> None:
    pipe.send("begun")
    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)
    pipe.send("done")


def test_a_child_that_dies_is_an_error_also_for_who_listens_to_another() -> None:
    with child(die) as dying, child(say_nothing) as other:
        dying.tell("now")
        with pytest.raises(ChildError, match=r"die ended \(3\)"):
            other.hear(30, dying)
        with pytest.raises(ChildError, match=r"die ended \(3\)"):
            dying.hear(30)


def test_a_child_that_says_nothing_is_an_error() -> None:
    with child(say_nothing) as silent, pytest.raises(ChildError, match="said nothing"):
        silent.hear(0.1)


def test_what_a_tree_takes_holds_its_children_also_when_they_have_ended() -> None:
    before_s = tree_cpu_s(os.getpid())
    with child(burn) as burning:
        assert burning.hear(30) == "begun"
        assert burning.hear(30) == "done"
        during_s = tree_cpu_s(os.getpid())
    assert during_s - before_s > 0.1
    assert tree_cpu_s(os.getpid()) >= during_s


def asking(address: str) -> ClientConnection:
    line = connect(address, compression=None)
    tokens = [token for market in listed(LOAD) for token in (market.yes_token, market.no_token)]
    line.send(msgspec.json.encode({"assets_ids": tokens}), text=True)
    return line


def test_a_line_that_is_lost_and_comes_again_does_not_keep_the_sender_waiting() -> None:
    with child(send, LOAD) as sending:
        address = sending.hear(30)
        asking(address).close()
        threading.Event().wait(0.2)
        with asking(address) as first, asking(address) as second:
            frames = [sum(1 for _ in line) for line in (first, second)]
        sent = sending.hear(30)
    assert min(frames) > 50
    assert sum(frames) == sent + 2


def test_a_line_that_is_lost_meanwhile_gets_what_is_left() -> None:
    with child(send, LOAD) as sending:
        address = sending.hear(30)
        with asking(address) as first:
            lost = asking(address)
            lost.recv()
            lost.recv()
            lost.close()
            with asking(address) as again:
                assert sum(1 for _ in again) > 1
            assert sum(1 for _ in first) > 50
        assert sending.hear(30) > 100


def test_what_is_sent_is_in_the_lake() -> None:
    sent, got = recorded(LOAD, Recorder(redundancy=2, assets_per_connection=8))
    assert sent > 100
    assert got.in_lake == got.frames == sent + 2
    assert got.dropped == 0
