"""Jobs on Ray: workers of a cluster by its address, or of a Ray on this machine alone.

The data folder has to be at the same path on every machine, on storage that they share: workers
read the lake there and leave their results there. Nothing but jobs and words goes through Ray.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from hfptm.config import say_nothing_to_ray
from hfptm.errors import ConfigError, HfptmError, JobError
from hfptm.units import BYTES_PER_MIB
from replay.driver import Progress
from replay.jobs import Job, run_job
from replay.workers import TRIES_MAX

THIS_MACHINE = "127.0.0.1"
LEAST_STORE_BYTES = 80 * BYTES_PER_MIB
"""Nearly the least that Ray takes: results go through the data folder."""


class RayWorkers:
    """address: of a cluster, as `ray.init` takes it; None starts a Ray here for so many workers.

    Raises ConfigError if Ray is not installed or does not start, or nothing answers at the address.
    """

    def __init__(self, workers: int, address: str | None) -> None:
        try:
            import ray
        except ImportError as error:
            problem = 'ray is not installed; install it with pip install "hfptm[ray]"'
            raise ConfigError("command line", "--engine", problem) from error
        self._ray: Any = ray
        self._workers = workers
        self._address = address
        say_nothing_to_ray()

    def __enter__(self) -> Self:
        try:
            self._begin()
        except (OSError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            key, problem = "--engine", f"Ray does not start here ({error}); leave it out"
            if self._address is not None:
                key, problem = "--address", f"{self._address}: {error}"
            raise ConfigError("command line", key, problem) from error
        return self

    def _begin(self) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self._address is not None:
            self._ray.init(self._address, **quiet)
            return
        self._ray.init(
            "local",
            num_cpus=self._workers,
            include_dashboard=False,
            object_store_memory=LEAST_STORE_BYTES,
            _node_ip_address=THIS_MACHINE,
            **quiet,
        )

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def run(self, jobs: Sequence[Job], progress: Progress) -> None:
        """As `workers.Runner.run`; a worker that dies costs its job, which is tried once more."""
        remote = self._ray.remote(num_cpus=1, max_retries=TRIES_MAX - 1)(_compute)
        ordered = sorted(jobs, key=lambda job: -job.rows * len(job.numbers))
        under_way = {remote.remote(job): job for job in ordered}
        whole_rows, done_rows = sum(job.rows for job in jobs), 0
        while under_way:
            ended, _ = self._ray.wait(list(under_way), num_returns=1)
            for reference in ended:
                job = under_way.pop(reference)
                try:
                    problem = self._ray.get(reference)
                except self._ray.exceptions.RayError as error:
                    raise JobError(str(job), f"its worker died: {error}") from error
                if problem:
                    raise JobError(str(job), problem)
                done_rows += job.rows
                progress(done_rows, whole_rows)


def _compute(job: Job) -> str:
    """What was wrong with it, or nothing."""
    if not Path(job.data).is_dir():
        return (
            f"{job.data} is not there on the machine of a worker; keep the data folder on storage "
            "that all of them see at that path"
        )
    try:
        run_job(job, lambda *_: None)
    except (HfptmError, OSError) as error:
        return str(error)
    return ""
