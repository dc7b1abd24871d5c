"""Processes of a benchmark that tell each other something: none waits for one that has gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, NamedTuple

from hfptm.clock import monotonic_ns
from hfptm.units import NS_PER_S

STOP_S = 10.0
"""What a process is given to end once it has said all."""

_LOOK_S = 0.5
_SPAWN = get_context("spawn")


class ChildError(Exception):
    """A process ended, or said nothing, where something was due."""


class Child(NamedTuple):
    name: str
    process: SpawnProcess
    pipe: Pipe

    def tell(self, message: object) -> None:
        self.pipe.send(message)

    def hear(self, within_s: float, *beside: "Child") -> Any:
        """What it says next. Raises ChildError if it ends, one of `beside` fails, or time is up."""
        end_ns = monotonic_ns() + int(within_s * NS_PER_S)
        while not wait([self.pipe], _LOOK_S):
            for other in (self, *beside):
                if other.process.exitcode:
                    raise other.failure()
            if monotonic_ns() > end_ns:
                raise ChildError(f"{self.name} said nothing for {within_s:.0f} s")
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join(STOP_S)
            raise self.failure() from None

    def failure(self) -> ChildError:
        code = self.process.exitcode
        return ChildError(f"{self.name} ended ({code}); its own message stands above")


@contextmanager
def child(target: Callable[..., None], *arguments: object) -> Iterator[Child]:
    """`target(pipe, *arguments)` in a fresh process: a fork would share what this one has."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Child(target.__name__, process, ours)
        ours.close()
        process.join(STOP_S)
    finally:
        ours.close()
        process.kill()
        process.join()
        process.close()
