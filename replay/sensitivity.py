"""Which swept keys matter: how results differ between the values of one key."""

from collections.abc import Sequence
from statistics import median_low

import msgspec
import numpy as np
import numpy.typing as npt

Setting = int | float | str

VALUES_MAX = 12
"""Of a profile; more values are put into `BINS` of equally many sets."""
BINS = 8


class Point(msgspec.Struct, frozen=True):
    """value: of a bin its median."""

    value: Setting
    result_e6: float


class Influence(msgspec.Struct, frozen=True):
    """share: of the variance of all sets' results, how much the values of this key alone explain
    (correlation ratio; chance gives some to every key, about its values less one over the sets).
    profile: mean result of the sets with a value. around_best: results of the sets that differ
    from the best in this key alone."""

    key: str
    share: float
    profile: list[Point]
    around_best: list[Point]


def influences(
    settings: Sequence[dict[str, Setting]], totals_e6: npt.NDArray[np.int64], best: int
) -> list[Influence]:
    """Of every swept key, the most influential first."""
    found = [_influence(settings, key, totals_e6, best) for key in settings[0]]
    return sorted(found, key=lambda one: -one.share)


def _influence(
    settings: Sequence[dict[str, Setting]],
    key: str,
    totals_e6: npt.NDArray[np.int64],
    best: int,
) -> Influence:
    values = [one[key] for one in settings]
    places = _places(values)
    profile, between = [], 0.0
    mean_e6 = float(totals_e6.mean())
    for place in range(max(places) + 1):
        members = np.flatnonzero(np.array(places) == place)
        result_e6 = float(totals_e6[members].mean())
        between += len(members) * (result_e6 - mean_e6) ** 2
        middle = median_low(sorted(values[member] for member in members))
        profile.append(Point(middle, result_e6))
    whole = float(((totals_e6 - mean_e6) ** 2).sum())
    others = _without(settings[best], key)
    around = sorted(
        (one[key], float(total_e6))
        for one, total_e6 in zip(settings, totals_e6.tolist(), strict=True)
        if _without(one, key) == others
    )
    return Influence(
        key, between / whole if whole else 0.0, profile, [Point(*pair) for pair in around]
    )


def _places(values: Sequence[Setting]) -> list[int]:
    """Of each set the place of its value among the different ones, or of its bin."""
    different = sorted(set(values))
    if len(different) <= VALUES_MAX or isinstance(values[0], str):
        return [different.index(value) for value in values]
    ranks = np.searchsorted(np.sort(np.array(values)), np.array(values))
    places: list[int] = (ranks * BINS // len(values)).tolist()
    return places


def _without(one: dict[str, Setting], key: str) -> dict[str, Setting]:
    return {name: value for name, value in one.items() if name != key}
