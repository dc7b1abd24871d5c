"""The items that wait in a market, by their arrival, the older one first of equals.

They are a pairing heap (Fredman et al., "The pairing heap", 1986) whose links lie in the items: an
item's children arrive after it, and hang together by `next` and `before`. `Sim.head` is its root.
"""

from hfptm.kernel.jit import cold
from hfptm.sim.state import NOBODY, Sim


@cold
def meld(sim: Sim, one: int, other: int) -> int:
    """The root of two heaps made one."""
    if one == NOBODY:
        return other
    if other == NOBODY:
        return one
    item, child = sim.items[one], sim.items[other]
    is_later = child.arrival_ns < item.arrival_ns
    if child.arrival_ns == item.arrival_ns:
        is_later = child.sequence < item.sequence
    if is_later:
        one, other = other, one
        item, child = child, item
    child.next = item.child
    if child.next != NOBODY:
        sim.items[child.next].before = other
    child.before = one
    item.child = other
    return one


@cold
def meld_all(sim: Sim, first: int) -> int:
    """The root of siblings: in pairs from the first on, then all from the last pair on."""
    pairs = NOBODY
    while first != NOBODY:
        one = first
        other = int(sim.items[one].next)
        first = NOBODY if other == NOBODY else int(sim.items[other].next)
        alone(sim, one)
        if other != NOBODY:
            alone(sim, other)
        one = meld(sim, one, other)
        sim.items[one].next = pairs
        pairs = one
    root = NOBODY
    while pairs != NOBODY:
        one = pairs
        pairs = int(sim.items[one].next)
        alone(sim, one)
        root = meld(sim, root, one)
    return root


@cold
def alone(sim: Sim, place: int) -> None:
    sim.items[place].next = sim.items[place].before = NOBODY


@cold
def cut(sim: Sim, place: int) -> None:
    """Take an item out of its market's heap."""
    item = sim.items[place]
    slot, before, after = int(item.market), int(item.before), int(item.next)
    below = meld_all(sim, int(item.child))
    item.child = NOBODY
    if before == NOBODY:
        sim.head[slot] = below
        return
    if sim.items[before].child == place:
        sim.items[before].child = after
    else:
        sim.items[before].next = after
    if after != NOBODY:
        sim.items[after].before = before
    alone(sim, place)
    sim.head[slot] = meld(sim, int(sim.head[slot]), below)


@cold
def next_of(sim: Sim, place: int) -> int:
    """The item of a market's heap to visit after this one; NOBODY after the last."""
    if sim.items[place].child != NOBODY:
        return int(sim.items[place].child)
    while place != NOBODY and sim.items[place].next == NOBODY:
        before = int(sim.items[place].before)
        while before != NOBODY and sim.items[before].child != place:
            place, before = before, int(sim.items[before].before)
        place = before
    return NOBODY if place == NOBODY else int(sim.items[place].next)
