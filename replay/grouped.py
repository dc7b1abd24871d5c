"""Sums by key over columns of numbers, without a step of Python for every row."""

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.int64]


class Sums:
    """Adds up columns of int64 by the values of key columns, all of one length each time.

    What is held is at most twice the number of different keys, or `HELD_ROWS`.
    """

    HELD_ROWS = 1 << 18

    def __init__(self, keys: int, values: int) -> None:
        self._keys, self._width = keys, keys + values
        self._held = [np.zeros((self._width, 0), np.int64)]
        self._held_rows = 0
        self._limit_rows = self.HELD_ROWS

    def add(self, *columns: npt.ArrayLike) -> None:
        """The key columns, then those to add up."""
        rows = np.array(np.broadcast_arrays(*columns), np.int64)
        self._held.append(rows)
        self._held_rows += rows.shape[1]
        if self._held_rows > self._limit_rows:
            self._limit_rows = max(self.HELD_ROWS, 2 * self.total().shape[1])

    def total(self) -> npt.NDArray[np.int64]:
        """(keys + values, n): each key once, sorted by the first key, then the next."""
        rows = np.concatenate(self._held, axis=1)
        if rows.shape[1]:
            rows = rows[:, np.lexsort(rows[: self._keys][::-1])]
            differs = (rows[: self._keys, 1:] != rows[: self._keys, :-1]).any(axis=0)
            starts = np.concatenate([[0], np.flatnonzero(differs) + 1])
            summed = np.add.reduceat(rows[self._keys :], starts, axis=1)
            rows = np.concatenate([rows[: self._keys, starts], summed])
        self._held, self._held_rows = [rows], rows.shape[1]
        return rows
