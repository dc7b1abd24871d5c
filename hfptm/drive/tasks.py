"""Work beside everything else, whose failure is told to who asks for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """`begin` any number; what goes wrong first is raised by `check`."""

    def __init__(self) -> None:
        self.under_way: set[asyncio.Task[None]] = set()
        self.failure: BaseException | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.under_way.add(task)
        task.add_done_callback(self._end)

    def fail(self, error: BaseException) -> None:
        self.failure = self.failure or error

    def check(self) -> None:
        if self.failure:
            raise self.failure

    async def idle(self) -> None:
        """Until all is done, and what that has begun."""
        while self.under_way:
            await asyncio.wait(self.under_way)

    async def end(self, within_s: float) -> bool:
        """Whether what is under way ends within so long; what does not is cancelled."""
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=within_s)
        left = list(self.under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return not left

    def _end(self, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.fail(error)
