"""The log of a program that runs for weeks: one JSON object a line."""

import logging
from collections.abc import Mapping

import msgspec

from hfptm.clock import format_utc, wall_ns
from hfptm.feed_status import FeedStatus

STATUS_S = 60
"""Between two lines with the whole status."""

_log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """`{"time":…,"level":…,"logger":…,"message":…}`, with `status` where a line has one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": format_utc(wall_ns()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        status = getattr(record, "status", None)
        if status is not None:
            line["status"] = status
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class StatusLog:
    """Logs the status at first and then every minute, and every problem as it comes and goes."""

    def __init__(self) -> None:
        self._notes = 0
        self._problems: set[str] = set()

    def note(self, status: FeedStatus, more: Mapping[str, str] | None = None) -> None:
        """Call it every second; `more` is what else there is to say."""
        problems = set(status.problems)
        for text in sorted(problems - self._problems):
            _log.error("%s", text)
        for text in sorted(self._problems - problems):
            _log.info("no more: %s", text)
        self._problems = problems
        if self._notes % STATUS_S == 0:
            _log.info("status", extra={"status": status})
            if more:
                _log.info("trading", extra={"status": more})
        self._notes += 1
