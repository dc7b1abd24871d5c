"""What each change earned more than the configuration as it is, by event."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import polars as pl

from hfptm.config import Config, limits
from hfptm.latency import latencies_of
from hfptm.sim.state import LATENCIES
from hfptm.units import NS_PER_MS, ONE_E6
from replay.advice import SLOW_MS, Trial
from replay.capture_sets import CaptureSet, value
from replay.confidence import Estimate


def trials_of(sets: Sequence[CaptureSet], events: pl.DataFrame) -> list[Trial]:
    """Of every set that is no point of the curve, but for the first, which they change."""
    results = events.group_by("set", "event").agg(pl.col("result_e6").sum())
    by_set = {
        number: dict(zip(rows["event"].to_list(), rows["result_e6"].to_list(), strict=True))
        for (number,), rows in results.group_by("set")
    }
    base = by_set.get(0, {})
    return [
        Trial(
            change={key: (_text(value(sets[0].config, key)), _text(to)) for key, to in changes},
            gains_usd=_gains_usd(base, by_set.get(number, {})),
        )
        for number, one in enumerate(sets)
        if number and one.latency_ms is None and (changes := one.changes.items())
    ]


def slow_share(config: Config) -> Estimate:
    """Of the orders that the simulated venue answers; no more certain than what it was told."""
    draws = latencies_of(limits(config)).draws
    spans_ns = np.sum([draws[name] for name in LATENCIES], axis=0)
    share = float(np.mean(spans_ns > SLOW_MS * NS_PER_MS))
    return Estimate(share, share, share)


def _gains_usd(base: dict[int, int], changed: dict[int, int]) -> dict[int, float]:
    events = sorted({*base, *changed})
    return {event: (changed.get(event, 0) - base.get(event, 0)) / ONE_E6 for event in events}


def _text(setting: object) -> str:
    return f"{setting.normalize():f}" if isinstance(setting, Decimal) else str(setting)
