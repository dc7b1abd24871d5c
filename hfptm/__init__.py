"""hfptm: record, replay and paper-trade arbitrage on Polymarket."""

__version__ = "0.1.0"
