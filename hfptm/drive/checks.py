"""What must hold before an order may leave: each check says what is wrong and what to do about it.

Asked of the exchange through the same signed calls that orders use. Source: exchange reference,
sections 3.3, 3.5 and 3.8.
"""

import ipaddress
from collections.abc import Awaitable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from hfptm import clock
from hfptm.config import Config, limits
from hfptm.drive.clob import DEADLINE_S, Clob, NoReplyError
from hfptm.portfolio import Portfolio
from hfptm.records import Token
from hfptm.sections import Servers
from hfptm.units import NS_PER_S, ONE_E6

CLOCK_OFF_NS_MAX = 7 * NS_PER_S // 5
"""The exchange tells whole seconds, so half of one is what its answer is worth: a clock that is two
seconds off never passes."""

_EVENT = "/events?limit=1"

CAPS = (
    "trading.bankroll_usd",
    "trading.max_arb_size_usd",
    "risk.max_exposure_per_market_usd",
    "risk.max_exposure_per_event_usd",
    "risk.max_exposure_total_usd",
    "risk.daily_loss_limit_usd",
    "risk.max_drawdown_usd",
    "live.canary_plans",
    "live.canary_usd",
)
"""Somebody has to have written these down for this account: a default is nobody's decision."""


class Check(NamedTuple):
    name: str
    problem: str
    """What is wrong and what to do; empty if nothing is."""


class _Place(msgspec.Struct):
    blocked: bool
    country: str = ""


class _Balance(msgspec.Struct):
    balance: str
    allowances: dict[str, str] = {}


class _ClosedOnly(msgspec.Struct):
    closed_only: bool


class _Order(msgspec.Struct):
    id: str


class _Orders(msgspec.Struct):
    data: list[_Order]


_PLACE = msgspec.json.Decoder(_Place)
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
    problem = "is 0: let at least one plan prove itself before larger ones"
    yield Check("live.canary_plans", "" if config.live.canary_plans else problem)
    yield Check("server", _mixed(config.server))


def _mixed(servers: Servers) -> str:
    """Orders for one exchange on prices of another would be a disaster."""
    given = {name: url for name, url in msgspec.structs.asdict(servers).items() if url}
    here = [name for name, url in given.items() if is_loopback(url)]
    if len(here) in (0, len(given)):
        return ""
    return f"{', '.join(here)} of this machine, the others not; take all of one exchange"


def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def public_checks(servers: Servers) -> list[Check]:
    """Of the exchange, as anybody may ask it."""
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        return [
            Check("clob answers", await _answers(http, servers.clob_url, "/time", "clob_url")),
            Check("gamma answers", await _answers(http, servers.gamma_url, _EVENT, "gamma_url")),
        ]


async def place_check(servers: Servers) -> Check:
    """Of where this machine is, as the exchange's site sees it."""
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        return Check("location", await _place(http, servers.geoblock_url))


async def _place(http: httpx.AsyncClient, address: str) -> str:
    try:
        place = _PLACE.decode((await http.get(address)).raise_for_status().content)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        said = str(error) or type(error).__name__
        return f"{address} does not say ({said}); check the network and server.geoblock_url"
    if not place.blocked:
        return ""
    seen = f"sees this machine in {place.country or 'a country'}, where trading is blocked"
    return f"the exchange {seen}; it takes no orders from there"


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


async def exchange_checks(
    config: Config, clob: Clob, signature_type: int, left: Portfolio
) -> list[Check]:
    """All that is asked before orders leave, of an account that goes on with what was left."""
    cash_e6 = limits(config).bankroll_e6 + left.realised_e6
    cash_e6 -= sum(position.cost_e6 for position in left.positions)
    place = await place_check(config.server)
    return [place, *await account_checks(clob, signature_type, cash_e6, left)]


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
