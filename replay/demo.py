"""The whole way on a recording made here: write, import, replay, and compare with the truth."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.clock import NS_MAX
from hfptm.config import load
from hfptm.journal import read_run
from hfptm.lake import Lake
from hfptm.sandbox.planted import Expected, Kind
from hfptm.sandbox.recording import write_recording
from hfptm.tables import add, table
from hfptm.units import NS_PER_S
from replay.driver import Progress, Selection, replay
from replay.importers import ImportOptions, import_paths
from replay.metrics import Json
from replay.report import ANSWERS, ARTEFACTS, KINDS, import_table, summary_table
from replay.truth import Comparison, Sighting, Verdict, compare

TITLES = {
    **{Kind[kind.upper()]: title for kind, title in KINDS.items()},
    Kind.HALF_BATCH: "half batch",
    Kind.LOST_DELTA: "lost change",
}

EXPECTED = {
    Expected.CATCHABLE: "catchable",
    Expected.TOO_SHORT: "too short to reach",
    Expected.BELOW_FEES: "not worth its fees",
    Expected.BELOW_MINIMUM: "edge too small",
    Expected.ARTEFACT: "an artefact",
    Expected.NOT_EXCLUSIVE: "all may lose",
}


class Demo(msgspec.Struct, kw_only=True):
    """What a demonstration found, and how to show it."""

    summary: Json
    comparison: Comparison
    tables: RenderableType


def run_demo(data: Path, seed: int, progress: Progress) -> Demo:
    """Everything lands in `data`/demo/seed-N, apart from other seeds and the user's recordings."""
    folder = data / "demo" / f"seed-{seed}"
    lake = Lake(folder)
    truth = write_recording(folder / "recording", seed)
    report = import_paths("frames-jsonl", [folder / "recording"], ImportOptions(), lake, progress)
    path, summary = replay(folder, load(None, [], {}), Selection(0, NS_MAX), progress)
    comparison = compare(truth, read_run(folder, path.name), lake)
    tables = Group(
        import_table(report),
        summary_table(summary),
        comparison_table(comparison, truth.start_ts_venue_ns),
        Text(),
        verdict(comparison),
        Text(
            "This market was made up: the figures show that the tool works, not that there is "
            "money in it."
        ),
    )
    return Demo(summary=summary, comparison=comparison, tables=tables)


def comparison_table(comparison: Comparison, start_ns: int) -> Table:
    """Everything planted beside everything found, times from the start of the recording."""
    made = table("Planted, s after the start", "Found", justify="left", label_columns=36)
    for judged in comparison.verdicts:
        planted = judged.planted
        title = f"{TITLES[planted.kind]}: {EXPECTED[planted.expected]}"
        after_s = (planted.start_ts_venue_ns - start_ns) / NS_PER_S
        label = f"{after_s:5.1f}  {title}\n       {planted.slug}"
        add(made, label, "\n".join(_found(judged)), style=_style(judged.is_as_planted))
    for seen in comparison.unplanted:
        label = f"{(seen.begin_ns - start_ns) / NS_PER_S:5.1f}  not planted\n       {seen.slug}"
        add(made, label, "\n".join(_described(seen)), style=_style(False))
    return made


def _style(is_good: bool) -> str:
    return "" if is_good else "red"


def _found(judged: Verdict) -> list[str]:
    lines = [] if judged.is_as_planted else ["NOT AS PLANTED"]
    real = [seen for seen in judged.found if seen.is_real]
    for seen in real or judged.found:
        lines += [line for line in _described(seen) if line not in lines]
    return lines if judged.found else [*lines, "nothing"]


def _described(seen: Sighting) -> Iterator[str]:
    if seen.is_confirmed:
        yield "distrusted, then borne out"
    elif not seen.is_real:
        yield f"{KINDS[seen.kind]}, an artefact:"
        yield ARTEFACTS[seen.artefact]
    elif not seen.is_displayed:
        yield ANSWERS[seen.reason]
    else:
        arrival = "there" if seen.is_arrived else "gone"
        yield f"displayed ${seen.displayed_usd:.2f}, {arrival} at arrival"
        printed = "printed" if seen.is_printed else "not printed"
        yield f"{printed}; {_answer(seen)}"


def _answer(seen: Sighting) -> str:
    if seen.reason == "taken":
        return f"taken, {seen.legs_filled} of {seen.legs} legs filled"
    return ANSWERS[seen.reason]


def verdict(comparison: Comparison) -> Text:
    """The last word."""
    count = len(comparison.verdicts)
    if comparison.is_as_planted:
        return Text(f"All {count} planted things were found as planted, and nothing else.", "bold")
    wrong = sum(not judged.is_as_planted for judged in comparison.verdicts)
    return Text(
        f"NOT AS PLANTED: {wrong} of {count} planted things, and {len(comparison.unplanted)} "
        "found that were not planted; the run contradicts the truth.",
        "bold red",
    )
