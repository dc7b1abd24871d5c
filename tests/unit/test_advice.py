"""A change is advised only where the data bears it; else why not is said."""

import numpy as np
import pytest

from replay.advice import RULES, Advice, Trial, Watched, advise, judged
from replay.confidence import EVENTS_MIN, Estimate

EVENTS = 40
LOWER, HIGHER = ("0.025", "0.02"), ("0.025", "0.0313")
EDGE, EXPOSURE = "trading.min_edge", "risk.max_exposure_per_event_usd"
FEW = Estimate(0.3)
LOW, UNCLEAR, HIGH = (Estimate(v, v - 0.1, v + 0.1) for v in (0.3, 0.55, 0.9))


def trial(
    mean_usd: float, key: str = EDGE, to: tuple[str, str] = LOWER, seed: int = 1, spread: float = 1
) -> Trial:
    rng = np.random.default_rng(seed)
    gains = rng.normal(mean_usd, spread, EVENTS)
    gains += mean_usd - gains.mean()
    return Trial(change={key: to}, gains_usd=dict(enumerate(gains.tolist())))


def first(advice: Advice) -> tuple[str, str]:
    """Of the rule on capture: what it says, and what it changes."""
    return advice.statements[0].text, advice.statements[0].change


def test_every_rule_is_answered_and_keeps_its_figure() -> None:
    found = advise(Watched(captured=LOW, slow=HIGH), [])
    assert [statement.rule for statement in found.statements] == [rule.text for rule in RULES]
    assert [statement.figure for statement in found.statements] == [LOW, None, HIGH, None]
    assert all(statement.change == "" for statement in found.statements)
    assert "not measured" in found.statements[1].text
    assert found.sentence == "No change is supported by this data: none was tried."


def test_a_change_that_earned_more_is_advised_with_its_interval() -> None:
    found = advise(Watched(captured=LOW), [trial(1.0), trial(0.0, to=HIGHER)])
    text, change = first(found)
    assert change == "trading.min_edge 0.025 -> 0.02"
    assert "30.0% (95 %: 20.0% to 40.0%)" in text
    assert "earned +40.00 $ (95 %: +" in text
    assert found.sentence.startswith(f"Change {change}: +40.00 $")
    assert found.sentence.endswith("with 2 changes tried.")


def test_a_rule_that_speaks_up_is_not_followed_where_it_gains_nothing() -> None:
    text, change = first(advise(Watched(captured=LOW), [trial(0.05)]))
    assert change == ""
    assert "tried on the same recording it gained nothing that is clear" in text
    assert "0.025 -> 0.02: +2.00 $" in text


def test_nor_where_it_loses() -> None:
    found = advise(Watched(captured=LOW), [trial(-1.0)])
    assert first(found)[1] == ""
    assert found.sentence.startswith("No change is supported by this data: of 1 that were tried")


@pytest.mark.parametrize(
    ("captured", "why"),
    [
        (FEW, f"too few events, {EVENTS_MIN} are the least"),
        (UNCLEAR, "may be on either side of 60%"),
        (HIGH, "is not beyond 60%"),
        (None, "was not measured"),
        (LOW, "it could not be tried"),
    ],
)
def test_why_a_rule_says_nothing(captured: Estimate | None, why: str) -> None:
    text, change = first(advise(Watched(captured=captured), []))
    assert change == ""
    assert why in text


def test_a_rule_above_its_threshold_looks_the_other_way() -> None:
    for figure, why in ((HIGH, "it could not be tried"), (Estimate(0.0, 0.0, 0.0), "not beyond")):
        statement = advise(Watched(at_limits=figure), []).statements[1]
        assert why in statement.text


def test_a_rule_has_only_the_change_that_it_names() -> None:
    """Raising min_edge earned more: said, but not as what the rule asks for."""
    found = advise(Watched(captured=LOW), [trial(0.0), trial(1.0, to=HIGHER)])
    assert first(found)[1] == ""
    assert [(s.rule, s.change) for s in found.statements[len(RULES) :]] == [
        ("", "trading.min_edge 0.025 -> 0.0313")
    ]
    assert found.sentence.startswith("Change trading.min_edge 0.025 -> 0.0313")


def test_orders_that_fail_are_never_sent_again() -> None:
    statement = advise(Watched(refused=Estimate(0.9, 0.9, 0.9)), [trial(1.0)]).statements[3]
    assert statement.change == ""
    assert "can fill twice" in statement.text


def test_many_trials_ask_more_of_each() -> None:
    """What is clear alone need not be among a hundred that do nothing."""
    promising = trial(0.36)
    others = [trial(0.0, to=("1", str(n)), seed=n) for n in range(2, 102)]
    assert judged([promising])[0].is_better
    assert not judged([promising, *others])[0].is_better
    assert judged([trial(1.0), *others])[0].is_better


def test_chance_is_rarely_taken_for_a_gain() -> None:
    """Six changes that do nothing, a hundred times: at most what one time in twenty allows."""
    wrong = 0
    for run in range(100):
        trials = [trial(0.0, seed=100 * run + n, to=("1", str(n))) for n in range(2, 8)]
        rng = np.random.default_rng(run)
        noise = [
            Trial(change=t.change, gains_usd={e: float(rng.normal()) for e in t.gains_usd})
            for t in trials
        ]
        wrong += any(each.is_better for each in judged(noise))
    assert wrong <= 9


def test_few_events_bear_no_change() -> None:
    few = Trial(change={EDGE: LOWER}, gains_usd=dict.fromkeys(range(EVENTS_MIN - 1), 100.0))
    found = advise(Watched(captured=FEW), [few])
    assert found.sentence == (
        f"No change is supported by this data: too few events to judge one, {EVENTS_MIN} are the "
        "least."
    )
    assert "too few for an interval" in found.statements[0].text


def test_an_event_that_a_trial_did_not_touch_counts_as_no_gain() -> None:
    all_events = trial(1.0)
    half = Trial(change={EXPOSURE: ("500", "750")}, gains_usd={0: 20.0})
    found = judged([all_events, half])[1]
    assert found.gain_usd.value == 20
    assert not found.is_better


def test_nothing_to_catch() -> None:
    still = Trial(change={EDGE: LOWER}, gains_usd={})
    assert advise(Watched(), [still]).sentence == (
        "No change is supported by this data: with none of 1 changes was there anything to gain or "
        "lose."
    )
