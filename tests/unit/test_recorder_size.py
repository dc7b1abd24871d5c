"""What a frame takes on disk, on the benchmark's made frames."""

from pathlib import Path

from benchmarks.storage import READ_FRAMES, make_frames, measure, rows, sealed


def test_a_sealed_frame_of_604_bytes_takes_at_most_85(tmp_path: Path) -> None:
    frames = make_frames(65_536)
    assert round(sum(map(len, frames)) / len(frames)) == 604
    _, raw_bytes = sealed(tmp_path, rows(frames, len(frames), READ_FRAMES))
    assert raw_bytes <= 82
    _, raw_bytes = sealed(tmp_path / "stamps", rows(frames, len(frames), 1))
    assert raw_bytes <= 85


def test_the_benchmark_measures() -> None:
    figures = {figure.name: figure.value for figure in measure(2_000)}
    assert set(figures) == {
        *("frames_per_s", "append_us", "log_us", "log_bytes"),
        *("seal_us", "raw_bytes", "raw_bytes_stamps"),
    }
    assert all(value >= 0 for value in figures.values())
