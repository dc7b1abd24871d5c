"""`hfptm alert-test`: whether messages reach whoever should have them."""

from typing import TYPE_CHECKING

import typer

from hfptm.cli.options import AsJson
from hfptm.cli.output import show

if TYPE_CHECKING:
    from rich.table import Table


def alert_test(as_json: AsJson = False) -> None:
    """Send one message to each of the alert_addresses, and say which took it."""
    from hfptm.alerts.sending import send, short, trial_message
    from hfptm.config import environment
    from hfptm.errors import ConfigError
    from hfptm.secrets import DEFAULT_PATH, load_watching, variable

    addresses = load_watching(DEFAULT_PATH, environment()).alert_addresses
    if not addresses:
        key = "alert_addresses"
        problem = (
            f'has none; write {key} = ["tgram://BOT_TOKEN/CHAT_ID"] into {DEFAULT_PATH}, '
            f"or set {variable(key)}"
        )
        raise ConfigError("secrets", key, problem)
    message = trial_message()
    outcomes = [
        {"number": number, "address": short(address), "problem": send(address, message)}
        for number, address in enumerate(addresses, 1)
    ]
    show(as_json, outcomes, lambda: outcomes_table(outcomes))
    if any(outcome["problem"] for outcome in outcomes):
        raise typer.Exit(1)


def outcomes_table(outcomes: list[dict[str, object]]) -> "Table":
    from hfptm.tables import add, table

    made = table("Address", "", justify="left", label_columns=24)
    for outcome in outcomes:
        problem = str(outcome["problem"])
        name = f"{outcome['number']} {outcome['address']}"
        add(made, name, problem or "took it", style="bold red" if problem else "")
    return made
