"""What an error says, and what it carries for who handles it."""

from pathlib import Path

from hfptm.errors import DamagedInputError


def test_damage_tells_place_and_problem_apart() -> None:
    error = DamagedInputError(Path("frames.jsonl.gz"), "line 7", "no field payload")
    assert (error.place, error.problem) == ("line 7", "no field payload")
    assert str(error) == (
        "frames.jsonl.gz: damaged at line 7: no field payload; everything before it was imported"
    )
    assert error.exit_code == 3
