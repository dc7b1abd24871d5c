"""A week of sandboxes as one lake: what sweeps and capture curves are measured on.

Seven UTC days, each a sandbox of its own seed from 14:00 on, so that no event is of two days. With
plants each event is given one every so many seconds; without, markets are as their makers keep
them, and nothing is to be earned but by chance.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from benchmarks.planted_day import START_NS, Day, Plan, sandbox_day
from hfptm.sandbox.planted import Planted
from hfptm.units import NS_PER_S

DAYS = 7
DAY_NS = 86_400 * NS_PER_S


class Week(NamedTuple):
    data: Path
    days: list[Day]
    """In order; their lake is that of the week."""

    @property
    def planted(self) -> list[Planted]:
        return [thing for day in self.days for thing in day.truth.planted]


def sandbox_week(folder: Path, seed: int, minutes: int, every_s: int | None) -> Week:
    """The lake is `folder`/data; every_s as `planted_day.Plan` has it."""
    data = folder / "data"
    days = []
    for number in range(DAYS):
        inside = folder / f"day-{number + 1}"
        inside.mkdir(parents=True)
        start_ns = START_NS + number * DAY_NS
        plan = Plan(seed * DAYS + number, minutes, every_s, start_ns, f"-day-{number + 1}")
        days.append(sandbox_day(inside, plan, data))
    return Week(data, days)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_week")
    parser.add_argument("folder", type=Path, help="a new one; its data/ holds the lake")
    parser.add_argument("--minutes", type=int, default=60, help="of each day")
    parser.add_argument("--every-s", type=int, default=20, help="between plants of one event")
    parser.add_argument("--bare", action="store_true", help="plant nothing")
    parser.add_argument("--seed", type=int, default=7)
    wanted = parser.parse_args()
    every_s = None if wanted.bare else wanted.every_s
    week = sandbox_week(wanted.folder, wanted.seed, wanted.minutes, every_s)
    frames = sum(day.truth.frames for day in week.days)
    print(f"{week.data}: {frames:,} frames, {len(week.planted):,} planted")


if __name__ == "__main__":
    main()
