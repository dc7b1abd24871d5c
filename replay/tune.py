"""Parameters sought instead of listed: Optuna proposes sets, a sweep's jobs try them.

The search sees the first three fifths of the days alone; on the others its winners are judged. Its
trials count as tried, every one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hfptm.clock import monotonic_ns
from hfptm.config import Config, limits, with_settings
from hfptm.errors import ConfigError, LakeError
from hfptm.lake import Lake
from hfptm.limits import Limits
from hfptm.units import ONE_E6
from replay.choices import Choices, Span
from replay.driver import Progress
from replay.grid import Space, Values, read_space
from replay.jobs import Day, Job, days_of, gather, plan
from replay.sweep import Ask, Effort, Swept, Tried, compute, keep
from replay.workers import Runner

BATCH = 25
"""Trials proposed together: a pass over a day costs little more for them than for one."""

SEARCHED = (3, 5)
"""Share of the days that the search sees."""


class Search(NamedTuple):
    """trials and seed: None takes count and seed of [random]."""

    trials: int | None
    seed: int | None


def tune(ask: Ask, search: Search, runner: Runner, progress: Progress) -> Swept:
    """As `sweep.sweep`; `ask.is_resumed` is how trials of an earlier search with the same seed are
    not computed again. `progress` is told (trials done, trials in all)."""
    began_ns = monotonic_ns()
    space = read_space(ask.grid)
    trials = search.trials or space.draws
    seed = space.seed if search.seed is None else search.seed
    with Lake(ask.data).reading(), runner:
        days = days_of(ask.data, ask.selection)
        first_days = len(days) * SEARCHED[0] // SEARCHED[1]
        if not first_days:
            raise LakeError("one day is recorded: there is none to judge on; take more with --from")
        sought = _Sought(ask, space, days, first_days, runner)
        for done in sought.run(trials, seed):
            progress(done, trials)
    options = f"--trials {trials} --seed {seed}"
    tried = Tried("tune", tuple(space.choices), sought.values, sought.configs, first_days, options)
    return keep(ask, tried, days, sought.jobs, Effort(began_ns, sought.computed))


class _Sought:
    """The sets of a search so far, and the jobs that tried them."""

    def __init__(
        self, ask: Ask, space: Space, days: Sequence[Day], first_days: int, runner: Runner
    ) -> None:
        self.values: list[Values] = []
        self.configs: list[Config] = []
        self.jobs: list[Job] = []
        self.computed = 0
        self._ask, self._space, self._days, self._runner = ask, space, days, runner
        self._searched = {day.day for day in days[:first_days]}
        self._numbers: dict[Limits, int] = {}
        self._worth: dict[int, float] = {}

    def run(self, trials: int, seed: int) -> Iterator[int]:
        """How many are done, after every batch."""
        study = _study(seed)
        done = 0
        while done < trials:
            batch = [study.ask() for _ in range(min(BATCH, trials - done))]
            numbers = [self._number(propose(trial, self._space.choices)) for trial in batch]
            self._try_new()
            for trial, number in zip(batch, numbers, strict=True):
                study.tell(trial, self._worth[number])
            done += len(batch)
            yield done

    def _number(self, values: Values) -> int:
        """Of a set, which is new unless an earlier trial proposed it."""
        source = f"{self._ask.grid}: trial of {', '.join(f'{k} {v}' for k, v in values.items())}"
        config = with_settings(self._ask.base, values, source)
        number = self._numbers.setdefault(limits(config), len(self.values))
        if number == len(self.values):
            self.values.append(values)
            self.configs.append(config)
        return number

    def _try_new(self) -> None:
        first = len(self._worth)
        new = range(first, len(self.values))
        if not new:
            return
        jobs = [
            job._replace(numbers=tuple(first + number for number in job.numbers))
            for job in plan(self._ask.data, self._days, [self.configs[number] for number in new])
        ]
        self.computed += compute(self._ask, jobs, self._runner, lambda *_: None)
        self.jobs += jobs
        days = gather(job for job in jobs if job.day in self._searched).days
        totals_e6 = np.zeros(len(self.values), np.int64)
        np.add.at(totals_e6, days["set"].to_numpy(), days["result_e6"].to_numpy())
        self._worth |= {number: int(totals_e6[number]) / ONE_E6 for number in new}


def propose(trial: Any, choices: Mapping[str, Choices | Span]) -> Values:
    """A trial's value for every key; lists in their order, if they are of numbers."""
    return {key: _propose(trial, key, choice) for key, choice in choices.items()}


def _propose(trial: Any, key: str, choice: Choices | Span) -> object:
    if isinstance(choice, Span):
        return choice.pick(trial.suggest_float(key, 0.0, 1.0))
    last = len(choice.values) - 1
    if isinstance(choice.values[0], str):
        return choice.values[trial.suggest_categorical(key, range(last + 1))]
    return choice.values[trial.suggest_int(key, 0, last)]


def _study(seed: int) -> Any:
    """Maximises; raises ConfigError if Optuna is not installed."""
    try:
        import optuna
    except ImportError as error:
        problem = 'is not installed; install it with pip install "hfptm[tune]"'
        raise ConfigError("command line", "optuna", problem) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
