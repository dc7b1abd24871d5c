"""A sweep and a capture analysis on disk as their commands leave them, of made-up numbers."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from hfptm.config import as_toml, load
from hfptm.opportunities import OpportunityKind, Reason
from hfptm.sweep_files import DAYS, EVENTS, OPPORTUNITIES, Head, SweepKind, SweepWriter, sets_schema

SWEEP_ID, CAPTURE_ID = "20260103T000000-000000001", "20260103T000000-000000002"
DATES = ("2026-01-01", "2026-01-02", "2026-01-03")
LATENCIES_MS = (0, 25, 50, 75, 100, 150, 200, 300, 500, 700, 1_000)
LANES_MS = (150, *LATENCIES_MS)
"""Of a capture analysis: set 0 is as configured, the others are the curve."""
MIN_EDGES = tuple(Decimal(f"0.0{digits}") for digits in ("05", "10", "15", "20", "25", "30"))
ENTRIES_MS = (0, 50, 100, 200, 400)

NS_PER_DAY = 86_400_000_000_000
FIRST_NS = 1_767_225_600_000_000_000
"""2026-01-01."""


def keep_sweep(data: Path, summary: dict[str, Any] | None = None) -> str:
    """A grid of two keys on three days; the summary is one that found nothing."""
    settings = [(edge, entry) for edge in MIN_EDGES for entry in ENTRIES_MS]
    types = {"trading.min_edge": Decimal, "sim.entry_latency_ms": int}
    sets = {
        "set": np.arange(len(settings)),
        "trading.min_edge": [edge.quantize(Decimal("0.000001")) for edge, _ in settings],
        "sim.entry_latency_ms": [entry for _, entry in settings],
    }
    days, events = _days(settings), _events(len(settings))
    with SweepWriter(data, SWEEP_ID) as writer:
        writer.text("config.toml", as_toml(load(None, [], {})))
        writer.text("grid.toml", '[grid]\n"trading.min_edge" = [0.005]\n')
        writer.table("sets", pa.table(sets, sets_schema(types)))
        writer.table("days", _table(days, DAYS))
        writer.table("events", _table(events, EVENTS))
        writer.close(_head("grid", tuple(types), len(settings)), summary or sweep_summary(days))
    return SWEEP_ID


def keep_capture(data: Path, summary: dict[str, Any] | None = None) -> str:
    """As configured, then a lane each latency; opportunities live 20 to 1,000 ms."""
    types = {"sim.entry_latency_ms": int}
    sets = {"set": np.arange(len(LANES_MS)), "sim.entry_latency_ms": list(LANES_MS)}
    rows = sweep_opportunities()
    with SweepWriter(data, CAPTURE_ID) as writer:
        writer.text("config.toml", as_toml(load(None, ["trading.min_edge=0.01"], {})))
        writer.table("sets", pa.table(sets, sets_schema(types)))
        writer.table("days", _table(_days([(MIN_EDGES[0], ms) for ms in LANES_MS]), DAYS))
        writer.table("events", _table(_events(len(LANES_MS)), EVENTS))
        writer.table("opportunities", _table(rows, OPPORTUNITIES))
        head = _head("capture", tuple(types), len(LANES_MS))
        writer.close(head, summary or capture_summary(rows))
    return CAPTURE_ID


def _head(kind: SweepKind, keys: tuple[str, ...], sets: int) -> Head:
    return Head(
        kind=kind,
        keys=keys,
        sets=sets,
        days=DATES,
        from_="2026-01-01 00:00:00.000Z",
        to="2026-01-03 23:59:59.999Z",
        engine="local",
        code="0.1.0 c0ffee",
        lake="d1ce",
        seconds=12.5,
    )


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    """Of the schema's columns; those that are not given are 0."""
    rows = len(next(iter(columns.values())))
    given = {name: columns.get(name, np.zeros(rows, np.int64)) for name in schema.names}
    dates = {"date": pa.array(given["date"]).cast(pa.date32())} if "date" in given else {}
    return pa.table({**given, **dates}, schema)


def _days(settings: Sequence[tuple[Decimal, int]]) -> dict[str, Any]:
    """Results fall with latency and with the distance to a middle edge, and wobble by day."""
    rng = np.random.default_rng(1)
    edges = np.array([float(edge) for edge, _ in settings])
    entries = np.array([entry for _, entry in settings])
    mean = 6 - entries / 40 - 40 * np.abs(edges - 0.015) / 0.03
    shape = (len(DATES), len(settings))
    realised = np.rint((mean / 3 + rng.normal(0, 4, shape)) * 1e6).astype(np.int64)
    locked = np.rint(rng.uniform(0, 2, shape) * 1e6).astype(np.int64)
    bid = np.rint(rng.uniform(0, 1, shape) * 1e6).astype(np.int64)
    return {
        "set": np.tile(np.arange(len(settings)), len(DATES)),
        "date": np.repeat(DATES, len(settings)).tolist(),
        "rows": np.full(realised.size, 40_000),
        "displayed": rng.integers(20, 40, realised.size),
        "arrived": rng.integers(5, 20, realised.size),
        "plans": rng.integers(5, 20, realised.size),
        "realised_e6": realised.ravel(),
        "locked_profit_e6": locked.ravel(),
        "residue_bid_e6": bid.ravel(),
        "residue_cost_e6": 2 * bid.ravel(),
        "result_e6": (realised + locked - bid).ravel(),
    }


