"""What a data folder has to hold before `hfptm live` lets an order leave, made in no time."""

from pathlib import Path

import pytest

from hfptm.cli.flip import described
from hfptm.cli.options import configuration
from hfptm.clock import wall_ns
from hfptm.config import Config, as_toml, environment
from hfptm.drive.findings import Findings, config_digest, write_findings
from hfptm.journal import RunJournal
from hfptm.secrets import DEFAULT_PATH, load
from hfptm.venue.account import Account

LIVE = (
    *("--set", "trading.mode=live"),
    *("--set", "trading.complete_sets=hold"),
    *("--set", "live.canary_plans=1", "--set", "live.canary_usd=100"),
)
"""The word itself, no conversions, and a canary that hardly binds."""

CONFIRMED = "--yes-trade-real-money"
PAPER_RUN = "20200101T000000-000000001"


def allow(data: Path, *settings: str, **variables: str) -> None:
    """A closed paper run, and findings of a doctor to whom nothing was missing.

    `settings` are pairs of --set; `variables` as those of the command, secrets among them.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        config = configuration(None, [*settings[1::2]])
        account = described(Account(load(DEFAULT_PATH, environment())))
    rehearse(data, config)
    findings = Findings(
        ts_ns=wall_ns(),
        account=account,
        exchange=config.server.clob_url,
        config=config_digest(config),
        missing=[],
    )
    write_findings(data, findings)


def rehearse(data: Path, config: Config) -> None:
    """A closed paper run with these settings, in which nothing happened."""
    with RunJournal(data, PAPER_RUN, as_toml(config)) as journal:
        money = {"pnl_usd": 0.0, "locked_profit_usd": 0.0}
        journal.close({"mode": "paper", "plans": 0, "fills": 0, "risk": {}, **money})
