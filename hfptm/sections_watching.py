"""The sections of the configuration about watching what runs; they change no result."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from hfptm.sections import Section
from hfptm.setting_types import (
    Address,
    Count,
    File,
    FreeMebibytes,
    LogFormatName,
    LogLevelName,
    Mebibytes,
    Milliseconds,
    Port,
    Seconds,
    Usd,
)

GONE: Mapping[str, tuple[object, str]] = MappingProxyType(
    {"recorder.status_port": (0, "dashboard.port serves /health and /metrics")}
)
"""As `hfptm.settings.Gone`."""


class Dashboard(Section, frozen=True, kw_only=True):
    """A page, JSON and metrics, served beside `hfptm record`, `hfptm paper` and `hfptm live`."""

    port: Port = 0
    """Of the page. 0: none; `hfptm dashboard` shows the same from a process of its own."""
    address: Address = "127.0.0.1"
    """Where it listens. Any address but this machine's own needs `dashboard_token` among the
    secrets."""


class Alerts(Section, frozen=True, kw_only=True):
    """What is worth a message to the `alert_addresses` among the secrets."""

    trade_above_usd: Usd = Decimal(25)
    """A plan that has ended and spent more."""
    latency_above_ms: Milliseconds = 200
    """From an order to its first report, at the 99th percentile of a minute; 0: never."""
    drawdown_above_usd: Usd = Decimal(100)
    """The fall from the highest result."""
    silent_s: Seconds = 60
    """No frame of any market for so long, or no word of the program itself."""
    free_mib: FreeMebibytes = 1_024
    """Less of the disk is free; 0: never."""
    group_s: Seconds = 10
    """Alerts that come within so long are one message."""
    messages_per_hour: Count = 20
    """Most that an address gets; what comes beyond is told in the next."""


class Log(Section, frozen=True, kw_only=True):
    """What long-running commands tell, on their error stream and in a file."""

    format: LogFormatName = "auto"
    """auto: pretty on a terminal, JSON lines anywhere else."""
    level: LogLevelName = "info"
    """The least that is told."""
    file: File = ""
    """Also into this file, as JSON lines. Empty: none."""
    file_mib: Mebibytes = 16
    """A file of this size is put aside as FILE.1, the one before as FILE.2, and so on."""
    files: Count = 5
    """Files kept, with the one that is written."""
