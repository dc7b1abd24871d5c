"""Minutes of a planted sandbox: the same wire file however its time is told, and a whole truth."""

from pathlib import Path

from hfptm.sandbox.planted import Kind, Planted
from hfptm.sandbox.session import Session, Settings
from hfptm.sandbox.truth_file import read_truth
from hfptm.sandbox.universe import START_MS
from hfptm.sandbox.wire_file import read_wire
from hfptm.units import NS_PER_MS, NS_PER_S

START_NS = START_MS * NS_PER_MS
SPAN_NS = 120 * NS_PER_S

PLANT = """
[[plant]]
kind = "NO_BASKET"
event = "rate-decision-december"
start_s = 1.5
life_ms = 700
edge_usd = 0.09
shares = 120
printed = true

[random]
kinds = ["BINARY", "NO_BASKET", "YES_BASKET", "NESTED", "HALF_BATCH", "LOST_DELTA"]
per_minute = 60
life_ms = [30, 2000]
edge_usd = [0.02, 0.09]
shares = [50, 300]
printed = true
"""


def lived(folder: Path, step_ms: int) -> tuple[bytes, bytes]:
    """Wire and truth of two minutes."""
    folder.mkdir()
    plant, wire = folder / "plant.toml", folder / "wire.jsonl"
    plant.write_text(PLANT)
    settings = Settings(seed=7, markets=40, rate=80, speed=10, plant=plant, wire=wire)
    session = Session(settings, START_NS)
    session.open_files()
    for ts_ns in range(START_NS, START_NS + SPAN_NS + 1, step_ms * NS_PER_MS):
        session.sandbox.advance(ts_ns, 0)
    session.close()
    assert settings.truth
    return wire.read_bytes(), settings.truth.read_bytes()


def test_the_same_seed_writes_the_same_wire_file_and_truth(tmp_path: Path) -> None:
    coarse = lived(tmp_path / "coarse", step_ms=10_000)
    fine = lived(tmp_path / "fine", step_ms=16)
    assert fine == coarse
    frames = list(read_wire(tmp_path / "fine" / "wire.jsonl"))
    assert len(frames) > 8_000
    header, told = read_truth(tmp_path / "fine" / "plant.toml.truth.jsonl")
    planted = [what for what in told if isinstance(what, Planted)]
    assert (header.seed, header.start_ts_venue_ns) == (7, START_NS)
    assert {what.kind for what in planted} == set(Kind)
    first = next(what for what in planted if what.slug == "rate-decision-december")
    assert (first.kind, first.gross_e4, first.is_printed) == (Kind.NO_BASKET, 900, True)
