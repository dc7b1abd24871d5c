from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from hfptm.errors import LakeError
from hfptm.sweep_files import (
    DAYS,
    EVENTS,
    OPPORTUNITIES,
    Head,
    Sweep,
    SweepWriter,
    about,
    sets_schema,
    sweep_ids,
)

HEAD = Head(
    kind="grid",
    keys=("sim.entry_latency_ms",),
    sets=2,
    days=("2026-04-29",),
    from_="2026-04-29 02:00:00.000Z",
    to="2026-04-29 03:00:00.000Z",
    engine="local",
    code="1.0 ab",
    lake="cd",
    seconds=1.5,
)


def some_sets() -> pa.Table:
    schema = sets_schema({"sim.entry_latency_ms": int, "trading.min_edge": Decimal})
    rows = [
        {"set": 0, "sim.entry_latency_ms": 0, "trading.min_edge": Decimal("0.025000")},
        {"set": 1, "sim.entry_latency_ms": 50, "trading.min_edge": Decimal("0.000100")},
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def test_a_sweep_comes_back_as_it_was(tmp_path: Path) -> None:
    with SweepWriter(tmp_path, "a") as writer:
        writer.text("config.toml", "[sim]\n")
        writer.table("sets", some_sets())
        writer.table("days", DAYS.empty_table())
        assert sweep_ids(tmp_path) == []
        writer.close(HEAD, {"verdict": "none"})
    sweep = Sweep(tmp_path, "a")
    assert sweep.head == HEAD
    assert sweep.summary == {"verdict": "none"}
    assert sweep.config_toml == "[sim]\n"
    assert sweep.table("sets").equals(some_sets())
    assert sweep.table("days").schema.equals(DAYS)
    assert sweep_ids(tmp_path) == ["a"]


def test_a_sweep_that_is_left_leaves_nothing(tmp_path: Path) -> None:
    with SweepWriter(tmp_path, "a") as writer:
        writer.table("sets", some_sets())
    assert list((tmp_path / "sweeps").iterdir()) == []


def test_what_a_killed_writer_left_goes_when_the_next_begins(tmp_path: Path) -> None:
    left = tmp_path / "sweeps" / "a.partial"
    with SweepWriter(tmp_path, "b") as under_way:
        left.mkdir()
        (left / "config.toml").write_text("")
        with SweepWriter(tmp_path, "c"):
            assert not left.exists()
            under_way.text("config.toml", "")  # whose writer lives stays
        assert under_way.close(HEAD, {}).exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    with SweepWriter(tmp_path, "a") as writer:
        writer.close(HEAD, {})
    with pytest.raises(LakeError, match="exists"):
        SweepWriter(tmp_path, "a")


def test_another_table_is_refused(tmp_path: Path) -> None:
    with SweepWriter(tmp_path, "a") as writer, pytest.raises(ValueError, match="not its schema"):
        writer.table("days", some_sets())


def test_a_sweep_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with SweepWriter(tmp_path, "a") as writer:
        writer.text("config.toml", "")
        writer.close(HEAD, {})
    with pytest.raises(LakeError, match=r"no sweep b .* the latest are: a"):
        Sweep(tmp_path, "b")


def test_every_column_says_what_it_holds() -> None:
    for schema in (DAYS, EVENTS, OPPORTUNITIES, some_sets().schema):
        assert all(about(field) for field in schema)
