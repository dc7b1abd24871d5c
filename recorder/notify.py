"""Word to systemd, as sd_notify(3) has it: datagrams to the socket that it names."""

import logging
import socket
from collections.abc import Mapping

from hfptm.feed_status import FeedStatus

_SOCKET = "NOTIFY_SOCKET"
_log = logging.getLogger(__name__)


class Notifier:
    """Says nothing if no service manager listens. `environ` is that of the process."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get(_SOCKET, "")
        # A leading @ stands for the zero byte of an abstract socket.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._is_ready = False

    def note(self, status: FeedStatus) -> None:
        """Alive, and ready as soon as anything is received. Call it every second."""
        lines = ["WATCHDOG=1", f"STATUS={in_words(status)}"]
        if status.frames and not self._is_ready:
            self._is_ready = True
            lines.insert(0, "READY=1")
        self._send(lines)

    def stopping(self) -> None:
        self._send(["STOPPING=1"])

    def _send(self, lines: list[str]) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                sender.sendto("\n".join(lines).encode(), self._address)
            except OSError as error:  # recording is worth more than being heard
                _log.warning("the service manager does not listen: %s", error)


def in_words(status: FeedStatus) -> str:
    """One line for people."""
    open_ = "+".join(str(line.connections) for line in status.lines)
    state = "; ".join(status.problems) or "well"
    return (
        f"{status.markets} markets on {open_} connections, {status.frames:,} frames, "
        f"{status.frames_per_s:,.0f}/s: {state}"
    )
