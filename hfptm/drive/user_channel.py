"""The connection to the user channel: opened again whenever it is cut, never trusted alone.

Source: exchange reference, section 2.
"""

import asyncio
import logging
from typing import NoReturn

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from hfptm import clock
from hfptm.drive.gateway import Gateway
from hfptm.units import NS_PER_S
from hfptm.venue.account import Account

PING_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 15.0
_log = logging.getLogger(__name__)


class UserChannel:
    """`run` it beside whatever sends orders. `is_up` is set while it is subscribed."""

    def __init__(self, address: str, account: Account, gateway: Gateway) -> None:
        self.is_up = asyncio.Event()
        self._address, self._account, self._gateway = address, account, gateway
        self._wait_s = FIRST_WAIT_S

    async def run(self) -> NoReturn:
        """Forever. After a cut every order is unknown: what was said meanwhile is lost."""
        while True:
            try:
                # Its own pings are text frames; those of the protocol nobody answers for sure.
                async with connect(self._address, ping_interval=None) as socket:
                    await self._listen(socket)
            except (OSError, WebSocketException) as error:
                _log.warning("user channel: %s", str(error) or type(error).__name__)
            if self.is_up.is_set():
                self.is_up.clear()
                self._gateway.doubt_all()
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    async def _listen(self, socket: ClientConnection) -> None:
        """Raises ConnectionError once a ping is not answered."""
        await socket.send(self._account.subscription())
        asked_ns, is_answered = 0, True
        while True:
            left_s = PING_S - (clock.monotonic_ns() - asked_ns) / NS_PER_S
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    payload = await socket.recv(decode=False)
            except TimeoutError:
                if not is_answered:
                    raise ConnectionError("no answer to a ping") from None
                await socket.send("PING")
                asked_ns, is_answered = clock.monotonic_ns(), False
                continue
            is_answered = True
            self.is_up.set()
            self._wait_s = FIRST_WAIT_S
            self._gateway.hear(payload, clock.wall_ns())
