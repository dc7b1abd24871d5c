"""`hfptm doctor`: is everything there that a run needs? It sends no order.

With --live it leaves its findings in the data folder: no order leaves without them.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.cli.operating import sets_problem, transacts
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
    found = asyncio.run(checks(settings, place))
    advice: list[Check] = []
    if live:
        account, more = asyncio.run(live_checks(settings, place))
        found += more
        note_findings(settings, place, account, found)
        advice = [alerts_check()]
    told = [check._asdict() for check in (*found, *advice)]
    show(as_json, told, lambda: checks_table(found, advice))
    if any(check.problem for check in found):
        raise typer.Exit(1)


async def checks(settings: "Config", data: Path) -> "list[Check]":
    from hfptm.drive.checks import public_checks

    return [folder_check(data), switch_check(data), *await public_checks(settings.server)]


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


def alerts_check() -> "Check":
    """What it finds is advice: orders may leave without."""
    from hfptm.config import environment
    from hfptm.drive.checks import Check
    from hfptm.errors import ConfigError
    from hfptm.secrets import DEFAULT_PATH, load_watching

    try:
        addresses = load_watching(DEFAULT_PATH, environment()).alert_addresses
    except ConfigError as error:
        return Check("alerts", str(error))
    none = (
        f"nobody is told if it dies: no alert_addresses in {DEFAULT_PATH}; try `hfptm alert-test`"
    )
    return Check("alerts", "" if addresses else none)


async def live_checks(settings: "Config", data: Path) -> "tuple[str, list[Check]]":
    """Of which account, and what was found; it goes on with what the last live run left.

    The account is not asked with secrets that are wrong; then it is empty.
    """
    from hfptm.cli.flip import described
    from hfptm.cli.live import begun
    from hfptm.config import environment
    from hfptm.drive.checks import Check, exchange_checks, written_checks
    from hfptm.drive.clob import Clob
    from hfptm.drive.node_check import node_check
    from hfptm.errors import ConfigError
    from hfptm.secrets import DEFAULT_PATH, forbid_core_dumps, load
    from hfptm.venue.account import Account

    forbid_core_dumps()
    found = list(written_checks(settings))
    try:
        secrets = load(DEFAULT_PATH, environment())
        account = Account(secrets)
    except ConfigError as error:
        return "", [*found, Check("secrets", str(error))]
    left = begun(data, is_anew=False, is_resumed=True).portfolio
    async with Clob(settings.server.clob_url, account) as clob:
        asked = await exchange_checks(settings, clob, secrets.signature_type, left)
    if transacts(settings, secrets):
        asked.append(await node_check(settings.server, secrets))
    sets = Check("trading.complete_sets", sets_problem(settings, secrets))
    return described(account), [*found, sets, Check("secrets", ""), *asked]


def note_findings(settings: "Config", data: Path, account: str, found: "list[Check]") -> None:
    """In the data folder, if it takes files."""
    from hfptm.clock import wall_ns
    from hfptm.drive.findings import Findings, config_digest, write_findings

    findings = Findings(
        ts_ns=wall_ns(),
        account=account,
        exchange=settings.server.clob_url,
        config=config_digest(settings),
        missing=[check.name for check in found if check.problem],
    )
    if not folder_check(data).problem:
        write_findings(data, findings)


def checks_table(found: "list[Check]", advice: "list[Check]") -> "Table":
    from hfptm.tables import add, table

    made = table("Check", "", justify="left", label_columns=20)
    for check in found:
        add(made, check.name, check.problem or "ok", style="bold red" if check.problem else "")
    for check in advice:
        add(made, check.name, check.problem or "ok", style="yellow" if check.problem else "")
    return made
