"""Looks at bulletins, and sends what somebody should know; nothing in it waits, or raises."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hfptm.alerts import kept, ledger, outbox
from hfptm.alerts.bounds import Bounds
from hfptm.alerts.kinds import Alert, Kind, Severity
from hfptm.alerts.outbox import Outbox
from hfptm.alerts.sending import Attempt, short
from hfptm.bulletin import Bulletin
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.config import Config
from hfptm.secrets import Secret
from hfptm.units import NS_PER_S

RECENT_MAX = 50

LOCK_NS = 5 * NS_PER_S
"""Between two tries to become the one that sends."""

ATTEMPT_NS_MAX = 60 * NS_PER_S
"""What takes longer has failed."""

HANGING_MAX = 8
"""Attempts of one address that never end; then it is left alone until one does."""

CLOSE_S = 5.0
"""What waits at the end is given this time,"""
CLOSE_DIED_S = 60.0
"""or this, if the program that was watched has just died: nobody else may be there to tell."""

_LOOK_S = 0.05

_log = logging.getLogger(__name__)


class Courier:
    """Brings one address what is in its outbox, one message at a time."""

    def __init__(self, address: Secret, name: str, box: Outbox) -> None:
        self.name, self.box = name, box
        self._address = address
        self._attempt: Attempt | None = None
        self._began_ns = 0
        self._hanging: list[Attempt] = []

    def look(
        self, alerts: Sequence[Alert], bounds: Bounds, place: str, *, at_once: bool = False
    ) -> bool:
        """Whether the outbox is another one now."""
        now_ns, is_changed = wall_ns(), self._finish()
        if self._attempt is None and len(self._hanging) < HANGING_MAX:
            waiting = outbox.due(self.box, alerts, bounds, now_ns, at_once=at_once)
            if waiting:
                message = outbox.message(waiting, self.box.serial, place)
                self._attempt, self._began_ns = Attempt(self._address, message), monotonic_ns()
        return is_changed

    def is_done(self, last: int) -> bool:
        """Whether the address was told of all up to the last alert."""
        return self.box.serial >= last

    def _finish(self) -> bool:
        self._hanging = [attempt for attempt in self._hanging if attempt.outcome is None]
        if self._attempt is None:
            return False
        why = self._attempt.outcome
        if why is None and monotonic_ns() - self._began_ns < ATTEMPT_NS_MAX:
            return False
        if why is None:
            self._hanging.append(self._attempt)
            why = f"no end after {ATTEMPT_NS_MAX // NS_PER_S} s"
        if why:
            outbox.failed(self.box, wall_ns())
            _log.warning("alert to %s failed, it is tried again: %s", self.name, why)
        else:
            outbox.took(self.box, self._attempt.message, wall_ns())
        self._attempt = None
        return True


class Watch:
    """The alerts of one data folder, for a process that watches it.

    One monitor of a folder keeps `alerts.json` and sends; any other only knows what it saw.
    `killed` says why the kill switch is thrown, None if it is not.
    """

    def __init__(
        self,
        data: Path,
        settings: Config,
        addresses: Sequence[Secret],
        killed: Callable[[], str | None],
    ) -> None:
        self._data, self._bounds = data, Bounds.of(settings)
        self._addresses, self._killed = addresses, killed
        self._place = os.uname().nodename
        self._state = ledger.State()
        self._couriers: list[Courier] = []
        self._lock = kept.Lock(data)
        self._tried_ns = 0
        self._is_orphan = False
        self._written: object = None
        self._problem = ""

    @property
    def recent(self) -> list[Alert]:
        """Newest first, at most `RECENT_MAX`."""
        return self._state.alerts[: -RECENT_MAX - 1 : -1]

    def look(self, bulletin: Bulletin | None, now_ns: int, *, is_orphan: bool = False) -> None:
        """Several times a second. `is_orphan`: the process that wrote the bulletin is gone."""
        self._is_orphan = is_orphan
        if not self._lock.is_held:
            self._try_lock()
        last = self._state.serial
        if bulletin:
            ledger.look(
                self._state,
                bulletin,
                self._bounds,
                now_ns,
                killed=self._killed(),
                is_orphan=is_orphan,
            )
        if self._lock.is_held:
            for alert in self._state.alerts:
                if alert.serial > last:
                    level = logging.INFO if alert.severity is Severity.INFO else logging.WARNING
                    _log.log(level, "alert %s: %s", alert.name, alert.text)
            self._send()

    def close(self) -> None:
        """Gives what waits a last chance, then lets the next monitor go on. Takes a few seconds."""
        has_died = self._is_orphan and Kind.DIED in self._state.conditions
        end_ns = monotonic_ns() + int((CLOSE_DIED_S if has_died else CLOSE_S) * NS_PER_S)
        last, pause = self._state.serial, threading.Event()
        for courier in self._couriers:
            courier.box.retry_ns = 0
        while monotonic_ns() < end_ns and not all(c.is_done(last) for c in self._couriers):
            self._send(at_once=True)
            pause.wait(_LOOK_S)
        self._lock.release()

    def _try_lock(self) -> None:
        if self._tried_ns and monotonic_ns() - self._tried_ns < LOCK_NS:
            return
        self._tried_ns = monotonic_ns()
        try:
            if not self._lock.take():
                return
            before = kept.read(self._data)
        except OSError as error:
            self._lock.release()
            self._tell_problem(f"no alert can be sent: {error}")
            return
        self._state = before.state if before else ledger.State()
        self._couriers = [
            self._courier(f"{number} ({short(address)})", address, before)
            for number, address in enumerate(self._addresses, 1)
        ]

    def _courier(self, name: str, address: Secret, before: kept.Kept | None) -> Courier:
        """An address that is new is told of what holds, and of all that comes."""
        box = before.outboxes.get(name) if before else None
        holding = [condition.serial for condition in self._state.conditions.values()]
        begin = min(holding, default=self._state.serial + 1) - 1
        return Courier(address, name, box or Outbox(serial=begin))

    def _send(self, *, at_once: bool = False) -> None:
        for courier in self._couriers:
            courier.look(self._state.alerts, self._bounds, self._place, at_once=at_once)
        self._keep()

    def _keep(self) -> None:
        state, boxes = self._state, {courier.name: courier.box for courier in self._couriers}
        taken = [(box.serial, box.failures) for box in boxes.values()]
        # Conditions come and go with an alert; when they last held is not worth a file.
        now = (state.serial, state.began_ns, state.run_id, *state.plans, *taken)
        if now == self._written:
            return
        try:
            kept.write(self._data, msgspec.json.encode(kept.Kept(state=state, outboxes=boxes)))
        except OSError as error:
            self._tell_problem(f"alerts cannot be kept, and may be told twice: {error}")
            return
        self._written = now

    def _tell_problem(self, text: str) -> None:
        if text != self._problem:
            _log.warning("%s", text)
            self._problem = text
