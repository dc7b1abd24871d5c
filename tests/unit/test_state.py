"""What the state is made of."""

import numpy as np
import pytest

from hfptm.kernel.state import digest_parts, nbytes, with_levels
from tests.kernels import Kernel, book, market


def test_spare_room_does_not_change_the_digest() -> None:
    kernel = Kernel()
    kernel.apply([market(0), *book(10, 0, {4_000: 9}, {6_000: 9})])
    larger = with_levels(kernel.state, 2 * len(kernel.state.levels))
    assert digest_parts(larger) == digest_parts(kernel.state)
    assert nbytes(larger) - nbytes(kernel.state) == kernel.state.levels.nbytes
    assert np.array_equal(larger.levels[: len(kernel.state.levels)], kernel.state.levels)


def test_a_fresh_state_of_5000_markets_stays_under_400_mebibytes() -> None:
    kernel = Kernel(markets=5_000, groups=1_000)
    dense = with_levels(kernel.state, 5_000 * 2 * 1_001)  # every market on a tick of 0.001
    assert nbytes(dense) < 400 * 2**20


def test_arrays_of_another_type_or_order_are_refused() -> None:
    state = Kernel().state
    wrong = {
        "reserved": state.reserved.astype(np.int32),
        "members": np.asfortranarray(state.members),
        "plans": state.plans[0],
    }
    for name, array in wrong.items():
        with pytest.raises(TypeError, match=name):
            state.replace(**{name: array})
    with pytest.raises(TypeError, match="unknown"):
        state.replace(other=state.reserved)
