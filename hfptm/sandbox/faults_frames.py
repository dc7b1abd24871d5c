"""Frames as faults leave them: without one token, or unreadable."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

Below = Callable[[int], int]
"""A seeded integer in [0, n)."""

FORMS = ("cut", "types", "junk", "unknown")
UNKNOWN_TYPE = "engine_notice"
_JUNK_BYTES = 64


class Sent(NamedTuple):
    """A frame as it goes out."""

    payload: bytes
    is_binary: bool = False


def without_asset(payload: bytes, asset: str) -> bytes | None:
    """A frame without what it says of one token; None if that was all."""
    message = msgspec.json.decode(payload)
    events = message if isinstance(message, list) else [message]
    kept = [event for event in (_without(event, asset) for event in events) if event]
    if kept == events:
        return payload
    if not kept:
        return None
    return msgspec.json.encode(kept if isinstance(message, list) else kept[0])


def _without(event: dict[str, Any], asset: str) -> dict[str, Any] | None:
    if event.get("asset_id") == asset:
        return None
    changes = event.get("price_changes")
    if changes is None:
        return event
    kept = [change for change in changes if change["asset_id"] != asset]
    return event | {"price_changes": kept} if kept else None


def malformed(payload: bytes, form: str, below: Below) -> Sent:
    """What comes in a frame's place; `form` is one of `FORMS`."""
    if form == "cut":
        return Sent(payload[: 1 + below(len(payload) - 1)])
    if form == "junk":
        return Sent(bytes(0x80 | below(0x80) for _ in range(_JUNK_BYTES)), is_binary=True)
    message = msgspec.json.decode(payload)
    event = message[below(len(message))] if isinstance(message, list) and message else message
    if isinstance(event, dict) and form == "unknown":
        event["event_type"] = UNKNOWN_TYPE
    elif isinstance(event, dict):
        key = list(event)[below(len(event))]
        event[key] = {"value": event[key]}
    return Sent(msgspec.json.encode(message))
