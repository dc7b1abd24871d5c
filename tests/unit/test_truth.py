"""What counts as found as planted, and what does not."""

import pytest

from hfptm.sandbox.planted import Expected, Kind, Planted
from replay.truth import Sighting, is_as_planted

MS = 1_000_000


def planted(expected: Expected, kind: Kind = Kind.NO_BASKET, *, printed: bool = True) -> Planted:
    return Planted(
        kind=kind,
        expected=expected,
        slug="event",
        start_ts_venue_ns=0,
        end_ts_venue_ns=500 * MS,
        is_printed=printed,
    )


def seen(**changes: object) -> Sighting:
    """Displayed, taken, there at arrival, printed and filled, unless changed."""
    fields: dict[str, object] = {
        "kind": "no_basket",
        "slug": "event",
        "begin_ns": 20 * MS,
        "artefact": "",
        "reason": "taken",
        "is_confirmed": False,
        "is_displayed": True,
        "displayed_usd": 5.0,
        "is_arrived": True,
        "is_printed": True,
        "legs": 3,
        "legs_filled": 3,
    }
    return Sighting(**(fields | changes))  # type: ignore[arg-type]


CAUGHT = seen()
MISSED = seen(is_arrived=False, legs_filled=1)
SMALL = seen(is_displayed=False, is_arrived=False, reason="edge_below_minimum", legs=0)
ARTEFACT = seen(artefact="half_batch", reason="artefact", is_displayed=False)
BORNE_OUT = seen(artefact="half_batch", is_confirmed=True, is_displayed=False)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (Expected.CATCHABLE, [CAUGHT]),
        (Expected.CATCHABLE, [BORNE_OUT, SMALL, CAUGHT]),
        (Expected.TOO_SHORT, [MISSED]),
        (Expected.BELOW_FEES, [SMALL]),
        (Expected.BELOW_MINIMUM, [SMALL, SMALL]),
        (Expected.ARTEFACT, [ARTEFACT]),
        (Expected.NOT_EXCLUSIVE, []),
    ],
)
def test_what_was_planted(expected: Expected, found: list[Sighting]) -> None:
    assert is_as_planted(planted(expected), found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (Expected.CATCHABLE, []),
        (Expected.CATCHABLE, [ARTEFACT]),
        (Expected.CATCHABLE, [SMALL]),
        (Expected.CATCHABLE, [MISSED]),
        (Expected.CATCHABLE, [CAUGHT, CAUGHT]),
        (Expected.CATCHABLE, [seen(reason="no_cash", legs=0, legs_filled=0)]),
        (Expected.CATCHABLE, [seen(legs_filled=2)]),
        (Expected.CATCHABLE, [seen(is_printed=False)]),
        (Expected.TOO_SHORT, [CAUGHT]),
        (Expected.TOO_SHORT, [seen(is_arrived=False)]),
        (Expected.TOO_SHORT, [SMALL]),
        (Expected.BELOW_FEES, []),
        (Expected.BELOW_FEES, [CAUGHT]),
        (Expected.BELOW_MINIMUM, [SMALL, MISSED]),
        (Expected.ARTEFACT, []),
        (Expected.ARTEFACT, [ARTEFACT, SMALL]),
        (Expected.NOT_EXCLUSIVE, [SMALL]),
    ],
)
def test_what_was_not(expected: Expected, found: list[Sighting]) -> None:
    assert not is_as_planted(planted(expected), found)


def test_a_print_is_asked_for_only_where_one_was_planted() -> None:
    assert is_as_planted(planted(Expected.CATCHABLE, printed=False), [seen(is_printed=False)])