def _events(sets: int) -> dict[str, Any]:
    numbers = np.arange(sets * 8)
    return {
        "set": numbers // 8,
        "date": np.full(len(numbers), DATES[0]).tolist(),
        "event": numbers % 8 + 1,
        "displayed": numbers % 3 + 1,
        "arrived": numbers % 2,
        "displayed_e6": numbers * 1_000,
        "result_e6": (numbers % 8 - 3) * 1_000_000,
    }


def sweep_opportunities() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    count = 240
    lives_ms = np.exp(rng.uniform(np.log(20), np.log(1_000), count))
    begins_ns = FIRST_NS + rng.integers(0, 3 * NS_PER_DAY, count)
    profits_e6 = np.rint(rng.lognormal(0, 1, count) * 1e6).astype(np.int64)
    arrived = np.concatenate([lives_ms > latency for latency in LANES_MS])
    kinds = rng.choice([kind.value for kind in OpportunityKind], count)
    endings = rng.choice(
        ["trade", "cancel", "move", "unseen", "open"], count, p=[0.4, 0.3, 0.2, 0.05, 0.05]
    )
    columns = {
        "decision": np.arange(1, count + 1),
        "begin_ns": begins_ns,
        "displayed_ns": begins_ns,
        "end_ns": begins_ns + np.rint(lives_ms * 1e6).astype(np.int64),
        "kind": kinds,
        "market": rng.integers(1, 30, count),
        "event": rng.integers(1, 21, count),
        "category": np.full(count, "politics"),
        "displayed_size_e6": profits_e6 * 10,
        "displayed_e6": profits_e6,
        "displayed_outlay_e6": profits_e6 * 40,
        "printed": (rng.random(count) < 0.3).astype(np.int64),
        "reason": np.full(count, Reason.TAKEN.value),
        "taken_by": endings,
    }
    rows = {name: np.tile(column, len(LANES_MS)) for name, column in columns.items()}
    return {
        **rows,
        "set": np.repeat(np.arange(len(LANES_MS)), count),
        "arrived": arrived.astype(np.int64),
        "arrived_e6": rows["displayed_e6"] * arrived,
    }


def capture_summary(rows: dict[str, Any]) -> dict[str, Any]:
    shares = [float(rows["arrived"][rows["set"] == lane].mean()) for lane in range(len(LANES_MS))]
    curve = [
        {
            "set": lane,
            "latency_ms": latency_ms,
            "displayed": 240,
            "arrived": round(240 * share),
            "unseen": 0,
            "events": 20,
            "count": _around(share, 0.06),
            "dollars": _around(share**1.2, 0.09),
        }
        for lane, (latency_ms, share) in enumerate(zip(LANES_MS, shares, strict=True))
        if lane > 0
    ]
    after_ms = [20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1_000.0]
    alive = [1.0, 0.82, 0.65, 0.47, 0.3, 0.12, 0.02]
    survival = [
        {
            "kind": kind,
            "n": n,
            "censored": 6,
            "after_ms": after_ms,
            "alive": [share**power for share in alive],
            "low": [max(share**power - 0.06, 0) for share in alive],
            "high": [min(share**power + 0.06, 1) for share in alive],
        }
        for kind, n, power in (("all", 240, 1.0), ("binary", 60, 1.4), ("no_basket", 70, 0.8))
    ]
    sentence = "At 100 ms 58 % of 240 displayed opportunities were still there."
    return {
        "verdict": {"word": "no edge", "sentence": sentence},
        "curve": curve,
        "survival": survival,
        "advice": {
            "sentence": "No change is supported by this data.",
            "statements": [
                {"rule": "", "figure": None, "text": "min_edge 0.008 earned less", "change": ""}
            ],
        },
    }


def _around(share: float, reach: float) -> dict[str, float]:
    return {"value": share, "low": max(share - reach, 0), "high": min(share + reach, 1)}


def sweep_summary(days: dict[str, Any]) -> dict[str, Any]:
    sets = len(MIN_EDGES) * len(ENTRIES_MS)
    totals = np.bincount(days["set"], days["result_e6"])
    best = np.argsort(-totals)[:10]
    per_day = days["result_e6"].reshape(len(DATES), sets)
    settings = [
        {"trading.min_edge": str(edge), "sim.entry_latency_ms": entry}
        for edge in MIN_EDGES
        for entry in ENTRIES_MS
    ]
    grid = totals.reshape(len(MIN_EDGES), len(ENTRIES_MS))
    return {
        "verdict": {
            "word": "no edge",
            "sentence": "No edge: the best of 30 sets earned no more than the best of 30 by luck.",
        },
        "best": [
            {
                "set": int(number),
                "settings": settings[number],
                "result_e6": int(totals[number]),
                "low_e6": int(totals[number] - 6e6),
                "high_e6": int(totals[number] + 6e6),
            }
            for number in best
        ],
        "sensitivity": [
            {
                "key": key,
                "share": share,
                "profile": [
                    {"value": str(value), "result_e6": float(result)}
                    for value, result in zip(values, grid.mean(axis=axis), strict=True)
                ],
            }
            for key, share, values, axis in (
                ("trading.min_edge", 0.22, MIN_EDGES, 1),
                ("sim.entry_latency_ms", 0.61, ENTRIES_MS, 0),
            )
        ],
        "walk_forward": {
            "days": [
                {"date": date, "set": int(best[0]), "result_e6": int(per_day[day, best[0]])}
                for day, date in enumerate(DATES)
                if day
            ],
            "total_e6": {"value": 1.2e6, "low": -7e6, "high": 8e6},
        },
        "correction": {
            "method": "reality check",
            "tried": sets,
            "p_value": 0.31,
            "threshold_e6": float(totals.max() + 3e6),
        },
    }
