"""Everything hfptm raises on purpose.

HfptmError                 shown to the user as one message, exit code `exit_code`
├── ConfigError            a key, a value, or a relation between values
├── InputError             a file given by the user that cannot be read as what it was said to be
│   └── DamagedInputError  readable up to a place; everything before it was kept
├── LakeError              the data folder does not hold what was asked of it
├── QueryError             a question that the catalog cannot answer
├── VenueError             the exchange does not answer, or not with what it should
├── StartError             something forbids that orders leave; nothing was begun
├── JobError               a part of a sweep could not be computed
└── CapacityError          a limit fixed at start was reached
"""

from pathlib import Path


class HfptmError(Exception):
    """Root. `str()` says what happened and what the user can do next."""

    exit_code = 1


class ConfigError(HfptmError):
    exit_code = 2

    def __init__(self, source: str, key: str, problem: str) -> None:
        self.source = source
        self.key = key
        self.problem = problem
        super().__init__(f"{source}: {key}: {problem}")


class InputError(HfptmError):
    exit_code = 3

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class DamagedInputError(InputError):
    """`place` names the line, row or byte where reading stopped, `problem` why."""

    def __init__(self, path: Path, place: str, problem: str) -> None:
        super().__init__(path, f"damaged at {place}: {problem}; everything before it was imported")
        self.place = place
        self.problem = problem


class LakeError(HfptmError):
    exit_code = 4


class QueryError(HfptmError):
    exit_code = 7


class VenueError(HfptmError):
    """`setting` is the key of the configuration that holds the address of `url`."""

    exit_code = 5

    def __init__(self, url: str, setting: str, problem: str) -> None:
        self.url = url
        self.setting = setting
        self.problem = problem
        super().__init__(f"{url}: {problem}; check the network and {setting}")


class StartError(HfptmError):
    """`check` is what was looked at, as `hfptm doctor` names it."""

    exit_code = 6

    def __init__(self, check: str, problem: str) -> None:
        self.check = check
        self.problem = problem
        super().__init__(f"{check}: {problem}")


class JobError(HfptmError):
    """`job` says which part: its day and its sets."""

    exit_code = 7

    def __init__(self, job: str, problem: str) -> None:
        self.job = job
        self.problem = problem
        super().__init__(f"{job}: {problem}")


class CapacityError(HfptmError):
    def __init__(self, what: str, limit: int, next_step: str) -> None:
        self.what = what
        self.limit = limit
        super().__init__(f"more than {limit} {what}; {next_step}")
