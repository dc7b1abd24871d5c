"""Slots back to lake ids in what is handed out: the last thing that happens to a row."""

from typing import Any

from hfptm.kernel.jit import Array, entry
from hfptm.kernel.state import open_state
from hfptm.opportunities import OpportunityKind
from hfptm.records import EventKind, IntentKind
from hfptm.sim.state import open_sim


@entry
def name_outputs(state_table: Any, sim_table: Any, market_ids: Array, group_ids: Array) -> None:
    """Put ids into `market` of all rows that the output buffers hold, in place, and empty these.

    market_ids, group_ids: by slot. Whoever calls has read how many rows there are, and copies them
    before anything else is run.
    """
    state, sim = open_state(state_table), open_sim(sim_table)
    for index in range(state.outbox[0].intents):
        intent = state.intents[index]
        is_group = intent.kind == IntentKind.CONVERT
        intent.market = group_ids[intent.market] if is_group else market_ids[intent.market]
    for index in range(state.outbox[0].decisions):
        decision = state.decisions[index]
        is_group = decision.kind != OpportunityKind.BINARY
        decision.market = group_ids[decision.market] if is_group else market_ids[decision.market]
    for index in range(sim.clock[0].outcomes):
        outcome = sim.outcomes[index]
        is_group = outcome.kind != OpportunityKind.BINARY
        outcome.market = group_ids[outcome.market] if is_group else market_ids[outcome.market]
    for index in range(sim.clock[0].delivered):
        report = sim.delivered[index]
        is_group = report.kind == EventKind.SETTLED and report.price_e4 != OpportunityKind.BINARY
        report.market = group_ids[report.market] if is_group else market_ids[report.market]
    state.outbox[0].intents = state.outbox[0].decisions = 0
    sim.clock[0].intents_seen = sim.clock[0].outcomes = sim.clock[0].delivered = 0
