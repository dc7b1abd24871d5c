"""What a service manager is told, by sd_notify(3)."""

import socket
import threading
from pathlib import Path
from typing import Self


class ServiceManager:
    """Listens for the time of a `with` block, at `address`."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.heard: list[str] = []
        """Each line, in order."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._socket.bind(self.address)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while told := self._socket.recv(65_536):
            self.heard += told.decode().splitlines()


def is_a_whole_life(heard: list[str]) -> bool:
    """Ready once, alive all the time, and its end as the last thing that is said."""
    is_ready_once = heard.count("READY=1") == 1
    return is_ready_once and heard.count("WATCHDOG=1") > 1 and heard[-1] == "STOPPING=1"
