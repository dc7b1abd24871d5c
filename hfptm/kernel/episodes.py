"""The life of an opportunity, for every lane: seen, refused or taken, gone.

An episode is a maximal run of looks at a market (or group) in which a basket costs less than it
pays at the best prices, before fees. A look happens where a frame closed. The episode is journalled
when it begins, when what became of it changes, and when it ends. It is traded at most once. An edge
that rests on a book which may be wrong is an artefact: journalled with its class, never traded, and
no end of an episode that was already running. Nor does half a batch end one.
"""

from hfptm.kernel.detector import BINARY, artefact_of, gather_count, gross_e4
from hfptm.kernel.entry import consistent_ns, is_suspect_kind, unworthy
from hfptm.kernel.executor import open_plan
from hfptm.kernel.gates import barred
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.lane import KINDS
from hfptm.kernel.measured import forget, measure_once
from hfptm.kernel.orders import next_plan, observe
from hfptm.kernel.plans import LEGS_MAX
from hfptm.kernel.quality import quality_e4
from hfptm.kernel.risk import approve, refuse
from hfptm.kernel.sizing import fit
from hfptm.kernel.state import DISPLAYED, EXPECTED, WALKED, State
from hfptm.kernel.wake import confirm_at
from hfptm.opportunities import Phase, Reason
from hfptm.records import LANE_SHIFT
from hfptm.units import FAR_NS


@cold
def episode_of(state: State, lane: int, kind: int, subject: int) -> Record:
    if kind == BINARY:
        return state.episodes[lane, subject]
    basket = (KINDS - 1) * subject + kind - 1
    return state.episodes[lane, len(state.markets) + basket]


@cold
def look(state: State, slot: int) -> None:
    """Judge every basket that the market in `slot` belongs to."""
    group = int(state.markets[slot].group)
    for kind in range(KINDS if group >= 0 else 1):
        look_at(state, kind, slot if kind == BINARY else group)
    note_active(state, slot)


@cold
def hide_market(state: State, slot: int) -> None:
    """The market's book was dropped: end what can no longer be seen, begin nothing."""
    end_unseen(state, BINARY, slot)
    if state.markets[slot].group >= 0:
        hide_group(state, int(state.markets[slot].group))
    note_active(state, slot)


@cold
def hide_group(state: State, group: int) -> None:
    for kind in range(BINARY + 1, KINDS):
        end_unseen(state, kind, group)
    note_group_active(state, group)


@cold
def note_active(state: State, slot: int) -> None:
    """Remember for `detector.worth_a_look` whether some lane still has an episode to end."""
    state.markets[slot].active = is_active(state, BINARY, slot)
    if state.markets[slot].group >= 0:
        note_group_active(state, int(state.markets[slot].group))


@cold
def note_group_active(state: State, group: int) -> None:
    active = False
    for kind in range(BINARY + 1, KINDS):
        active = active or is_active(state, kind, group)
    state.groups[group].active = active


@cold
def is_active(state: State, kind: int, subject: int) -> bool:
    for lane in range(len(state.lanes)):
        if episode_of(state, lane, kind, subject).decision != 0:
            return True
    return False


@cold
def end_unseen(state: State, kind: int, subject: int) -> None:
    if gross_e4(state, kind, subject) > 0:
        return
    for lane in range(len(state.lanes)):
        if episode_of(state, lane, kind, subject).decision != 0:
            end(state, lane, kind, subject, Reason.UNSEEN.value)


@cold
def look_at(state: State, kind: int, subject: int) -> None:
    gross = gross_e4(state, kind, subject)
    artefact = artefact_of(state, kind, subject) if gross > 0 else 0
    forget(state)
    for lane in range(len(state.lanes)):
        episode = episode_of(state, lane, kind, subject)
        if gross <= 0:
            if episode.decision != 0 and not half_seen(state, kind, subject):
                end(state, lane, kind, subject, Reason.ENDED.value)
        elif artefact != 0:
            distrust(state, lane, kind, subject, artefact)
        else:
            if episode.decision != 0 and episode.artefact != 0:
                end(state, lane, kind, subject, Reason.CONFIRMED.value)
            weigh(state, lane, kind, subject)


