"""What one key of a random search may hold, as a value for every share of [0, 1).

Decimals throughout, whose powers are the same on every machine.
"""

from decimal import Decimal, localcontext
from typing import NamedTuple

DIGITS = {int: 0, Decimal: 4}
"""Decimals of a value that is drawn; every setting takes that many."""


class Choices(NamedTuple):
    """One of these, each as likely."""

    values: tuple[object, ...]

    def pick(self, share: float) -> object:
        return self.values[int(share * len(self.values))]


class Span(NamedTuple):
    """Between two values, above 0: each doubling as likely."""

    low: Decimal
    high: Decimal
    kind: type
    """int or Decimal."""

    def pick(self, share: float) -> object:
        with localcontext(prec=28):
            value = self.low * (self.high / self.low) ** Decimal(share)
            rounded = round(value, DIGITS[self.kind])
        return self.kind(min(max(rounded, self.low), self.high))
