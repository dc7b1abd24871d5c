"""The command line: composition root and the only place that prints."""

from hfptm.cli.app import main

__all__ = ["main"]
