"""A run put together: the same settings give the same frames, and files get all of them."""

from pathlib import Path

import pytest

from hfptm.errors import InputError
from hfptm.sandbox.market_frames import Published
from hfptm.sandbox.session import Session, Settings
from hfptm.sandbox.truth_file import read_truth
from hfptm.sandbox.wire_file import read_wire
from hfptm.units import NS_PER_MS, NS_PER_S

START_NS = 1_795_183_200 * NS_PER_S
PLANT = """
[random]
kinds = ["LOST_DELTA", "HALF_BATCH", "NO_BASKET"]
per_minute = 600
life_ms = [100, 200]
edge_usd = [0.03, 0.05]
shares = [100, 200]
"""


def lived(
    settings: Settings, ms: int = 2_000, step_ms: int = 50
) -> tuple[Session, list[Published]]:
    """A session after two seconds, and the frames from then on that its subscribers got."""
    session = Session(settings, START_NS)
    frames: list[Published] = []
    session.feed.listeners.append(frames.extend)
    session.open_files()
    for end_ms in range(step_ms, 2_001, step_ms):
        session.sandbox.advance(START_NS + end_ms * NS_PER_MS, 0)
    session.close()
    return session, frames


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    path = tmp_path / "plant.toml"
    path.write_text(PLANT)
    return path


def test_the_same_settings_write_the_same_wire_file(tmp_path: Path, plant: Path) -> None:
    content = []
    for seed, step_ms in ((7, 50), (7, 1), (8, 50)):
        wire = tmp_path / "wire.jsonl"
        settings = Settings(seed=seed, rate=1_000, speed=20, plant=plant, wire=wire)
        lived(settings, step_ms=step_ms)
        content.append(wire.read_bytes())
    assert content[0] == content[1] != content[2]


def test_the_wire_file_has_every_frame_from_the_first_listing_on(
    tmp_path: Path, plant: Path
) -> None:
    wire = tmp_path / "wire.jsonl"
    session, sent = lived(Settings(plant=plant, wire=wire))
    frames = list(read_wire(wire))
    assert b'"event_type":"new_market"' in bytes(frames[0].frame).replace(b": ", b":")
    assert frames[0].ts_ns == START_NS
    assert START_NS + NS_PER_S < frames[-1].ts_ns <= START_NS + 2 * NS_PER_S
    early = len(frames) - len(sent)
    assert early > 100
    assert [bytes(frame.frame) for frame in frames[early:]] == [frame.payload for frame in sent]
    assert session.frames == len(frames)


def test_numbers_are_those_of_the_wire_file_though_frames_are_lost(plant: Path) -> None:
    session, sent = lived(Settings(plant=plant))
    assert session.settings.truth
    _, planted = read_truth(session.settings.truth)
    assert "LOST_DELTA" in {str(one.kind) for one in planted}
    assert [frame.number for frame in sent] == list(
        range(session.frames - len(sent) + 1, session.frames + 1)
    )


def test_nothing_is_written_for_a_file_that_is_refused(tmp_path: Path, plant: Path) -> None:
    plant.write_text("[[plant]]\n")
    with pytest.raises(InputError, match="plant"):
        Session(Settings(plant=plant, wire=tmp_path / "wire.jsonl"), START_NS)
    assert [path.name for path in tmp_path.iterdir()] == ["plant.toml"]


def test_without_files_nothing_is_kept() -> None:
    session, sent = lived(Settings(rate=2_000))
    assert len(sent) > 2_000
    assert session.settings.truth is session.settings.fault_log is None
