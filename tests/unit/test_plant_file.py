"""Plant files: what they say, and that what makes no sense is named with what to do."""

from pathlib import Path

import pytest

from hfptm.errors import ConfigError, InputError
from hfptm.sandbox.plant_file import Plant, RandomPlants, read_plant_file
from hfptm.sandbox.planted import Kind

BASKET = """
[[plant]]
kind = "YES_BASKET"
event = "rate-decision-december"
start_s = 12.5
life_ms = 800
edge_usd = 0.05
shares = 150.25
printed = true
"""
BINARY = """
[[plant]]
kind = "BINARY"
market = "any"
start_s = 3
edge_usd = 0.08
shares = 20
"""
LOST = """
[[plant]]
kind = "LOST_DELTA"
market = "btc"
start_s = 0
life_ms = 3000
"""
RANDOM = """
[random]
kinds = ["NESTED", "HALF_BATCH"]
per_minute = 6
life_ms = [200, 3000]
edge_usd = [0.02, 0.10]
shares = [50, 300]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "plant.toml"
    path.write_text(text)
    return path


def test_values_become_integers(tmp_path: Path) -> None:
    file = read_plant_file(written(tmp_path, BASKET + BINARY + LOST + RANDOM))
    assert file.plants == [
        Plant(
            kind=Kind.YES_BASKET,
            slug="rate-decision-december",
            start_ns=12_500_000_000,
            life_ns=800_000_000,
            edge_e4=500,
            size_e6=150_250_000,
            is_printed=True,
        ),
        Plant(
            kind=Kind.BINARY,
            slug="any",
            start_ns=3_000_000_000,
            edge_e4=800,
            size_e6=20_000_000,
            is_printed=True,
        ),
        Plant(kind=Kind.LOST_DELTA, slug="btc", start_ns=0, life_ns=3_000_000_000),
    ]
    assert file.random == RandomPlants(
        kinds=(Kind.NESTED, Kind.HALF_BATCH),
        per_minute=6,
        life_ms=(200, 3_000),
        edge_e4=(200, 1_000),
        size_e6=(50_000_000, 300_000_000),
        is_printed=False,
    )


@pytest.mark.parametrize(
    ("text", "old", "new", "problem"),
    [
        (BASKET, "0.05", "0.00005", "edge_usd: 0.00005 is no number from 0.0001 to 0.5"),
        (BASKET, "0.05", "0.6", "edge_usd: 0.6 is no number"),
        (BASKET, "0.05", "nan", "edge_usd: NaN is no number"),
        (BASKET, "0.05", "1e999999999", "edge_usd: "),
        (BASKET, "150.25", "150.255", "shares: 150.255 is no number from 0.01 to 1000000"),
        (BASKET, "150.25", "0", "shares: 0 is no number"),
        (BASKET, "12.5", "-1", "start_s: -1 is no number from 0"),
        (BASKET, "800", "0", "life_ms: 0 is no number from 1 to 3600000"),
        (BASKET, "800", "0.5", "life_ms: 0.5 is no number"),
        (BASKET, "life_ms = 800", "", "life_ms: missing; a YES_BASKET needs it"),
        (BASKET, "edge_usd = 0.05", "", "edge_usd: missing"),
        (BASKET, "event", "market", "market: a YES_BASKET is of one event; give that instead"),
        (BASKET, 'event = "rate-decision-december"', "", "event: missing; give the slug"),
        (BINARY, "market", "event", "event: a BINARY is of one market"),
        (BINARY, "start_s", "life_ms = 5\nstart_s", "life_ms: a BINARY has no use for it"),
        (BINARY, "start_s", "printed = true\nstart_s", "printed: a BINARY does not choose"),
        (BINARY, "start_s", 'ends = "move"\nstart_s', "ends: a BINARY does not choose"),
        (LOST, "start_s", "shares = 5\nstart_s", "shares: a LOST_DELTA has no use for it"),
        (LOST, "start_s", "printed = false\nstart_s", "printed: a LOST_DELTA does not choose"),
        (RANDOM, "[200, 3000]", "[3000, 200]", "life_ms: the least comes first"),
        (RANDOM, "[0.02, 0.10]", "[0.02, 0.105]", "edge_usd: 0.105 is no number from 0.01 to 0.5"),
        (RANDOM, "6", "0", "per_minute: 0 is no number from 1 to 600"),
        (RANDOM, '["NESTED", "HALF_BATCH"]', "[]", "kinds: expected one or more of BINARY"),
    ],
)
def test_a_value_that_cannot_be_is_named(
    tmp_path: Path, text: str, old: str, new: str, problem: str
) -> None:
    path = written(tmp_path, text.replace(old, new, 1))
    table = "random" if text is RANDOM else "[[plant]] 1"
    with pytest.raises(ConfigError) as raised:
        read_plant_file(path)
    assert str(raised.value).startswith(f"{path}: {table}: {problem}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "neither [[plant]] nor [random]"),
        ("[[plant]", "shows a plant file"),
        ("\xff", "shows a plant file"),
        (BASKET.replace("YES_BASKET", "yes"), "Invalid enum value 'yes' - at `$.plant[0].kind`"),
        (BASKET.replace("life_ms", "life"), "unknown field `life`"),
        (BASKET.replace("12.5", '"soon"'), "at `$.plant[0].start_s`"),
        (RANDOM.replace("shares = [50, 300]", ""), "missing required field `shares`"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "plant.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as raised:
        read_plant_file(path)
    assert problem in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory; docs/sandbox-planting"):
        read_plant_file(tmp_path / "none.toml")


def test_two_plants_in_one_place_must_not_overlap(tmp_path: Path) -> None:
    for start_s, is_apart in (("13.3", False), ("11.8", False), ("13.301", True), ("11.699", True)):
        path = written(tmp_path, BASKET + BASKET.replace("12.5", start_s))
        if is_apart:
            assert len(read_plant_file(path).plants) == 2
        else:
            with pytest.raises(ConfigError, match=r"still lasts in rate-decision-december"):
                read_plant_file(path)
    anywhere = BASKET.replace("rate-decision-december", "any")
    assert len(read_plant_file(written(tmp_path, anywhere * 2)).plants) == 2
