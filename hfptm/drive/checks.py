"""What must hold before an order may leave: each check says what is wrong and what to do about it.

Asked of the exchange through the same signed calls that orders use. Source: exchange reference,
sections 3.3, 3.5 and 3.8.
"""

from collections.abc import Awaitable, Iterator
from typing import NamedTuple

import httpx
import msgspec

from hfptm import clock
from hfptm.config import Config
from hfptm.drive.clob import DEADLINE_S, Clob, NoReplyError
from hfptm.portfolio import Portfolio
from hfptm.records import Token
from hfptm.sections import Servers
from hfptm.units import NS_PER_S, ONE_E6

CLOCK_OFF_NS_MAX = 3 * NS_PER_S // 2
"""The exchange tells whole seconds, so half of one is what its answer is worth."""

_EVENT = "/events?limit=1"

CAPS = (
    "trading.bankroll_usd",
    "trading.max_arb_size_usd",
    "risk.max_exposure_per_market_usd",
    "risk.max_exposure_per_event_usd",
    "risk.max_exposure_total_usd",
    "risk.daily_loss_limit_usd",
    "risk.max_drawdown_usd",
)
"""Somebody has to have written these down for this account: a default is nobody's decision."""


class Check(NamedTuple):
    name: str
    problem: str
    """What is wrong and what to do; empty if nothing is."""


class _Balance(msgspec.Struct):
    balance: str
    allowances: dict[str, str] = {}


class _ClosedOnly(msgspec.Struct):
    closed_only: bool


class _Order(msgspec.Struct):
    id: str


class _Orders(msgspec.Struct):
    data: list[_Order]


_BALANCE = msgspec.json.Decoder(_Balance)
_CLOSED_ONLY = msgspec.json.Decoder(_ClosedOnly)
_ORDERS = msgspec.json.Decoder(_Orders)
_SECONDS = msgspec.json.Decoder(int)


def written_checks(config: Config) -> Iterator[Check]:
    """Of what is written down."""
    mode = config.trading.mode
    problem = f'is {mode}; set it to "live" to let orders leave' if mode != "live" else ""
    yield Check("trading.mode", problem)
    missing = [key for key in CAPS if key not in config.sources]
    problem = f"{', '.join(missing)}: write them down for this account" if missing else ""
    yield Check("caps", problem)


async def public_checks(servers: Servers) -> list[Check]:
    """Of the exchange, as anybody may ask it."""
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        return [
            Check("clob answers", await _answers(http, servers.clob_url, "/time", "clob_url")),
            Check("gamma answers", await _answers(http, servers.gamma_url, _EVENT, "gamma_url")),
        ]


async def _answers(http: httpx.AsyncClient, address: str, path: str, setting: str) -> str:
    try:
        reply = await http.get(f"{address}{path}")
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
    else:
        if reply.status_code == 200:
            return ""
        said = f"answers {reply.status_code}"
    return f"{address}: {said}; check the network and server.{setting}"


async def account_checks(
    clob: Clob, signature_type: int, cash_e6: int, portfolio: Portfolio
) -> list[Check]:
    """Of the exchange and the account, which should hold at least so much and these positions."""
    wallet = {"signature_type": str(signature_type)}
    return [
        Check("clock", await _ask(_clock(clob))),
        Check("trading allowed", await _ask(_closed_only(clob))),
        Check("cash and allowance", await _ask(_cash(clob, wallet, cash_e6))),
        Check("positions", await _ask(_positions(clob, wallet, portfolio))),
        Check("open orders", await _ask(_open_orders(clob))),
    ]


async def _ask(question: Awaitable[str]) -> str:
    try:
        return await question
    except NoReplyError as error:
        return f"{error}; check the network and server.clob_url"
    except (msgspec.DecodeError, ValueError) as error:
        return f"the answer cannot be read ({error}); see whether the exchange has changed"


async def _clock(clob: Clob) -> str:
    sent_ns = clock.wall_ns()
    theirs_ns = _SECONDS.decode((await clob.request("GET", "/time")).body) * NS_PER_S
    ours_ns = (sent_ns + clock.wall_ns()) // 2
    off_ns = theirs_ns + NS_PER_S // 2 - ours_ns
    if abs(off_ns) <= CLOCK_OFF_NS_MAX:
        return ""
    return f"the exchange's is {off_ns / NS_PER_S:+.1f} s off ours; set ours, as by NTP"


async def _closed_only(clob: Clob) -> str:
    reply = await clob.request("GET", "/auth/ban-status/closed-only")
    if reply.status in (401, 403):
        return "the exchange refuses the API key; create one for this private key"
    if _CLOSED_ONLY.decode(reply.body).closed_only:
        return "the exchange lets this account only close; ask it why, or use another"
    return ""


async def _cash(clob: Clob, wallet: dict[str, str], cash_e6: int) -> str:
    held = await _balance(clob, wallet | {"asset_type": "COLLATERAL"})
    if int(held.balance) < cash_e6:
        has_usd, needs_usd = int(held.balance) / ONE_E6, cash_e6 / ONE_E6
        return (
            f"the account holds ${has_usd:,.2f}, less than the ${needs_usd:,.2f} of the books; "
            "deposit, or lower trading.bankroll_usd"
        )
    if not held.allowances or not all(map(int, held.allowances.values())):
        return "the exchange may not take the account's collateral; approve it on its site"
    return ""


async def _positions(clob: Clob, wallet: dict[str, str], portfolio: Portfolio) -> str:
    markets = {market.market: market for market in portfolio.markets}
    for position in portfolio.positions:
        market = markets[position.market]
        token = market.yes_token if position.token == Token.YES else market.no_token
        asked = {"asset_type": "CONDITIONAL", "token_id": token}
        held = await _balance(clob, wallet | asked)
        if int(held.balance) < position.size_e6:
            return (
                f"of {market.slug} {Token(position.token).name} the account holds "
                f"{int(held.balance) / ONE_E6:,.2f} shares, the last run left "
                f"{position.size_e6 / ONE_E6:,.2f}; find out where they are, then begin with --anew"
            )
    return ""


async def _open_orders(clob: Clob) -> str:
    reply = await clob.request("GET", "/data/orders")
    orders = _ORDERS.decode(reply.body).data
    if not orders:
        return ""
    shown = ", ".join(order.id for order in orders[:3])
    return f"{len(orders)} are open that nobody here knows ({shown}); cancel them on its site"


async def _balance(clob: Clob, query: dict[str, str]) -> _Balance:
    reply = await clob.request("GET", "/balance-allowance", query=query)
    return _BALANCE.decode(reply.body)
