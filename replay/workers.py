"""Jobs on this machine: processes of their own, so that one that dies costs its job only.

Workers are spawned, hold nothing between jobs, and leave results as files; a worker whose parent is
gone ends with its job.
"""

import signal
from collections import Counter, deque
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import NamedTuple, Protocol, Self

from hfptm.errors import HfptmError, JobError
from replay.driver import Progress
from replay.jobs import Job, run_job

TRIES_MAX = 2
"""Of a job whose worker dies; then it is the job that kills it."""


class Runner(Protocol):
    """Computes jobs; ready as a context manager, and for more of them until it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def run(self, jobs: Sequence[Job], progress: Progress) -> None:
        """Leaves the file of every job; told (rows done, rows in all). Raises JobError, naming the
        job, after which the files of those that were done stay."""
        ...


class _Done(NamedTuple):
    """A worker's last word on a job: what was wrong with it, or nothing."""

    problem: str


class _Worker:
    """A process, and the job it has."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_work, args=(far,), daemon=True)
        self.process.start()
        far.close()
        self.job: Job | None = None
        self.rows = 0

    def begin(self, job: Job) -> None:
        self.job, self.rows = job, 0
        self.pipe.send(job)

    def end(self) -> None:
        self.process.terminate()
        self.process.join()
        self.process.close()
        self.pipe.close()


class LocalWorkers:
    """So many processes at most; started as they are needed."""

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._workers.pop().end()

    def run(self, jobs: Sequence[Job], progress: Progress) -> None:
        # The longest first, or the last one keeps everybody waiting.
        waiting = deque(sorted(jobs, key=lambda job: -job.rows * len(job.numbers)))
        tries: Counter[str] = Counter()
        whole_rows, done_rows = sum(job.rows for job in jobs), 0
        while waiting or self._busy():
            self._hand_out(waiting, tries)
            for worker in self._talking():
                job = worker.job
                assert job
                found = _hear(worker)
                if found is None:
                    self._workers.remove(worker)
                    worker.end()
                    if tries[job.key] == TRIES_MAX:
                        raise JobError(str(job), f"its worker died {TRIES_MAX} times; see above")
                    waiting.appendleft(job)
                elif isinstance(found, int):
                    worker.rows = found
                elif found.problem:
                    raise JobError(str(job), found.problem)
                else:
                    worker.job = None
                    done_rows += job.rows
            progress(done_rows + sum(one.rows for one in self._busy()), whole_rows)

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.job]

    def _hand_out(self, waiting: deque[Job], tries: Counter[str]) -> None:
        while waiting and len(self._busy()) < self._most:
            idle = [one for one in self._workers if not one.job and one.process.is_alive()]
            if not idle:
                idle = [_Worker()]
                self._workers += idle
            job = waiting.popleft()
            tries[job.key] += 1
            idle[0].begin(job)

    def _talking(self) -> list[_Worker]:
        """Those that said something, or died."""
        busy = {worker.pipe: worker for worker in self._busy()}
        return [busy[pipe] for pipe in wait(list(busy)) if isinstance(pipe, Connection)]


def _hear(worker: _Worker) -> int | _Done | None:
    """Rows it has read, its last word, or None from a worker that died."""
    try:
        found: int | _Done = worker.pipe.recv()
    except (EOFError, OSError):
        return None
    return found


def _work(pipe: Connection) -> None:
    """Jobs as they come, until there is nobody to send them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of them; the parent decides
    while True:
        try:
            job: Job = pipe.recv()
            run_job(job, lambda rows, _: pipe.send(rows))
        except (EOFError, BrokenPipeError):
            return
        except (HfptmError, OSError) as error:
            pipe.send(_Done(str(error)))
        else:
            pipe.send(_Done(""))
