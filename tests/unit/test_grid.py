"""GRID.toml gives the sets it says, numbered; whatever it cannot mean is one clear error."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from hfptm.config import SECTIONS, Config, limits, load, with_settings
from hfptm.errors import ConfigError
from hfptm.limits import Limits
from replay.choices import Choices, Span
from replay.grid import EFFECTIVE, WITHOUT_EFFECT, Grid, read_grid, read_space, setting_type

LATENCY, EDGE = "sim.entry_latency_ms", "trading.min_edge"


def base() -> Config:
    return load(None, [], {})


def read(folder: Path, text: str) -> Grid:
    path = folder / "GRID.toml"
    path.write_text(text)
    return read_grid(path, base())


def test_a_grid_is_every_combination_the_last_key_fastest(tmp_path: Path) -> None:
    found = read(tmp_path, f'[grid]\n"{LATENCY}" = [0, 50]\n"{EDGE}" = [0.01, 0.025, 0]\n')
    assert (found.kind, found.keys) == ("grid", (LATENCY, EDGE))
    assert [(row[LATENCY], str(row[EDGE])) for row in found.values] == [
        *((0, "0.01"), (0, "0.025"), (0, "0")),
        *((50, "0.01"), (50, "0.025"), (50, "0")),
    ]
    assert limits(found.configs[4]).entry_latency_ns == 50_000_000
    assert limits(found.configs[4]).min_edge_e4 == 250
    assert found.configs[4].sim.quiet_grace_ms == base().sim.quiet_grace_ms


def test_quotes_around_keys_may_be_left_out(tmp_path: Path) -> None:
    quoted = read(tmp_path, f'[grid]\n"{LATENCY}" = [0, 50]\n')
    assert read(tmp_path, f"[grid]\n{LATENCY} = [0, 50]\n") == quoted


def test_a_list_fills_in_what_a_set_does_not_name(tmp_path: Path) -> None:
    text = f'[[sets]]\n"{LATENCY}" = 10\n[[sets]]\n"{EDGE}" = 0.05\n[[sets]]\n'
    found = read(tmp_path, text)
    assert found.kind == "list"
    assert [tuple(row.values()) for row in found.values] == [
        (10, base().trading.min_edge),
        (base().sim.entry_latency_ms, Decimal("0.05")),
        (base().sim.entry_latency_ms, base().trading.min_edge),
    ]
    assert limits(found.configs[2]) == limits(base())


RANDOM = f"""
[random]
count = 40
seed = 3
"trading.order_type" = ["fak", "fok"]
"{LATENCY}" = {{ low = 0, high = 300, step = 10 }}
"{EDGE}" = {{ low = 0.001, high = 0.1, log = true }}
"""


def test_random_sets_are_within_bounds_different_and_always_the_same(tmp_path: Path) -> None:
    found = read(tmp_path, RANDOM)
    assert len(found.values) == len({tuple(row.values()) for row in found.values}) == 40
    assert {row["trading.order_type"] for row in found.values} == {"fak", "fok"}
    assert all(row[LATENCY] in range(0, 301, 10) for row in found.values)
    edges = [row[EDGE] for row in found.values]
    assert all(isinstance(edge, Decimal) for edge in edges)
    assert all(Decimal("0.001") <= Decimal(str(edge)) <= Decimal("0.1") for edge in edges)
    middle = sum(Decimal(str(edge)) < Decimal("0.01") for edge in edges)
    assert 10 <= middle <= 30, "half of them are below the middle of the logarithms"
    assert read(tmp_path, RANDOM) == found
    assert read(tmp_path, RANDOM.replace("seed = 3", "seed = 4")).values != found.values
    # These values on every machine.
    first = [tuple(map(str, row.values())) for row in found.values[:2]]
    assert first == [("fak", "70", "0.0400"), ("fok", "20", "0.0073")]


def test_a_space_is_what_random_names(tmp_path: Path) -> None:
    path = tmp_path / "GRID.toml"
    path.write_text(RANDOM)
    found = read_space(path)
    assert (found.draws, found.seed) == (40, 3)
    assert found.choices["trading.order_type"] == Choices(("fak", "fok"))
    assert found.choices[EDGE] == Span(Decimal("0.001"), Decimal("0.1"), Decimal)
    assert found.choices[EDGE].pick(0.0) == Decimal("0.001")
    assert found.choices[EDGE].pick(0.5) == Decimal("0.01")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[grid]\n", "names no key"),
        ("", "holds 0 of"),
        ("[grid]\n[random]\ncount = 1\n", "holds 2 of"),
        ("[griid]\n", "griid: is unknown; write one of [grid], [[sets]], [random]"),
        ("sets = 1\n", "write it as [[sets]]"),
        ("[grid]\nsim.entry_latencyms = [1]\n", "did you mean entry_latency_ms?"),
        ("[grid]\nsimm.seed = [1]\n", "GRID.toml:2: simm"),
        ('[grid]\n"latency" = [1]\n', "write it as section.key"),
        ("[grid]\nsim.seed = []\n", "GRID.toml:2: sim.seed: is no list of values"),
        ("[grid]\nsim.seed = 1\n", "is no list of values"),
        ("[grid]\n\nsim.seed = [1, 2, 1]\n", "GRID.toml:3: sim.seed: 1 is there twice"),
        ("[grid]\nsim.seed = [1.5]\n", "sim.seed: 1.5 is refused"),
        ("[grid]\ntrading.min_edge = [2]\n", "2 is refused; allowed: 0 or more, below 1"),
        ("[grid]\nrecorder.redundancy = [1]\n", "has no effect on a replay; sweep keys of"),
        ('[grid]\ntrading.mode = ["live"]\n', "has no effect on a replay"),
        ("[grid]\ntrading.max_arb_size_usd = [10, 5000]\n", "set 1: trading.max_arb_size_usd"),
        ("[[sets]]\nsim.seed = 1\n[[sets]]\nsim.seed = 1\n", "set 1 is set 0 once more"),
        ("[random]\nsim.seed = [1, 2]\n", "count: None is refused"),
        ("[random]\ncount = 3\nsim.seed = [1, 2]\n", "only 2 different sets"),
        ("[random]\ncount = 3\n", "names no key"),
        ("[random]\ncount = 30000\nsim.seed = [1]\n", "30,000 sets, more than 20,000"),
        ("[random]\ncount = 3\nsim.seed = {low = 1, high = 2}\n", "write {low, high, step}"),
        ("[random]\ncount = 3\nsim.seed = {low = 2, high = 1, step = 1}\n", "is not below high"),
        ("[random]\ncount = 3\nsim.seed = {low = 0, high = 2, log = true}\n", "no logarithm"),
        ("[random]\ncount = 3\nsim.seed = {low = 0, high = 2, step = 0}\n", "step 0 is refused"),
        (
            '[random]\ncount = 3\nfees.model = {low = "a", high = "b", step = 1}\n',
            "list its values",
        ),
        ("[grid]\nsim.seed = [", "is not TOML"),
    ],
)
def test_what_a_file_cannot_mean(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert wanted in str(caught.value)


def test_too_many_sets_are_counted_and_not_made(tmp_path: Path) -> None:
    values = ", ".join(map(str, range(200)))
    with pytest.raises(ConfigError, match=r"gives 40,000 sets, more than 20,000; draw some"):
        read(tmp_path, f"[grid]\nsim.seed = [{values}]\nsim.settlement_ms = [{values}]\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="check the path"):
        read_grid(tmp_path / "none.toml", base())


def _another(config: Config, key: str) -> Limits:
    """The limits if one key were another than it is."""
    section, name = key.split(".")
    value = getattr(getattr(config, section), name)
    kind = setting_type(key)
    others: list[object] = [kind("0.5"), kind(value) / 2] if kind is Decimal else []
    others += [value + 1, value // 2, 1_000] if kind is int else []
    others += ["merge", "fok", "thinnest_first", "none", "probabilistic", "", "a", "live", "E"]
    others += ["http://a", "ws://a", "s3://a"]
    for other in others:
        changed = with_settings(config, {key: other}, "test")
        try:
            msgspec.convert(
                other, SECTIONS[section].__annotations__[name], builtin_types=(Decimal,)
            )
            found = limits(changed)
        except (ConfigError, msgspec.ValidationError, AttributeError, TypeError, KeyError):
            continue
        if other != value:
            return found
    raise AssertionError(key)


def test_what_may_be_swept_is_what_a_replay_goes_by() -> None:
    config = load(None, ["sim.matching_delay_ms=10"], {})
    plain = msgspec.structs.replace(limits(config), block_rows=1)
    for section, kind in SECTIONS.items():
        for name in kind.__annotations__:
            key = f"{section}.{name}"
            if section == "quality" and name.endswith("weight"):
                continue  # four together, or they do not sum to 1
            if section in ("dashboard", "alerts", "log"):
                assert section not in EFFECTIVE  # nothing of them is in the limits
                continue
            found = msgspec.structs.replace(_another(config, key), block_rows=1)
            is_named = (section in EFFECTIVE or key in EFFECTIVE) and key not in WITHOUT_EFFECT
            assert (found != plain) == is_named, key
