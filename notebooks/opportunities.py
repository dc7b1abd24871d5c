"""Which opportunities a figure is about, and how they are grouped."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import duckdb

from hfptm.errors import LakeError
from hfptm.opportunities import OpportunityKind

Grouping = Literal["kind", "hour", "size", "event"]

EVENTS_SHOWN = 12

KINDS = {
    OpportunityKind.BINARY: "binary",
    OpportunityKind.NO_BASKET: "NO basket",
    OpportunityKind.YES_BASKET: "YES basket",
    OpportunityKind.NESTED: "nested",
}
SIZES = ("below 1", "1 to 10", "10 to 100", "100 to 1,000", "from 1,000")
"""Outlays in dollars."""

_EXPRESSIONS = {
    "kind": "kind",
    "hour": "displayed_ns // 3_600_000_000_000 % 24",
    "size": "len(list_filter([1, 10, 100, 1000], lambda usd: displayed_outlay_e6 >= usd * 1e6))",
    "event": "event",
}


class Chosen(NamedTuple):
    name: str
    """As in "run 20261122T145659-123456789"."""
    view: str
    where: str
    values: tuple[object, ...]
    """Of the marks in `where`."""


class Group(NamedTuple):
    """Opportunities that were displayed, by what they have in common."""

    name: str
    displayed: int
    arrived: int
    printed: int
    unseen: int
    displayed_e6: int
    arrived_e6: int


def of_run(run_id: str) -> Chosen:
    where = "run_id = ? AND displayed AND artefact = 0 AND NOT confirmed"
    return Chosen(f"run {run_id}", "opportunities", where, (run_id,))


def of_set(sweep_id: str, number: int) -> Chosen:
    where = 'sweep_id = ? AND "set" = ?'
    return Chosen(f"set {number} of {sweep_id}", "sweep_opportunities", where, (sweep_id, number))


def groups(connection: duckdb.DuckDBPyConnection, chosen: Chosen, by: Grouping) -> list[Group]:
    """In order of kind, hour or size; events by their displayed profit.

    Raises LakeError if nothing was displayed.
    """
    rows = connection.execute(
        f"""
        SELECT {_EXPRESSIONS[by]} AS name, count(*), sum(arrived::INT), sum(printed::INT),
               sum(unseen::INT), sum(displayed_e6), coalesce(sum(arrived_e6), 0)
        FROM {chosen.view} WHERE {chosen.where} GROUP BY name ORDER BY name
        """,
        list(chosen.values),
    ).fetchall()
    if not rows:
        raise LakeError(f"{chosen.name} displayed nothing, so there is nothing to draw")
    found = [Group(_name(by, row[0]), *map(int, row[1:])) for row in rows]
    return _named(connection, found) if by == "event" else found


def _name(by: Grouping, value: Any) -> str:
    if by == "kind":
        return KINDS[OpportunityKind(int(value))]
    if by == "size":
        return SIZES[int(value)]
    return f"{int(value):02d}" if by == "hour" else str(value)


def _named(connection: duckdb.DuckDBPyConnection, found: Sequence[Group]) -> list[Group]:
    """By their slugs, those of the largest displayed profit first."""
    slugs = _slugs(connection)
    named = [group._replace(name=slugs.get(group.name, group.name)) for group in found]
    return sorted(named, key=lambda group: (-group.displayed_e6, group.name))


def _slugs(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Of events by their id, and of markets that belong to none."""
    rows = connection.execute("SELECT DISTINCT event, event_slug FROM markets").fetchall()
    return {str(number): slug for number, slug in rows if slug}
