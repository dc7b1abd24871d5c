"""What has to be there before `hfptm live` lets an order leave: each refusal is one message."""

import os
import pty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from hfptm.cli.flip import is_amount
from hfptm.cli.options import configuration
from hfptm.clock import wall_ns
from hfptm.drive.checks import CAPS
from hfptm.drive.findings import Findings, read_findings, write_findings
from hfptm.records import BUY
from hfptm.sandbox.faults_kinds import ClockSkew, Geoblock, Slow, Timeout
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.node import PATH
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.routes import GEOBLOCK_PATH
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.secrets import Secret
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.orders import limit_amounts
from tests.e2e.command import Result, hfptm
from tests.e2e.flip import CONFIRMED, LIVE, PAPER_RUN, rehearse
from tests.gateway import ADDRESS, secrets_of, serving
from tests.sandbox_api import STANDARD_SLUG, entry_of

BANKROLL = "400"
VALUES = {
    "trading.bankroll_usd": BANKROLL,
    "trading.max_arb_size_usd": "20",
    "risk.max_exposure_per_market_usd": "50",
    "risk.max_exposure_per_event_usd": "60",
    "risk.max_exposure_total_usd": "70",
    "risk.daily_loss_limit_usd": "5",
    "risk.max_drawdown_usd": "10",
    "live.canary_plans": "2",
    "live.canary_usd": "3",
}
WRITES = ("POST", "DELETE")


class Flip:
    """A sandbox, an account, and a folder from which everything may leave."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.data, self.secrets = folder / "data", folder / "config" / "secrets.toml"
        self.wrote: list[Deed] = []
        self.settings = dict(VALUES)
        server.run(self.watch)
        self.write_secrets()

    def watch(self, sandbox: Sandbox) -> None:
        sandbox.faults.start(Slow(method="POST", delay_ms=(0, 0)))
        sandbox.faults.start(Slow(method="DELETE", delay_ms=(0, 0)))
        sandbox.faults.tell = self.wrote.append

    def write_secrets(self) -> None:
        fields = msgspec.structs.asdict(self.server.run(secrets_of))
        shown = {key: v.reveal() if isinstance(v, Secret) else v for key, v in fields.items()}
        self.secrets.parent.mkdir()
        self.secrets.write_text("".join(f"{key} = {value!r}\n" for key, value in shown.items()))
        self.secrets.chmod(0o600)

    def sets(self) -> tuple[str, ...]:
        servers = self.server.servers
        near = {f"server.{name}": getattr(servers, name) for name in servers.__struct_fields__}
        given = [f"{key}={value}" for key, value in {**self.settings, **near}.items()]
        return (*LIVE[:4], *(word for each in given for word in ("--set", each)))

    def allow(self) -> None:
        rehearse(self.data, configuration(None, [*self.sets()[1::2]]))
        assert self.doctor().code == 0

    def doctor(self) -> Result:
        return hfptm("doctor", "--live", "--data", self.data, *self.sets())

    def live(self, *options: str) -> Result:
        return hfptm("live", "--data", self.data, *options, *self.sets())

    def has_sent_nothing(self) -> bool:
        """Neither to the exchange nor to the chain, whose node is asked by POST, too."""
        to_exchange = [d for d in self.wrote if d.method in WRITES and d.path != PATH]
        nonce = self.server.run(lambda s: s.chain.nonce(ADDRESS, is_pending=True))
        return not to_exchange and nonce == 0

    def refused(self, *options: str) -> Result:
        """It ends at once with one message, nothing was sent, and nothing is left behind."""
        before = sorted(self.data.rglob("*"))
        result = self.live(*(options or [CONFIRMED]))
        assert result.code not in (0, 1)
        lines = result.err.splitlines()
        assert len(lines) == 1, result.err
        assert self.has_sent_nothing()
        assert sorted(self.data.rglob("*")) == before
        return result


@contextmanager
def flipping(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Flip]:
    patch.chdir(folder)
    with serving() as (server, _):
        yield Flip(server, folder)


@pytest.fixture
def flip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flip]:
    with flipping(tmp_path, monkeypatch) as made:
        made.allow()
        yield made


def on_sandbox(alter: Callable[[Sandbox], object]) -> Callable[[Flip], None]:
    def act(flip: Flip) -> None:
        flip.server.run(alter)

    return act


def hide_site(sandbox: Sandbox) -> None:
    sandbox.faults.start(Timeout(path=GEOBLOCK_PATH, status=503))


def forbid(sandbox: Sandbox) -> None:
    sandbox.exchange.accounts[ADDRESS].allows_collateral = False


def place(sandbox: Sandbox) -> None:
    listed = entry_of(sandbox, STANDARD_SLUG).listed
    maker_e6, taker_e6 = limit_amounts(BUY, 1_000, 10 * ONE_E6, listed.market.tick_e4)
    request = OrderRequest(
        order_id="0xbeef",
        account=ADDRESS,
        token=listed.market.yes_token,
        side=BUY,
        maker_e6=maker_e6,
        taker_e6=taker_e6,
        time_in_force=TimeInForce.GTC,
    )
    sandbox.submit(request)


def forget_caps(flip: Flip) -> None:
    del flip.settings["risk.max_drawdown_usd"]


def look_long_ago(flip: Flip) -> None:
    found = read_findings(flip.data)
    assert found is not None
    long_ago_ns = wall_ns() - 25 * 3_600 * NS_PER_S
    write_findings(flip.data, msgspec.structs.replace(found, ts_ns=long_ago_ns))


@pytest.mark.parametrize(
    ("act", "told", "what_to_do"),
    [
        (lambda f: f.secrets.unlink(), "secrets: private_key: is missing", "write it into"),
        (lambda f: f.secrets.chmod(0o644), "others may read it", "chmod 600 config/secrets.toml"),
        (forget_caps, "caps: risk.max_drawdown_usd", "write them down"),
        (look_long_ago, "looked 25.0 hours ago", "run `hfptm doctor --live`"),
        (on_sandbox(lambda s: s.faults.start(ClockSkew(skew_ms=2_000))), "clock: ", "set ours"),
        (on_sandbox(lambda s: s.faults.start(Geoblock())), "location: ", "no orders from there"),
        (on_sandbox(hide_site), "location: ", "check the network and server.geoblock_url"),
        (on_sandbox(lambda s: s.closed_only.add(ADDRESS)), "only close", "or use another"),
        (on_sandbox(forbid), "may not take the account's collateral", "approve it"),
        (on_sandbox(place), "1 are open that nobody here knows (0xbeef)", "cancel them"),
    ],
    ids=[
        "secrets",
        "mode",
        "caps",
        "doctor",
        "clock",
        "geoblock",
        "site",
        "closed",
        "allowance",
        "order",
    ],
)
def test_it_refuses(act: Callable[[Flip], None], told: str, what_to_do: str, flip: Flip) -> None:
    act(flip)
    result = flip.refused()
    assert told in result.err
    assert what_to_do in result.err


def test_nobody_looked_nor_tried_it_on_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what differs is named; once all of it is there, a word is wanted."""
    with flipping(tmp_path, monkeypatch) as flip:
        assert "nobody looked yet; run `hfptm doctor --live`" in flip.refused().err
        assert flip.doctor().code == 0
        assert "no closed paper run in " in flip.refused().err
        others = [*flip.sets()[1::2], "risk.max_concurrent_arbs=3"]
        rehearse(flip.data, configuration(None, others))
        told = flip.refused().err
        assert f"the last closed paper run {PAPER_RUN} in " in told
        assert told.endswith(
            " had risk.max_concurrent_arbs 3; run `hfptm paper` with these settings first\n"
        )
        flip.settings["risk.max_concurrent_arbs"] = "3"
        assert "looked at another configuration" in flip.refused().err
        assert flip.doctor().code == 0
        assert "a service says --yes-trade-real-money" in flip.refused("--anew").err
        flip.settings["live.canary_plans"] = "0"
        assert "live.canary_plans: is 0" in flip.refused().err


