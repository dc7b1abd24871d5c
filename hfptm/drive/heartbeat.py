"""The dead-man switch: while it beats, orders live; when it stops, the exchange cancels them all.

Source: exchange reference, section 2.
"""

import asyncio
from collections.abc import Callable
from typing import NoReturn

import msgspec

from hfptm import clock
from hfptm.drive.clob import Clob, NoReplyError
from hfptm.units import NS_PER_S

INTERVAL_S = 5
LAPSE_NS = 10 * NS_PER_S
"""So long after the last beat the exchange may cancel everything."""

_AGAIN_S = 0.5
_PATH = "/v1/heartbeats"


class _Beat(msgspec.Struct):
    heartbeat_id: str = ""


_BEAT = msgspec.json.Decoder(_Beat)


class Heartbeat:
    """The first beat arms the switch. `lapsed` is called when orders may have been cancelled."""

    def __init__(self, clob: Clob, lapsed: Callable[[], None]) -> None:
        self._clob, self._lapsed = clob, lapsed
        self._id = ""
        self.last_ns: int | None = None
        """When the last beat that counted was sent, by a clock that never goes back."""

    async def run(self) -> NoReturn:
        """Beat forever; sooner again after a beat that did not count."""
        while True:
            await asyncio.sleep(INTERVAL_S if await self.beat() else _AGAIN_S)

    async def beat(self) -> bool:
        """Whether one beat counted. The id that the exchange expects instead is sent at once."""
        for _ in range(2):
            body = msgspec.json.encode(_Beat(self._id))
            sent_ns = clock.monotonic_ns()
            try:
                reply = await self._clob.request("POST", _PATH, body)
                self._id = _BEAT.decode(reply.body).heartbeat_id
            except (NoReplyError, ValueError):
                break
            if reply.status == 200:
                self._note(sent_ns)
                return True
            if reply.status != 400:
                break
        return False

    def _note(self, sent_ns: int) -> None:
        """A chain that went on too late may have ended in between."""
        last_ns, self.last_ns = self.last_ns, sent_ns
        if last_ns is not None and sent_ns - last_ns > LAPSE_NS:
            self._lapsed()
