"""What the log of a recorder says of its status."""

import logging
from collections.abc import Mapping

from hfptm.feed_status import FeedStatus

STATUS_S = 60
"""Between two lines with the whole status."""

_log = logging.getLogger(__name__)


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
