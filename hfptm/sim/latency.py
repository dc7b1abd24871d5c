"""When things happen: the two clocks (design, section 5), and the order of one instant.

Decision at t, arrival at T = t + entry latency, report at T + response latency, but never before
the feed has shown the market past T: paper trading cannot know earlier, so replay may not either.
A market that stays quiet counts as unchanged after a grace time, which must exceed the feed's
delay.
"""

from hfptm.kernel.jit import Record, cold, hot


@cold
def arrival_ns(latency: Record, decided_ns: int) -> int:
    return decided_ns + int(latency.entry_ns)


@cold
def report_ns(latency: Record, arrived_ns: int, shown_ns: int) -> int:
    """shown_ns: when the feed (or the grace time) settled what the book at arrival was."""
    return max(arrived_ns + int(latency.response_ns), shown_ns)


@hot
def due_before(happens_ns: int, row_ts_recv_ns: int) -> bool:
    """Whether a report or a timer goes before a market row: at one instant market rows go first."""
    return happens_ns < row_ts_recv_ns


@hot
def passed(row_ts_venue_ns: int, arrived_ns: int) -> bool:
    """Whether a row shows its market past an arrival: a change of that very time was in time."""
    return row_ts_venue_ns > arrived_ns
