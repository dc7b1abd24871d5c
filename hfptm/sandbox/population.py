"""A sandbox full of markets and of those who trade in them."""

from hfptm.sandbox.floor import Floor
from hfptm.sandbox.house import House
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.schedule import Schedule
from hfptm.sandbox.traders import Traders
from hfptm.sandbox.universe import Universe


def populate(sandbox: Sandbox, universe: Universe, rate: int) -> Floor:
    """List a universe, and let it live from now on, at `rate` frames per second.

    The sandbox must have been advanced to the universe's start (ValueError). The same seed and
    universe give the same actions, as long as nobody else acts.
    """
    if sandbox.now_ns != universe.start_ns:
        raise ValueError(f"the sandbox is at {sandbox.now_ns}, its universe at {universe.start_ns}")
    floor = Floor(House(sandbox, universe.seed), universe.speed)
    sandbox.agents += [Schedule(sandbox, universe, floor), Traders(floor, rate)]
    return floor
