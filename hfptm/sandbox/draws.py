"""Seeded integers, drawn in blocks: a call of the generator costs more than the number it gives."""

from collections.abc import Sequence

import numpy as np

_BLOCK = 8_192
_BITS = 32


class Draws:
    """One stream of draws; the same seed gives the same ones on every machine."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._block: list[int] = []

    def below(self, high: int) -> int:
        """A uniform integer in [0, high), for `high` far below 2**32."""
        if not self._block:
            block = self._rng.integers(0, 1 << _BITS, size=_BLOCK, dtype=np.uint32)
            self._block = block.tolist()
        return self._block.pop() * high >> _BITS

    def between(self, low: int, high: int) -> int:
        """A uniform integer in [low, high)."""
        return low + self.below(high - low)

    def quantile(self, quantiles: Sequence[int]) -> int:
        """From the distribution that has these quantiles at equal distances, linear in between."""
        place = self.below((len(quantiles) - 1) << 12)
        index, part = place >> 12, place & 4_095
        low, high = quantiles[index], quantiles[index + 1]
        return low + ((high - low) * part >> 12)
