"""Planted beside found, in words, and a last line that cannot be misread."""

from hfptm.sandbox.planted import Expected, Kind
from replay.demo import EXPECTED, TITLES, comparison_table, verdict
from replay.truth import Comparison, Sighting, Verdict
from tests.unit.test_report import shown
from tests.unit.test_truth import ARTEFACT, BORNE_OUT, CAUGHT, MISSED, SMALL, planted, seen


def judged(expected: Expected, *found: Sighting, agrees: bool = True) -> Verdict:
    return Verdict(planted=planted(expected), found=list(found), is_as_planted=agrees)


def text_of(*verdicts: Verdict, unplanted: tuple[Sighting, ...] = ()) -> str:
    comparison = Comparison(verdicts=list(verdicts), unplanted=list(unplanted), is_as_planted=False)
    return shown(comparison_table(comparison, -12_000_000_000))


def test_each_outcome_has_its_words() -> None:
    for found, words in (
        (CAUGHT, ["displayed $5.00, there at arrival", "printed; taken, 3 of 3 legs filled"]),
        (MISSED, ["displayed $5.00, gone at arrival", "printed; taken, 1 of 3 legs filled"]),
        (seen(reason="no_cash"), ["printed; no cash left"]),
        (SMALL, ["after fees, below trading.min_edge"]),
        (ARTEFACT, ["NO basket, an artefact:", "half a batch, the rest was on its way"]),
        (BORNE_OUT, ["distrusted, then borne out"]),
    ):
        text = text_of(judged(Expected.CATCHABLE, found))
        assert all(line in text for line in words)
        assert "NOT AS PLANTED" not in text
    assert "nothing" in text_of(judged(Expected.NOT_EXCLUSIVE))


def test_what_was_real_hides_how_it_began() -> None:
    text = text_of(judged(Expected.CATCHABLE, BORNE_OUT, CAUGHT))
    assert "borne out" not in text
    assert "there at arrival" in text


def test_times_count_from_the_start() -> None:
    text = text_of(judged(Expected.TOO_SHORT, MISSED), unplanted=(CAUGHT,))
    assert " 12.0  NO basket: too short to reach" in text
    assert " 12.0  not planted" in text


def test_a_contradiction_is_marked_and_counted() -> None:
    wrong = judged(Expected.CATCHABLE, MISSED, agrees=False)
    assert "NOT AS PLANTED" in text_of(wrong)
    comparison = Comparison(
        verdicts=[wrong, judged(Expected.ARTEFACT, ARTEFACT)],
        unplanted=[CAUGHT],
        is_as_planted=False,
    )
    text = verdict(comparison).plain
    assert text.startswith("NOT AS PLANTED: 1 of 2 planted things, and 1 found that were not")
    agreed = Comparison(verdicts=[wrong], unplanted=[], is_as_planted=True)
    assert verdict(agreed).plain.startswith("All 1 planted things were found as planted")


def test_every_kind_and_class_has_words_that_fit() -> None:
    assert set(TITLES) == set(Kind)
    assert set(EXPECTED) == set(Expected)
    longest = max(map(len, TITLES.values())) + max(map(len, EXPECTED.values()))
    assert len("123.4  ") + longest + len(": ") <= 40
