"""`hfptm doctor`: is everything there that a run needs? It changes nothing and sends no order."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.cli.options import AsJson, ConfigFile, Data, Overrides, configuration, folder
from hfptm.cli.output import show

if TYPE_CHECKING:
    from rich.table import Table

    from hfptm.config import Config
    from hfptm.drive.checks import Check


def doctor(
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Also what orders need: caps, secrets, the account.")
    ] = False,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Check what a run needs, and say what to do about what is missing."""
    settings, place = configuration(config, overrides), folder(data)
    found = asyncio.run(checks(settings, place, is_live=live))
    show(as_json, [check._asdict() for check in found], lambda: checks_table(found))
    if any(check.problem for check in found):
        raise typer.Exit(1)


async def checks(settings: "Config", data: Path, *, is_live: bool) -> "list[Check]":
    from hfptm.drive.checks import public_checks

    found = [folder_check(data), switch_check(data), *await public_checks(settings.server)]
    return [*found, *await live_checks(settings, data)] if is_live else found


def folder_check(data: Path) -> "Check":
    from hfptm.drive.checks import Check

    at = next(path for path in (data, *data.absolute().parents) if path.exists())
    may_write = at.is_dir() and os.access(at, os.W_OK | os.X_OK)
    return Check("data folder", "" if may_write else f"{at} takes no files; name another, --data")


def switch_check(data: Path) -> "Check":
    from hfptm.drive.checks import Check
    from hfptm.drive.kill_switch import reason_of

    reason = reason_of(data)
    problem = "" if reason is None else f"is thrown ({reason}); `hfptm resume` lifts it"
    return Check("kill switch", problem)


async def live_checks(settings: "Config", data: Path) -> "list[Check]":
    """Of what the last live run left; the account is not asked with secrets that are wrong."""
    from hfptm.cli.live import begun
    from hfptm.config import environment, limits
    from hfptm.drive.checks import Check, account_checks, written_checks
    from hfptm.drive.clob import Clob
    from hfptm.errors import ConfigError
    from hfptm.secrets import DEFAULT_PATH, load
    from hfptm.venue.account import Account

    found = list(written_checks(settings))
    try:
        secrets = load(DEFAULT_PATH, environment())
        account = Account(secrets)
    except ConfigError as error:
        return [*found, Check("secrets", str(error))]
    left = begun(data, is_anew=False, is_resumed=True).portfolio
    cash_e6 = limits(settings).bankroll_e6 + left.realised_e6
    cash_e6 -= sum(position.cost_e6 for position in left.positions)
    async with Clob(settings.server.clob_url, account) as clob:
        asked = await account_checks(clob, secrets.signature_type, cash_e6, left)
    return [*found, Check("secrets", ""), *asked]


def checks_table(found: "list[Check]") -> "Table":
    from hfptm.tables import add, table

    made = table("Check", "", justify="left", label_columns=20)
    for check in found:
        add(made, check.name, check.problem or "ok", style="bold red" if check.problem else "")
    return made
