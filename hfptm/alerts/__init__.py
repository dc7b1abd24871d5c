"""What is worth a message to somebody who does not look: rules, groups of alerts, and sending."""

from hfptm.alerts.kinds import Alert
from hfptm.alerts.watch import Watch

__all__ = ["Alert", "Watch"]