@pytest.mark.parametrize(("typed", "passes"), [("y", False), ("400.0", False), (BANKROLL, True)])
def test_the_bankroll_has_to_be_typed(
    typed: str, passes: bool, flip: Flip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passes is stopped by the next check: orders that nobody knows."""
    flip.server.run(place)
    theirs, ours = pty.openpty()
    os.write(theirs, f"{typed}\n".encode())
    with os.fdopen(theirs, "wb", closefd=True), os.fdopen(ours) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        result = flip.live()
    assert result.code == 6
    assert ("open orders" in result.err) == passes
    assert ("that is not the bankroll; nothing was sent" in result.err) != passes
    for shown in (flip.server.clob_url, ADDRESS, BANKROLL, PAPER_RUN, "never against the real"):
        assert shown in " ".join(result.err.split())
    assert flip.has_sent_nothing()


@pytest.mark.parametrize(
    ("typed", "is_it"),
    [("1,250.50\n", True), ("1250.5", True), ("1250", False), ("", False), ("yes", False)],
)
def test_the_bankroll_may_be_typed_as_it_is_shown(typed: str, is_it: bool) -> None:
    assert is_amount(typed, Decimal("1250.50")) == is_it


def test_what_is_missing_is_remembered_until_the_doctor_looks_again(flip: Flip) -> None:
    flip.server.run(lambda sandbox: sandbox.closed_only.add(ADDRESS))
    assert flip.doctor().code == 1
    flip.server.run(lambda sandbox: sandbox.closed_only.clear())
    told = "hfptm doctor --live: found that something is missing (trading allowed)"
    assert told in flip.refused().err
    assert flip.doctor().code == 0
    assert "nobody is there to type it" in flip.refused("--anew").err


def test_what_the_doctor_found_is_of_this_account_and_nothing_is_missing(flip: Flip) -> None:
    found = read_findings(flip.data)
    assert isinstance(found, Findings)
    for changes, told in (
        ({"account": "0x1"}, "looked at 0x1;"),
        ({"exchange": "http://h"}, "looked at http://h;"),
        ({"missing": ["clock"]}, "something is missing (clock)"),
        ({"ts_ns": wall_ns() + NS_PER_S * 60}, "still to come: the clock was set back"),
    ):
        write_findings(flip.data, msgspec.structs.replace(found, **changes))
        assert told in flip.refused().err
    (flip.data / "doctor.json").write_text("{")
    assert "nobody looked yet" in flip.refused().err
    assert set(CAPS) == VALUES.keys()
