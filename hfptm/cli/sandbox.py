"""Commands of the sandbox: an exchange on loopback, and what it sent played once more."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.cli.options import AsJson, Duration, duration_ns, stamp
from hfptm.cli.output import say, show, status_line

if TYPE_CHECKING:
    from rich.table import Table

    from hfptm.sandbox.resend import Sent
    from hfptm.sandbox.service import Service

Port = Annotated[int, typer.Option(min=0, max=65_535, metavar="PORT", help="0: any free one.")]

REFRESH_S = 0.5
LATE_NS = 1_000_000_000
"""An exchange that is later than this says so."""

app = typer.Typer(help="An exchange on loopback that speaks Polymarket's protocols.")


@app.command()
def serve(
    *,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Another seed, other traders.")
    ] = 1,
    markets: Annotated[
        int, typer.Option(min=12, max=20_000, metavar="N", help="Markets at the start.")
    ] = 12,
    rate: Annotated[
        int,
        typer.Option(min=1, max=100_000, metavar="FRAMES_PER_S", help="Of all markets together."),
    ] = 200,
    speed: Annotated[
        int, typer.Option(min=1, max=100, metavar="X", help="Windows and games X times shorter.")
    ] = 1,
    plant: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Opportunities to plant; truth in FILE.truth.jsonl."),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Faults; what they did in FILE.log.jsonl."),
    ] = None,
    wire: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gets every frame of the market channel.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Begin the exchange's clock here rather than now."),
    ] = None,
    duration: Duration = None,
    clob_port: Port = 0,
    gamma_port: Port = 0,
    ws_port: Port = 0,
    as_json: AsJson = False,
) -> None:
    """Serve an exchange full of traders on loopback, until Ctrl-C or SIGTERM."""
    from hfptm.sandbox.service import Ports, Service
    from hfptm.sandbox.session import Settings

    service = Service(
        Settings(
            seed=seed,
            markets=markets,
            rate=rate,
            speed=speed,
            plant=plant,
            faults=faults,
            wire=wire,
        ),
        Ports(clob=clob_port, gamma=gamma_port, ws=ws_port),
        start_ns=None if start is None else stamp("--start", start),
        duration_ns=None if duration is None else duration_ns("--duration", duration),
    )
    with stop_signals() as stopped, service:
        if as_json:
            show(as_json, described(service), str)
        else:
            print(greeting(service))
        sys.stdout.flush()
        with status_line() as status:
            watch(service, stopped, status)
    say(f"{service.session.frames:,} frames in all")


@app.command()
def resend(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What --wire of `serve` wrote.")],
    *,
    rate: Annotated[
        int,
        typer.Option(min=0, metavar="FRAMES_PER_S", help="To each subscriber; 0: full speed."),
    ] = 0,
    subscribers: Annotated[
        int, typer.Option(min=1, metavar="N", help="End once so many had everything.")
    ] = 1,
    ws_port: Port = 0,
    as_json: AsJson = False,
) -> None:
    """Play a wire file to each subscriber of its assets, from its first frame on."""
    from hfptm.sandbox.resend import resend as run

    def on_ready(address: str) -> None:
        say(f"serving {file} at {address}")

    sent = run(
        file, port=ws_port, rate_frames_per_s=rate, subscribers=subscribers, on_ready=on_ready
    )
    show(as_json, sent, lambda: sent_table(sent))


def described(service: "Service") -> dict[str, object]:
    """What --json says of a sandbox that has just started."""
    from hfptm.sandbox.service import ACCOUNT, PRIVATE_KEY

    session = service.session
    settings = session.settings
    files = {"wire": settings.wire, "truth": settings.truth, "fault_log": settings.fault_log}
    return {
        "servers": service.server.servers,
        "account": {"address": ACCOUNT, "private_key": PRIVATE_KEY},
        "environment": environment_of(service),
        "files": {name: str(path) for name, path in files.items() if path},
        "seed": settings.seed,
        "markets": settings.markets,
        "rate_frames_per_s": settings.rate,
        "speed": settings.speed,
        "start_ts_ns": session.start_ns,
    }


def environment_of(service: "Service") -> dict[str, str]:
    """The variables that point every command of ours at it, and let it trade for the account."""
    import msgspec

    addresses = msgspec.structs.asdict(service.server.servers)
    here = {f"HFPTM_SERVER__{name.upper()}": address for name, address in addresses.items()}
    return here | secrets_of(service)


def secrets_of(service: "Service") -> dict[str, str]:
    """Of the account, as variables; its API key is made here."""
    from hfptm.sandbox.service import ACCOUNT, PRIVATE_KEY
    from hfptm.secrets import variable

    service.server.run(lambda sandbox: sandbox.keys.create(ACCOUNT, 0))
    made = service.session.sandbox.keys.credentials_of(ACCOUNT, 0)
    fields = {
        "private_key": PRIVATE_KEY,
        "api_key": made.api_key,
        "api_secret": made.secret,
        "api_passphrase": made.passphrase,
        "funder_address": ACCOUNT,
        "signature_type": "0",
    }
    return {variable(key): value for key, value in fields.items()}


def greeting(service: "Service") -> str:
    """Addresses, an account, and what to paste into another shell."""
    from hfptm.sandbox.service import ACCOUNT, FUNDS_E6, PRIVATE_KEY
    from hfptm.units import ONE_E6

    server, settings = service.server, service.session.settings
    exports = [f"export {name}={value}" for name, value in environment_of(service).items()]
    return "\n".join(
        [
            f"A sandbox of {settings.markets} markets, seed {settings.seed}. Ctrl-C ends it.",
            "",
            f"  CLOB            {server.servers.clob_url}",
            f"  Gamma           {server.servers.gamma_url}",
            f"  market channel  {server.servers.market_ws_url}",
            f"  user channel    {server.servers.user_ws_url}",
            f"  chain           {server.servers.rpc_url}",
            "",
            f"  account         {ACCOUNT}, with ${FUNDS_E6 // ONE_E6:,} of the sandbox",
            f"  private key     {PRIVATE_KEY}",
            "",
            "The key is public and worthless: everybody knows it. For another shell:",
            "",
            *exports,
        ]
    )


def watch(service: "Service", stopped: threading.Event, status: Callable[[str], None]) -> None:
    """Say how it goes until it is over or stopped."""
    from hfptm.clock import monotonic_ns
    from hfptm.units import NS_PER_S

    before, before_ns = service.session.frames, monotonic_ns()
    while not (stopped.wait(REFRESH_S) or service.is_over):
        frames, now_ns = service.session.frames, monotonic_ns()
        per_s = (frames - before) * NS_PER_S // (now_ns - before_ns)
        before, before_ns = frames, now_ns
        parts = [
            f"{per_s:,} frames/s",
            f"{service.open_markets():,} markets open",
            f"{service.server.connections} connections",
        ]
        if service.behind_ns > LATE_NS:
            parts.append(f"{service.behind_ns / NS_PER_S:.1f} s late: too much for this machine")
        status(", ".join(parts))


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM are how it is meant to end."""
    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def sent_table(sent: "Sent") -> "Table":
    from rich.table import Table

    table = Table("subscribers", "frames", "bytes", "seconds", "frames/s")
    for column in table.columns:
        column.justify = "right"
    table.add_row(
        f"{sent.subscribers:,}",
        f"{sent.frames:,}",
        f"{sent.size_bytes:,}",
        f"{sent.took_ns / 1e9:,.3f}",
        f"{sent.frames_per_s:,}",
    )
    return table
