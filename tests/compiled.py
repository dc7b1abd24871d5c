"""Kernel functions that tests call alone, compiled or not, with the state they are about."""

from typing import Any

from hfptm.kernel import inventory, order_gate, orders
from hfptm.kernel.jit import entry
from hfptm.kernel.state import State, open_state


def draft(state: State, lane: int, order: int, kind: int, slot: int, size_e6: int) -> Any:
    _draft(state.table, lane, order, kind, slot, size_e6)
    return state.intents[int(state.outbox[0]["intents"])]


def send(state: State) -> int:
    """Of the drafted intent, as `may_send`."""
    return int(_send(state.table))


def may_send(state: State) -> int:
    return int(_may_send(state.table))


def drift_e6(state: State, lane: int, group: int, subject: int) -> int:
    return int(_drift_e6(state.table, lane, group, subject))


def note_held(state: State, lane: int, slot: int) -> None:
    _note_held(state.table, lane, slot)


@entry
def _draft(table: Any, lane: int, order: int, kind: int, slot: int, size_e6: int) -> None:
    orders.draft(open_state(table), lane, order, kind, slot, size_e6)


@entry
def _send(table: Any) -> int:
    state = open_state(table)
    return order_gate.send(state, state.intents[state.outbox[0].intents])


@entry
def _may_send(table: Any) -> int:
    state = open_state(table)
    return order_gate.may_send(state, state.intents[state.outbox[0].intents])


@entry
def _drift_e6(table: Any, lane: int, group: int, subject: int) -> int:
    return inventory.drift_e6(open_state(table), lane, group, subject)


@entry
def _note_held(table: Any, lane: int, slot: int) -> None:
    inventory.note_held(open_state(table), lane, slot)
