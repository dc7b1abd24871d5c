"""Messages to addresses, through apprise; nothing of an address leaves but its scheme."""

import logging
import os
import threading

from hfptm.alerts.kinds import Severity
from hfptm.alerts.outbox import Message
from hfptm.clock import format_utc, wall_ns
from hfptm.redaction import parts, redacted
from hfptm.secrets import Secret

_WHY_CHARACTERS_MAX = 300


def short(address: Secret) -> str:
    """An address as it may be shown: "tgram://…"."""
    return f"{address.reveal().partition('://')[0]}://…"


def trial_message() -> Message:
    """That tells nothing but that it came."""
    return Message(
        title=f"hfptm on {os.uname().nodename}: test",
        body=f"{format_utc(wall_ns())} test: alerts of hfptm reach you here.",
        severity=Severity.INFO,
        serial=0,
    )


def send(address: Secret, message: Message) -> str:
    """Empty if it was taken, else why not, without a piece of the address. It may take a while."""
    import apprise  # takes longer than everything else that hfptm imports

    _silence()
    types = {
        Severity.INFO: apprise.NotifyType.INFO,
        Severity.WARNING: apprise.NotifyType.WARNING,
        Severity.CRITICAL: apprise.NotifyType.FAILURE,
    }
    # Without a limit it stays in this thread; `Attempt` has one, and leaves no thread to wait for.
    asset = apprise.AppriseAsset(
        app_id="hfptm", async_mode=False, storage_mode="memory", service_timeout=0
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(address.reveal()):
        return "no service has such an address; look it up in apprise's list of services"
    result = service.notify(
        body=message.body,
        title=message.title,
        notify_type=types[message.severity],
        body_format=apprise.NotifyFormat.TEXT,
    )
    if result:
        return ""
    told = " ".join(" ".join(entry.message.split()) for entry in result.logs())
    why = redacted(told, [address.reveal(), *parts(address.reveal())])
    return why[:_WHY_CHARACTERS_MAX] or "it was not taken"


def _silence() -> None:
    """These libraries log the addresses they send to; what went wrong is in the result."""
    for name in ("apprise", "urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:  # without any, the error stream gets it
            logger.addHandler(logging.NullHandler())


class Attempt:
    """One message on its way to one address, in a thread of its own that nobody waits for."""

    def __init__(self, address: Secret, message: Message) -> None:
        self.message = message
        self._address = address
        self._why: str | None = None
        # A daemon: a service that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="alert", daemon=True)
        self._thread.start()

    @property
    def outcome(self) -> str | None:
        """None while it is under way; empty if it was taken; else why not."""
        if self._thread.is_alive():
            return None
        return "the attempt broke off" if self._why is None else self._why

    def _run(self) -> None:
        self._why = send(self._address, self.message)
