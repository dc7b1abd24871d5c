"""Those who act on the sandbox by themselves, each at its own time."""

from collections.abc import Sequence
from typing import Protocol

from hfptm.clock import NS_MAX


class Agent(Protocol):
    """Registered in `Sandbox.agents`, which lets it act whenever it is due.

    So what it does depends on the exchange's time alone, never on how often somebody looks.
    """

    @property
    def due_ns(self) -> int:
        """When it wants to act next; `clock.NS_MAX` if never."""

    def act(self, ts_ns: int) -> None:
        """Do what is due, so that `due_ns` is the next time.

        `ts_ns` is the `due_ns` there was, unless that was over when the agent was registered.
        """


def first_due(agents: Sequence[Agent]) -> Agent | None:
    """Who acts next; of those due at one time the one registered first, None if nobody ever."""
    agent = min(agents, key=lambda agent: agent.due_ns, default=None)
    return agent if agent and agent.due_ns < NS_MAX else None
