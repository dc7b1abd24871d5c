"""Seals closed logs beside the recorder: a thread that hands them to a process of low priority.

Sealing costs several times what receiving does; in the recorder's own process it would take the
interpreter's lock and memory from the receive path.
"""

import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

RETRY_S = 60
"""Between two attempts at logs that could not be sealed, say on a full disk."""


class SealerStatus(msgspec.Struct, frozen=True, kw_only=True):
    waiting_logs: int
    problem: str
    """Why the last attempt left a log unsealed; empty if it left none."""


class Sealer:
    """`add` from any thread. Logs that cannot be sealed stay, and are tried again."""

    def __init__(self, data: Path, waiting: Iterable[Path]) -> None:
        self._data = data
        self._waiting = list(waiting)
        self._problem = ""
        self._wake = threading.Event()
        self._closing = threading.Event()
        # A daemon: the process may end while the program it started seals on.
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def add(self, log: Path) -> None:
        self._waiting.append(log)
        self._wake.set()

    def status(self) -> SealerStatus:
        return SealerStatus(waiting_logs=len(self._waiting), problem=self._problem)

    def close(self, timeout_s: float) -> bool:
        """Seal what waits; False if it takes longer, and goes on after this process has ended."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._waiting

    def _run(self) -> None:
        while not self._closing.is_set():
            self._seal()
            self._wake.wait(RETRY_S if self._waiting else None)
            self._wake.clear()
        self._seal()

    def _seal(self) -> None:
        logs = self._waiting[:]
        if not logs:
            return
        command = [sys.executable, "-m", "recorder.seal", str(self._data), *map(str, logs)]
        # In a session of its own: a Ctrl-C is meant for the recorder.
        result = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._problem = result.stderr.strip() if result.returncode else ""
        for log in logs:
            if not log.exists():
                self._waiting.remove(log)
