"""Fees that the reference states (section 5)."""

import pytest

from hfptm.kernel.fees import taker_fee_e6

SHARE_E6 = 1_000_000


def test_the_published_example() -> None:
    """25 shares at 0.13 and rate 0.05 cost 0.14138."""
    assert taker_fee_e6(500, 1, 1_300, 25 * SHARE_E6) == 141_380


@pytest.mark.parametrize(
    ("rate_e4", "fee_e6"), [(700, 17_500), (500, 12_500), (400, 10_000), (0, 0)]
)
def test_one_share_at_a_half(rate_e4: int, fee_e6: int) -> None:
    """1.75, 1.25 and 1 cent for crypto, sports and finance; geopolitics pays none."""
    assert taker_fee_e6(rate_e4, 1, 5_000, SHARE_E6) == fee_e6
