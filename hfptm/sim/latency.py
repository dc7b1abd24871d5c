"""When things happen: the two clocks (design, section 5), and the order of one instant.

Decision at t, matching at T = t + entry latency + matching delay, report at T + response latency,
but never before the feed has shown the market past T: paper trading cannot know earlier, so replay
may not either. A market that stays quiet counts as unchanged after a grace time, which must exceed
the feed's delay.
"""

from hfptm.kernel.jit import Record, cold, hot
from hfptm.records import TakerDelay
from hfptm.sim.state import Sim

_WORD, _ODD = 0xFFFF_FFFF, 0x45D9_F3B
"""32 bits, and a multiplier whose products with them stay below 2**63."""


@cold
def mixed(word: int) -> int:
    """A 32-bit integer hash in which every bit of `word` reaches every bit of the result."""
    word = ((word >> 16) ^ word) * _ODD & _WORD
    word = ((word >> 16) ^ word) * _ODD & _WORD
    return (word >> 16) ^ word


@cold
def drawn_place(decided_ns: int, leg: int, draws: int) -> int:
    """Which of so many draws a message gets."""
    return mixed((decided_ns ^ (decided_ns >> 32) ^ leg) & _WORD) % draws


@cold
def draw(sim: Sim, intent: Record) -> Record:
    """What a message takes, by the time of its decision and its leg and nothing else.

    So an order and the probe of its leg arrive together, lanes that decide the same at once meet
    the same luck, and a choice of markets changes nobody else's.
    """
    return drawn(sim, int(intent.lane), int(intent.ts_ns), int(intent.leg))


@cold
def drawn(sim: Sim, lane: int, at_ns: int, leg: int) -> Record:
    """The draw of a lane's table for that time and leg."""
    windows = sim.windows[lane]
    return sim.draws[windows.first_draw + drawn_place(at_ns, leg, int(windows.draws))]


@cold
def arrival_ns(met: Record, decided_ns: int) -> int:
    """When a message has its turn at the matching engine."""
    return decided_ns + int(met.entry_ns) + int(met.matching_ns)


@cold
def taker_delay_ns(sim: Sim, market: Record, lane: int, arrived_ns: int) -> int:
    """How long a marketable order that arrives then has to wait: the longer of both delays."""
    delay_ns = 0
    if market.taker_delay != TakerDelay.NO:
        delay_ns = int(sim.windows[lane].taker_delay_ns)
    if market.game_start_ns <= arrived_ns:
        delay_ns = max(delay_ns, int(market.game_delay_ns))
    return delay_ns


@cold
def report_ns(response_ns: int, arrived_ns: int, shown_ns: int) -> int:
    """shown_ns: when the feed (or the grace time) settled what the book at arrival was."""
    return max(arrived_ns + response_ns, shown_ns)


@hot
def due_before(happens_ns: int, row_ts_recv_ns: int) -> bool:
    """Whether a report or a timer goes before a market row: at one instant market rows go first."""
    return happens_ns < row_ts_recv_ns


@hot
def passed(row_ts_venue_ns: int, arrived_ns: int) -> bool:
    """Whether a row shows its market past an arrival: a change of that very time was in time."""
    return row_ts_venue_ns > arrived_ns
