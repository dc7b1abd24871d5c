"""What `test_kernel` shows of one tape, on many."""

import pytest

from tests.kernels import tape
from tests.property.kernel_tape import LANES, Maker, digest, new_venue, run


@pytest.mark.fuzz_long
@pytest.mark.parametrize("seed", range(1_000, 1_040))
def test_accounts_balance_and_cuts_change_nothing(seed: int) -> None:
    venue = new_venue(*LANES)
    events = tape(Maker(seed).rows())
    for index in range(len(events)):
        assert venue.run(events, index, index + 1) == index + 1
        venue.collect()
        venue.check_accounts()
    whole = run(new_venue(*LANES), tape(Maker(seed).rows()), 1_000_000)
    assert digest(venue) == digest(whole)
