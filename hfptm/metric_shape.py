"""What a metric is: its name, its meaning, and where in a bulletin it stands."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from hfptm.bulletin import Bulletin
from hfptm.units import NS_PER_S, ONE_E6

Kind = Literal["gauge", "counter"]
Sample = tuple[tuple[str, ...], float]
"""Values of the labels, and the number."""


class Shape(NamedTuple):
    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    read: Callable[[Bulletin], Iterable[Sample]]
    """Nothing where it does not apply."""


def scaled(name: str, value: float) -> float:
    """In base units, by the last part of a field's name."""
    if name.endswith("_ns"):
        return value / NS_PER_S
    return value / ONE_E6 if name.endswith("_e6") else value


def fields(
    prefix: str,
    table: Mapping[str, tuple[str, str]],
    of: Callable[[Bulletin], msgspec.Struct | None],
) -> Iterator[Shape]:
    for field, (name, help_) in table.items():

        def read(told: Bulletin, field: str = field) -> Iterator[Sample]:
            if (status := of(told)) is not None:
                yield (), scaled(field, getattr(status, field))

        yield shape(f"{prefix}{name}", help_, (), read)


def shape(
    name: str,
    help_: str,
    labels: tuple[str, ...],
    read: Callable[[Bulletin], Iterable[Sample]],
) -> Shape:
    return Shape(name, "counter" if name.endswith("_total") else "gauge", help_, labels, read)
