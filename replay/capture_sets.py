"""The parameter sets of a capture analysis: as configured, at each latency, and with one change."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from hfptm.config import Config, limits, with_settings
from hfptm.errors import ConfigError

LATENCIES_MS = (0, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 750, 1_000)
"""Denser where arbitrage happens."""

ENTRY = "sim.entry_latency_ms"
_CONSTANT: dict[str, object] = {"sim.entry_latency_p99_ms": 0, "sim.measured_requests": ""}
"""What else a latency that is one number takes."""
_EXPOSURES = tuple(f"risk.max_exposure_{name}_usd" for name in ("per_market", "per_event", "total"))
_FACTORS: tuple[tuple[tuple[str, ...], Decimal], ...] = (
    (("trading.min_edge",), Decimal("0.8")),
    (("trading.min_edge",), Decimal("1.25")),
    (("trading.max_arb_size_usd",), Decimal("0.5")),
    (("trading.max_arb_size_usd",), Decimal(2)),
    (_EXPOSURES, Decimal("1.5")),
    ((ENTRY,), Decimal("0.5")),
)
"""The neighbours of a configuration."""

_SOURCE = "hfptm capture"


class CaptureSet(NamedTuple):
    changes: dict[str, object]
    """From the configuration as it is, by "section.key"."""
    config: Config
    latency_ms: int | None = None
    """On the curve; None: not a point of it."""


def capture_sets(base: Config) -> list[CaptureSet]:
    """The configuration as it is first, then the curve, then the trials that can be."""
    curve = [_at_latency(base, latency_ms) for latency_ms in latencies_ms(base)]
    return [CaptureSet({}, base), *curve, *_trials(base)]


def latencies_ms(base: Config) -> list[int]:
    """Of the curve; the configured one is among them."""
    return sorted({*LATENCIES_MS, base.sim.entry_latency_ms})


def value(config: Config, key: str) -> object:
    section, name = key.split(".")
    found: object = getattr(getattr(config, section), name)
    return found


def _at_latency(base: Config, latency_ms: int) -> CaptureSet:
    changes = {ENTRY: latency_ms} | {
        key: constant for key, constant in _CONSTANT.items() if value(base, key) != constant
    }
    return CaptureSet(changes, with_settings(base, changes, _SOURCE), latency_ms)


def _trials(base: Config) -> Iterator[CaptureSet]:
    for keys, factor in _FACTORS:
        changes = {key: _times(value(base, key), factor) for key in keys}
        if all(changed == value(base, key) for key, changed in changes.items()):
            continue
        if ENTRY in changes and base.sim.measured_requests:
            continue
        neighbour = with_settings(base, changes, _SOURCE)
        try:
            limits(neighbour)
        except ConfigError:  # there is none on this side: larger than the bankroll, say
            continue
        yield CaptureSet(changes, neighbour)


def _times(setting: object, factor: Decimal) -> object:
    if isinstance(setting, int):
        return int(setting * factor)
    assert isinstance(setting, Decimal)
    return (setting * factor).quantize(Decimal("0.0001")).normalize()
