"""What a sweep or a capture analysis concluded, read from its `summary.json` through the catalog.

Bands are not computed here: they are those that the analysis printed.
"""

from typing import TypeVar

import duckdb
import msgspec

from hfptm.errors import LakeError


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval; None where there is too little to say one."""

    value: float
    low: float | None = None
    high: float | None = None


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One latency of a capture analysis."""

    set: int
    latency_ms: float
    displayed: int
    arrived: int
    unseen: int
    events: int
    count: Estimate
    """Share of the opportunities."""
    dollars: Estimate
    """Share of their profit."""


class Survival(msgspec.Struct, frozen=True, kw_only=True):
    """Share of opportunities still displayed so long after they began (Kaplan-Meier)."""

    kind: str
    n: int
    censored: int
    after_ms: list[float]
    alive: list[float]
    low: list[float | None] | None
    """None: of too few events for a band."""
    high: list[float | None] | None


class BestSet(msgspec.Struct, frozen=True, kw_only=True):
    """A set, with the band of its own result."""

    set: int
    settings: dict[str, str | int | float]
    result_e6: int
    low_e6: float | None
    high_e6: float | None


class SettingResult(msgspec.Struct, frozen=True, kw_only=True):
    value: str | int | float
    result_e6: float
    """Mean over the sets with this value."""


class Sensitivity(msgspec.Struct, frozen=True, kw_only=True):
    """How much one swept key matters."""

    key: str
    share: float
    """Of the variance of the result among sets."""
    profile: list[SettingResult]


class WalkDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day judged by the set that was best on the days before."""

    date: str
    set: int
    result_e6: int


class WalkForward(msgspec.Struct, frozen=True, kw_only=True):
    days: list[WalkDay]
    total_e6: Estimate


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """For how many were tried."""

    method: str
    tried: int
    p_value: float | None
    threshold_e6: float | None
    """What the best of so many had to exceed."""


Part = TypeVar("Part")


def part(connection: duckdb.DuckDBPyConnection, sweep_id: str, name: str, kind: type[Part]) -> Part:
    """One part of a sweep's summary; raises LakeError if it has none such."""
    summary = summary_of(connection, sweep_id)
    if summary.get(name) is None:
        raise LakeError(f"sweep {sweep_id} says nothing of its {name.replace('_', ' ')}")
    try:
        return msgspec.convert(summary[name], kind, strict=False)
    except msgspec.ValidationError as error:
        raise LakeError(
            f"sweep {sweep_id}: its summary is of another version ({error}); sweep once more"
        ) from error


def summary_of(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> dict[str, object]:
    """Raises LakeError if there is no such sweep."""
    found = connection.execute(
        "SELECT summary FROM sweeps WHERE sweep_id = ?", [sweep_id]
    ).fetchone()
    if found is None:
        raise LakeError(f"no sweep {sweep_id}; `hfptm sweep` and `hfptm capture` make them")
    summary: dict[str, object] = msgspec.json.decode(found[0])
    return summary