@cold
def half_seen(state: State, kind: int, subject: int) -> bool:
    """Whether a book of the basket waits for the rest of its batch: its prices may come back."""
    if kind == BINARY:
        return bool(state.markets[subject].pending)
    for member in range(state.groups[subject].members):
        if state.markets[state.members[subject, member]].pending:
            return True
    return False


@cold
def begin(state: State, lane: int, episode: Record) -> None:
    state.lanes[lane].decisions += 1
    episode.decision = (lane << LANE_SHIFT) | int(state.lanes[lane].decisions)
    episode.displayed = 0
    episode.taken = 0
    episode.artefact = 0
    episode.trusted_since_ns = 0


@cold
def distrust(state: State, lane: int, kind: int, subject: int, artefact: int) -> None:
    """Begin an artefact, or change its class; an episode that began on good books goes on."""
    episode = episode_of(state, lane, kind, subject)
    phase = Phase.CHANGE.value
    if episode.decision == 0:
        begin(state, lane, episode)
        phase = Phase.BEGIN.value
    elif episode.artefact == 0:
        episode.suspect = 1
        episode.trusted_since_ns = 0
        return
    elif episode.artefact == artefact:
        return
    episode.artefact = artefact
    episode.reason = Reason.ARTEFACT
    write_decision(state, lane, kind, subject, phase)


@cold
def end(state: State, lane: int, kind: int, subject: int, reason: int) -> None:
    episode = episode_of(state, lane, kind, subject)
    episode.reason = reason
    write_decision(state, lane, kind, subject, Phase.END.value)
    episode.decision = 0
    episode.taken = 0
    episode.suspect = reason == Reason.CONFIRMED


@cold
def weigh(state: State, lane: int, kind: int, subject: int) -> None:
    """Measure a trustworthy edge; take it, once an episode, or say why not."""
    episode = episode_of(state, lane, kind, subject)
    state.lanes[lane].sightings[kind] += 1
    if episode.taken:
        return
    phase = Phase.CHANGE.value
    if episode.decision == 0:
        begin(state, lane, episode)
        phase = Phase.BEGIN.value
        if is_suspect_kind(kind):
            episode.suspect = 1
    if episode.trusted_since_ns == 0:
        episode.trusted_since_ns = state.counters[0].now_ns
    before = int(episode.reason)
    legs = gather_count(state, kind, subject)
    plan, sets_e6 = 0, 0
    displayed = state.basket[DISPLAYED]
    displayed.sets_e6 = displayed.outlay_e6 = displayed.edge_e6 = 0
    state.basket[WALKED].binding = state.basket[EXPECTED].sets_e6 = 0
    if legs > LEGS_MAX:
        episode.reason = Reason.TOO_MANY_LEGS
    elif measure_once(state, lane, kind, subject, legs) == 0:
        episode.reason = Reason.EDGE_BELOW_MINIMUM
    else:
        walked = state.basket[WALKED]
        displayed.sets_e6 = walked.sets_e6
        displayed.outlay_e6 = walked.outlay_e6
        displayed.edge_e6 = walked.edge_e6
        if not episode.displayed:
            episode.displayed = 1
            observe(state, lane, int(episode.decision), kind, legs, int(walked.sets_e6))
        sets_e6 = sized(state, lane, kind, subject, legs)
        if sets_e6 > 0:
            plan = open_plan(state, lane, kind, subject, legs, sets_e6)
            episode.taken = 1
    if phase == Phase.BEGIN or before != episode.reason:
        decision = write_decision(state, lane, kind, subject, phase)
        if plan == 0 and episode.reason == state.basket[WALKED].binding:
            decision.limit = state.basket[WALKED].limit
            decision.value = state.basket[WALKED].value
        decision.plan = plan
        decision.approved_e6 = sets_e6
        decision.legs = legs
        decision.quality_e4 = quality_e4(state, lane)


