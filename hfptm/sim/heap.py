"""Binary heaps of what is to come: by time, and of one time by the order of entering."""

import numpy as np

from hfptm.kernel.jit import Array, Record, cold

NODE = np.dtype(
    [
        ("at_ns", "i8"),
        ("sequence", "i8"),
        ("place", "i8"),  # of what is to come, in its own table
    ]
)


@cold
def goes_first(node: Record, other: Record) -> bool:
    if node.at_ns != other.at_ns:
        return bool(node.at_ns < other.at_ns)
    return bool(node.sequence < other.sequence)


@cold
def move(heap: Array, where: Array, index: int, to: int) -> None:
    heap[to].at_ns = heap[index].at_ns
    heap[to].sequence = heap[index].sequence
    heap[to].place = heap[index].place
    where[heap[to].place] = to


@cold
def push(heap: Array, where: Array, index: int, at_ns: int, sequence: int, place: int) -> None:
    """Enter a node at `index`, one behind the last, and let it rise. where: index by place."""
    while index > 0:
        parent = (index - 1) // 2
        before = heap[parent]
        if before.at_ns < at_ns or (before.at_ns == at_ns and before.sequence < sequence):
            break
        move(heap, where, parent, index)
        index = parent
    node = heap[index]
    node.at_ns, node.sequence, node.place = at_ns, sequence, place
    where[place] = index


@cold
def drop(heap: Array, where: Array, count: int, index: int) -> None:
    """Take out one of `count` nodes; the last takes its place, and sinks or rises."""
    last = heap[count - 1]
    at_ns, sequence, place = int(last.at_ns), int(last.sequence), int(last.place)
    if index == count - 1:
        return
    while True:
        child = 2 * index + 1
        if child >= count - 1:
            break
        if child + 1 < count - 1 and goes_first(heap[child + 1], heap[child]):
            child += 1
        if not goes_first(heap[child], last):
            break
        move(heap, where, child, index)
        index = child
    push(heap, where, index, at_ns, sequence, place)
