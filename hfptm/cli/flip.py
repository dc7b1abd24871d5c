"""The flip from paper to live: what has to be there before orders leave, and a human's word."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.table import Table

    from hfptm.cli.recording import Pairs
    from hfptm.config import Config
    from hfptm.journal import Run
    from hfptm.venue.account import Account

Confirmed = Annotated[
    bool,
    typer.Option("--yes-trade-real-money", help="Instead of the typed confirmation; for services."),
]

NEVER_TRIED = (
    "All of it was tried against the sandbox alone, never against the real exchange: what differs "
    "there may cost you everything that the account holds."
)


def require_flip(settings: "Config", data: Path, account: "Account", *, is_confirmed: bool) -> None:
    """Raises StartError or LakeError, each of which says what to do first."""
    from hfptm.clock import wall_ns
    from hfptm.drive.findings import findings_problem, read_findings
    from hfptm.errors import StartError
    from replay.rehearsal import rehearsal

    found = read_findings(data)
    if problem := findings_problem(found, settings, described(account), wall_ns()):
        raise StartError("hfptm doctor --live", problem)
    paper = rehearsal(data, settings)
    if not is_confirmed:
        confirm(settings, account, paper)


def described(account: "Account") -> str:
    """Its addresses."""
    if account.address == account.funder:
        return account.address
    return f"{account.address} for {account.funder}"


def confirm(settings: "Config", account: "Account", paper: "Run") -> None:
    """Show what is about to happen, and want the bankroll typed. Raises StartError otherwise."""
    from rich.console import Console

    from hfptm.errors import StartError

    if not sys.stdin.isatty():
        problem = "nobody is there to type it; a service says --yes-trade-real-money"
        raise StartError("confirmation", problem)
    console = Console(stderr=True)
    console.print(stake_table(at_stake(settings, account, paper)))
    console.print(f"\n{NEVER_TRIED}\n", style="bold red")
    console.print("Type the bankroll, in dollars, to let orders leave: ", end="")
    if not is_amount(sys.stdin.readline(), settings.trading.bankroll_usd):
        raise StartError("confirmation", "that is not the bankroll; nothing was sent")


def is_amount(typed: str, amount: "Decimal") -> bool:
    """Whether somebody wrote this amount, as it is shown or without its commas."""
    plain = typed.strip().replace(",", "")
    return plain in (f"{amount:f}", f"{amount.normalize():f}")


def stake_table(rows: "Pairs") -> "Table":
    """Wide enough for an address in one piece."""
    from hfptm.tables import add, table

    made = table("Real orders", "", justify="left", label_columns=36)
    for name, value in rows:
        add(made, name, value)
    return made


def at_stake(settings: "Config", account: "Account", paper: "Run") -> "Pairs":
    trading, risk, canary = settings.trading, settings.risk, settings.live
    exposures = (
        risk.max_exposure_per_market_usd,
        risk.max_exposure_per_event_usd,
        risk.max_exposure_total_usd,
    )
    summary = paper.summary
    return [
        ("exchange", settings.server.clob_url),
        ("funds of", account.funder),
        ("signed by", account.address),
        ("bankroll, $", f"{trading.bankroll_usd:,f}"),
        ("largest plan, $", f"{trading.max_arb_size_usd:,f}"),
        (
            "largest of the first, $",
            f"{canary.canary_usd:,f}, until {canary.canary_plans} proved themselves",
        ),
        ("most in a market, an event, all, $", ", ".join(f"{usd:,f}" for usd in exposures)),
        (
            "most lost in a day, from the best, $",
            f"{risk.daily_loss_limit_usd:,f}, {risk.max_drawdown_usd:,f}",
        ),
        ("paper run", paper.path.name),
        ("its plans, fills", f"{summary['plans']:,}, {summary['fills']:,}"),
        (
            "its profit, and what is locked, $",
            f"{summary['pnl_usd']:,.2f}, {summary['locked_profit_usd']:,.2f}",
        ),
    ]