@cold
def confirm_time_ns(state: State, lane: int, episode: Record) -> int:
    return int(episode.trusted_since_ns) + int(state.params[lane].confirm_ns)


@cold
def look_again(state: State, lane: int) -> None:
    """Weigh an edge that has lasted for its confirm time, though no frame closed since.

    One at a time, so that the output has room; the next is due at once.
    """
    now_ns, looked = int(state.counters[0].now_ns), False
    state.lanes[lane].confirm_ns = FAR_NS
    for kind in range(KINDS):
        subjects = len(state.markets) if kind == BINARY else len(state.groups)
        for subject in range(subjects):
            episode = episode_of(state, lane, kind, subject)
            if episode.decision == 0 or episode.reason != Reason.UNCONFIRMED:
                continue
            due_ns = confirm_time_ns(state, lane, episode)
            if gross_e4(state, kind, subject) <= 0 or artefact_of(state, kind, subject) != 0:
                continue
            if due_ns > now_ns or looked:
                confirm_at(state, lane, max(due_ns, now_ns + 1))
            else:
                looked = True
                forget(state)
                weigh(state, lane, kind, subject)


@cold
def sized(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """Sets to send after risk and the exchange's own rules; 0 with the reason noted if none."""
    episode = episode_of(state, lane, kind, subject)
    if next_plan(state, lane) == 0:
        episode.reason = Reason.NO_PLAN_SLOT
        return 0
    reason = barred(state, lane, kind, subject, legs)
    if reason == 0:
        trusted_ns = consistent_ns(state, episode)
        reason = unworthy(state, lane, kind, subject, legs, trusted_ns)
        if reason == Reason.UNCONFIRMED:
            confirm_at(state, lane, confirm_time_ns(state, lane, episode))
    if reason != 0:
        episode.reason = reason
        return 0
    approved_e6 = approve(state, lane, kind, subject, legs)
    binding = int(state.basket[WALKED].binding)
    sets_e6 = fit(state, lane, kind, subject, approved_e6)
    least_e4, score_e4 = int(state.params[lane].min_quality_e4), quality_e4(state, lane)
    if sets_e6 > 0 and score_e4 < least_e4:
        reason = Reason.QUALITY_BELOW_MINIMUM.value
        episode.reason = refuse(state.basket[WALKED], reason, least_e4, score_e4)
        sets_e6 = 0
    elif sets_e6 > 0:
        episode.reason = Reason.TAKEN
    else:
        episode.reason = binding if binding != 0 else Reason.SIZE_BELOW_MINIMUM.value
    return sets_e6


@cold
def write_decision(state: State, lane: int, kind: int, subject: int, phase: int) -> Record:
    """Journal an episode as it stands; BEGIN and CHANGE carry what `DISPLAYED` measured."""
    episode = episode_of(state, lane, kind, subject)
    decision = state.decisions[state.outbox[0].decisions]
    state.outbox[0].decisions += 1
    decision.ts_ns = state.counters[0].now_ns
    decision.decision = episode.decision
    decision.market = subject
    decision.plan = 0
    decision.approved_e6 = 0
    decision.limit = decision.value = 0
    measured = phase != Phase.END and episode.artefact == 0
    displayed = state.basket[DISPLAYED]
    decision.size_e6 = displayed.sets_e6 if measured else 0
    decision.outlay_e6 = displayed.outlay_e6 if measured else 0
    decision.edge_e6 = displayed.edge_e6 if measured else 0
    decision.gross_e4 = gross_e4(state, kind, subject)
    decision.lane = lane
    decision.legs = 0
    decision.kind = kind
    decision.phase = phase
    decision.reason = episode.reason
    decision.artefact = episode.artefact
    decision.quality_e4 = 0
    return decision
