"""The dead-man switch: whoever starts sending heartbeats and stops loses all open orders.

Source: exchange reference, section 2. Times are those of the clients' clock.
"""

import uuid

import msgspec

from hfptm.units import NS_PER_S

TIMEOUT_NS = 10 * NS_PER_S
SWEEP_NS = 5 * NS_PER_S
"""Lapsed heartbeats are looked for this often, so one may live half as long again."""


class _Beat(msgspec.Struct):
    heartbeat_id: str
    ts_ns: int


class Heartbeats:
    """One chain of heartbeats for each API key."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._beats: dict[str, _Beat] = {}
        self._count = 0
        self._swept_ns = 0

    def beat(self, api_key: str, heartbeat_id: str, ts_wall_ns: int) -> tuple[bool, str]:
        """(whether it counts, the id to send next time). The first one of a chain has no id."""
        last = self._beats.get(api_key)
        if heartbeat_id != (last.heartbeat_id if last else ""):
            return False, last.heartbeat_id if last else ""
        self._count += 1
        following = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._seed}:{self._count}"))
        self._beats[api_key] = _Beat(following, ts_wall_ns)
        return True, following

    def lapsed(self, ts_wall_ns: int) -> list[str]:
        """Keys whose heartbeat has stopped; their chains have ended."""
        if ts_wall_ns - self._swept_ns < SWEEP_NS:
            return []
        self._swept_ns = ts_wall_ns
        keys = [k for k, beat in self._beats.items() if ts_wall_ns - beat.ts_ns > TIMEOUT_NS]
        for key in keys:
            del self._beats[key]
        return keys
