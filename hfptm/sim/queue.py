"""What is on its way: items waiting for their market to pass their arrival, and their reports."""

from hfptm.kernel.jit import Record, cold
from hfptm.records import LANE_SHIFT, EventKind
from hfptm.sim.arrivals import cut, meld
from hfptm.sim.heap import drop, push
from hfptm.sim.state import NOBODY, Sim, Waiting
from hfptm.units import FAR_NS

OF_NO = 1 << 15
"""Beside the flags of a settlement that waits: its shares are of the NO token. For the accounts;
the kernel never sees it."""


@cold
def new_item(sim: Sim, slot: int, lane: int, arrival_ns: int) -> Record:
    """Take a free item and let it wait in its market; the caller says what for.

    `run.has_room` made sure that there is one.
    """
    clock = sim.clock[0]
    place = int(clock.free_item)
    if place == NOBODY:
        place = int(clock.items_used)
        clock.items_used += 1
    else:
        clock.free_item = sim.items[place].next
    clock.sequence += 1
    item = sim.items[place]
    item.market = slot
    item.lane = lane
    item.sequence = clock.sequence
    clock.items += 1
    wait(sim, place, arrival_ns)
    sim.watch_ns[slot] = min(int(sim.watch_ns[slot]), arrival_ns)
    return item


@cold
def wait(sim: Sim, place: int, arrival_ns: int) -> None:
    """Enter an item where it is looked for: in its market by arrival, among all by its deadline."""
    item, clock = sim.items[place], sim.clock[0]
    item.arrival_ns = arrival_ns
    item.child = item.next = item.before = NOBODY
    sim.head[item.market] = meld(sim, int(sim.head[item.market]), place)
    ends_ns = arrival_ns + int(sim.windows[item.lane].grace_ns)
    push(sim.due, sim.due_places, int(clock.waiting), ends_ns, int(item.sequence), place)
    clock.waiting += 1


@cold
def leave(sim: Sim, place: int) -> None:
    """Take an item that waits out of both."""
    cut(sim, place)
    drop(sim.due, sim.due_places, int(sim.clock[0].waiting), int(sim.due_places[place]))
    sim.clock[0].waiting -= 1


@cold
def earliest(sim: Sim, slot: int) -> int:
    """Place of the market's item that arrives first, the older one of equals; NOBODY if none."""
    return int(sim.head[slot])


@cold
def set_watch(sim: Sim, slot: int) -> None:
    """The earliest arrival in a market; -1, which is before every row, while an order rests in it
    or a lane's shares are missing there; FAR_NS if nothing is there. So a row of a market without
    anything pays one comparison."""
    first = earliest(sim, slot)
    sim.watch_ns[slot] = FAR_NS if first == NOBODY else sim.items[first].arrival_ns
    if sim.rest_head[slot] != NOBODY or sim.levels_taken[slot] > 0:
        sim.watch_ns[slot] = -1


@cold
def unlink(sim: Sim, place: int) -> None:
    """Take an order out of the list of those that rest in its market."""
    item = sim.items[place]
    slot = int(item.market)
    if sim.rest_head[slot] == place:
        sim.rest_head[slot] = item.next
        return
    before = int(sim.rest_head[slot])
    while sim.items[before].next != place:
        before = int(sim.items[before].next)
    sim.items[before].next = item.next


@cold
def remove(sim: Sim, place: int) -> None:
    """Take an item out of wherever it waits or rests, and free its place."""
    item = sim.items[place]
    if item.kind == Waiting.RESTING:
        unlink(sim, place)
    else:
        leave(sim, place)
    item.kind = Waiting.NOTHING
    item.next = sim.clock[0].free_item
    sim.clock[0].free_item = place
    sim.clock[0].items -= 1
    if sim.clock[0].items == 0:  # a burst long gone must not be touched for ever
        sim.clock[0].items_used = 0
        sim.clock[0].free_item = NOBODY
    set_watch(sim, int(item.market))


@cold
def postpone(sim: Sim, place: int, arrival_ns: int) -> None:
    """Let an item wait on, for a later arrival."""
    leave(sim, place)
    wait(sim, place, arrival_ns)
    set_watch(sim, int(sim.items[place].market))


@cold
def next_deadline(sim: Sim) -> int:
    """Place of the item whose grace ends first, the older one of equals; NOBODY if none waits.

    Items of one lane in one market so come in the order of their arrival.
    """
    return NOBODY if sim.clock[0].waiting == 0 else int(sim.due[0].place)


@cold
def next_deadline_ns(sim: Sim) -> int:
    return FAR_NS if sim.clock[0].waiting == 0 else int(sim.due[0].at_ns)


@cold
def report(sim: Sim, source: Record, kind: int, due_ns: int, size_e6: int) -> Record:
    """Queue a report on an item or intent by time, behind those of the same time.

    Returns it for its price and side.
    """
    clock = sim.clock[0]
    place = int(clock.free_report)
    if place == NOBODY:
        place = int(clock.reports_used)
        clock.reports_used += 1
    else:
        clock.free_report = sim.coming_places[place]
    clock.sequence += 1
    sequence = int(clock.sequence)
    push(sim.coming, sim.coming_places, int(clock.reports), due_ns, sequence, place)
    clock.reports += 1
    row = sim.reports[place]
    row.ts_recv_ns = due_ns
    row.ts_venue_ns = due_ns
    row.market = source.market
    row.size_e6 = size_e6
    row.aux = source.order
    row.price_e4 = 0
    row.flags = 0
    row.kind = kind
    row.side = 0
    return row


@cold
def copy_report(source: Record, target: Record) -> None:
    target.ts_recv_ns = source.ts_recv_ns
    target.ts_venue_ns = source.ts_venue_ns
    target.market = source.market
    target.size_e6 = source.size_e6
    target.aux = source.aux
    target.price_e4 = source.price_e4
    target.flags = source.flags
    target.kind = source.kind
    target.side = source.side


@cold
def next_report_ns(sim: Sim) -> int:
    return FAR_NS if sim.clock[0].reports == 0 else int(sim.coming[0].at_ns)


@cold
def pop_report(sim: Sim) -> Record:
    """Move the first report to `delivered` and return it there, still with `OF_NO`."""
    clock = sim.clock[0]
    row = sim.delivered[clock.delivered]
    clock.delivered += 1
    place = int(sim.coming[0].place)
    copy_report(sim.reports[place], row)
    drop(sim.coming, sim.coming_places, int(clock.reports), 0)
    clock.reports -= 1
    sim.coming_places[place] = clock.free_report
    clock.free_report = place
    if clock.reports == 0:
        clock.reports_used = 0
        clock.free_report = NOBODY
    return row


@cold
def pass_on(sim: Sim, row: Record) -> None:
    """A report of the exchange's own, among `delivered` like those of the simulated venue."""
    copy_report(row, sim.delivered[sim.clock[0].delivered])
    sim.clock[0].delivered += 1


@cold
def write_timer(sim: Sim, lane: int, ts_ns: int) -> Record:
    """A TIMER row among `delivered`, for the lane that asked for it."""
    row = sim.delivered[sim.clock[0].delivered]
    sim.clock[0].delivered += 1
    row.ts_recv_ns = row.ts_venue_ns = ts_ns
    row.market = row.size_e6 = 0
    row.aux = lane << LANE_SHIFT
    row.price_e4 = row.flags = row.side = 0
    row.kind = EventKind.TIMER
    return row


@cold
def reject(sim: Sim, item: Record, due_ns: int, reason: int) -> None:
    row = report(sim, item, EventKind.REJECT.value, due_ns, int(item.size_e6))
    row.price_e4 = reason
