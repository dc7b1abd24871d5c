"""What was planted is captured or missed exactly as its life and our latency say."""

from pathlib import Path

import pytest

from benchmarks.capture import (
    LATENCIES_MS,
    POLICIES,
    POLICY_LATENCY_MS,
    Point,
    curve,
    policies,
)
from benchmarks.planted_day import Day, Plan, sandbox_day
from hfptm.clock import NS_MAX
from hfptm.sandbox.planted import Kind
from replay.calibrate import calibrate

EDGES = {Kind.NO_BASKET, Kind.YES_BASKET, Kind.NESTED}


def lived(folder: Path, seed: int, minutes: int, every_s: int) -> tuple[Day, list[Point]]:
    day = sandbox_day(folder, Plan(seed, minutes, every_s), folder / "data")
    return day, curve(day)


def check(day: Day, points: list[Point], at_least: int) -> None:
    assert {planted.kind for planted in day.truth.planted} == EDGES
    assert [point.latency_ms for point in points] == [*LATENCIES_MS]
    for point in points:
        assert point.planted >= at_least
        assert point.agrees, point
        assert len(point.wrong) - point.lost_to_ourselves <= point.planted // 100
    assert len(points[0].wrong) == points[0].lost_to_ourselves
    shares = [point.captured.value for point in points]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[1] > shares[-1] > 0


def check_policies(by_latency: Point, points: list[Point]) -> None:
    """Who sends all legs at once gets them as arithmetic says; who waits for one gets fewer."""
    found = dict(zip(POLICIES, points, strict=True))
    at_once = found["fak", "at_once"]
    assert at_once == by_latency
    results = {policy: point.result_usd for policy, point in found.items()}
    assert results["fak", "at_once"] > results["fak", "thinnest_first"]
    for order_type in ("fak", "fok", "gtc"):
        assert found[order_type, "at_once"].agrees
        assert results[order_type, "at_once"] > 0
    resting = found["resting", "at_once"]
    assert (resting.account["fills"], resting.result_usd) == (0, 0), "nobody came within 200 ms"


def test_minutes_of_a_sandbox(tmp_path: Path) -> None:
    day, points = lived(tmp_path, seed=7, minutes=2, every_s=15)
    check(day, points, at_least=30)
    assert points[0].wrong == []
    check_policies(points[LATENCIES_MS.index(POLICY_LATENCY_MS)], policies(day))


@pytest.mark.soak
def test_a_whole_day_of_a_sandbox(tmp_path: Path) -> None:
    day, points = lived(tmp_path, seed=8, minutes=24 * 60, every_s=180)
    check(day, points, at_least=1_500)
    fills = calibrate(day.data, (0, NS_MAX), 0, lambda *_: None).fills
    assert fills.orders > 1_000
    assert (fills.whole, fills.turned, fills.extra_e4.value) == (fills.orders, 0, 0)
