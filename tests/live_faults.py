"""Faults of all kinds at once, drawn by seed: the weather of a live run."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from hfptm.sandbox.faults_kinds import KINDS, Fault, LineFault

FEW, SOME, HALF = Decimal("0.02"), Decimal("0.2"), Decimal("0.5")
ORDERS = {"method": "POST", "path": "/orders"}
OF_BOOKS_SHARE, SHARE = 0.12, 0.35
"""How likely a fault is to be among those of a seed; where books do not come, nothing is bought."""

_LATE = {"delay_ms": (1, 200)}
_OF_FRAMES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("drop", {}),
    ("duplicate", {}),
    ("malformed", {}),
    ("delay", _LATE),
    ("reorder", _LATE),
)
_OF_LINES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("freeze", {}),
    ("disconnect", {"code": 1012}),
    ("disconnect", {}),
    ("refuse", {"status": 503}),
)
_OF_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rate_limit", {"share": Decimal("0.1")}),
    ("rate_limit", {"share": Decimal("0.1"), "has_headers": False}),
    ("timeout", {**ORDERS, "share": SOME}),
    ("timeout", {**ORDERS, "share": SOME, "status": 503}),
    ("timeout", {**ORDERS, "share": SOME, "status": 500}),
    ("timeout", {"method": "GET", "path": "/data", "share": SOME}),
    ("timeout", {"method": "DELETE", "share": SOME}),
    ("timeout", {"method": "DELETE", "share": SOME, "status": 502}),
    ("timeout", {"path": "/v1/heartbeats"}),
    ("rate_limit", {"path": "/v1/heartbeats"}),
    ("timeout", {"path": "/events", "share": HALF}),
    ("timeout", {"path": "/markets", "share": HALF, "status": 504}),
    ("slow", {"share": SOME, "delay_ms": (1, 400)}),
    ("slow", {**ORDERS, "share": HALF, "delay_ms": (500, 2_600)}),
    ("false_success", {"share": SOME}),
    ("ghost_fill", {"share": SOME}),
)
_IN_WINDOWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("lose", {"share": HALF}),
    ("refuse", {}),
    ("rate_limit", {"path": "/data"}),
    ("rate_limit", ORDERS),
    ("ghost_book", {}),
    ("restart", {}),
    ("post_only", {}),
)


def faults_of(seed: int) -> list[Fault]:
    """Each often enough to be met within seconds."""
    rng = np.random.default_rng(seed)
    found = [
        *_on_channel("market", FEW, rng),
        *_on_channel("user", SOME, rng),
        *(_made(kind, fields) for kind, fields in _OF_CALLS),
        *(_made(kind, fields | _window(rng)) for kind, fields in _IN_WINDOWS),
        _made("clock_skew", {"skew_ms": int(rng.integers(1, 3_000))} | _window(rng)),
    ]
    return [f for f in found if rng.random() < (OF_BOOKS_SHARE if _is_of_books(f) else SHARE)]


def _on_channel(channel: str, share: Decimal, rng: np.random.Generator) -> list[Fault]:
    frames = [
        _made(kind, {"channel": channel, "share": share, **more}) for kind, more in _OF_FRAMES
    ]
    half = {"channel": channel, "share": HALF}
    return frames + [_made(kind, {**half, **more, **_window(rng)}) for kind, more in _OF_LINES]


def _window(rng: np.random.Generator) -> dict[str, Decimal]:
    return {"duration_s": Decimal("0.4"), "every_s": Decimal(int(rng.integers(8, 30))) / 10}


def _made(kind: str, fields: dict[str, Any]) -> Fault:
    return msgspec.convert({"kind": kind} | fields, KINDS[kind])


def _is_of_books(fault: Fault) -> bool:
    return isinstance(fault, LineFault) and fault.channel != "user"
