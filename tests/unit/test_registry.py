from typing import Any

import numpy as np
import pytest

from hfptm.registry import finest_tick_e4, market_id, problem
from tests.tapes import make_market

CONDITION = "0xd23f0824128b2f330c5c7fd0a6a3a4506513270e269e0d37f2a74de452e6b438"


def test_the_id_is_the_first_63_bits_of_the_condition_id() -> None:
    assert market_id(CONDITION) == 0xD23F0824128B2F33 >> 1
    assert market_id(CONDITION.upper().replace("0X", "0x")) == market_id(CONDITION)


def test_a_condition_id_of_31_bytes_and_its_padded_form_are_one_market() -> None:
    assert market_id(CONDITION[:-2]) == market_id(CONDITION[:-2] + "00")


def test_other_keys_are_hashed_into_the_same_range() -> None:
    ids = {market_id(f"slug-{number}") for number in range(1_000)}
    assert len(ids) == 1_000
    assert all(0 < key < 2**63 for key in ids)


def test_a_possible_market_has_no_problem() -> None:
    assert problem(make_market()) is None
    assert problem(make_market(yes_token="", no_token="")) is None


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"market": 5}, "condition_id"),
        ({"tick_e4": 7}, "tick_e4"),
        ({"fee_rate_e4": 10_001}, "fee"),
        ({"fee_exponent": 0}, "fee"),
        ({"min_size_e6": -1}, "min_size_e6"),
        ({"no_token": "a-yes"}, "both tokens"),
        ({"game_delay_ms": -1}, "game delay"),
        ({"game_delay_ms": 3_600_001}, "game delay"),
        ({"game_start_ns": -1}, "game delay"),
    ],
)
def test_an_impossible_market_is_named(changes: dict[str, Any], part: str) -> None:
    assert part in str(problem(make_market(**changes)))


@pytest.mark.parametrize(
    ("prices_e4", "tick_e4"),
    [
        ([], 100),
        ([1_000, 5_000], 100),
        ([150, 9_900], 50),
        ([25, 9_975], 25),
        ([4_990, 5_000], 10),
        ([4_999], 1),
    ],
)
def test_the_tick_is_as_coarse_as_the_prices_allow(prices_e4: list[int], tick_e4: int) -> None:
    assert finest_tick_e4(np.array(prices_e4, np.int64)) == tick_e4
