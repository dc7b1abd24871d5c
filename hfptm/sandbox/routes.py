"""Which handler answers which path, on Gamma's address and on the CLOB's."""

from functools import partial

from starlette.routing import Route

from hfptm.sandbox import node
from hfptm.sandbox.calls import Call, Clock, Handler, Reply, as_json
from hfptm.sandbox.clob_account import AccountDesk
from hfptm.sandbox.clob_books import BookReads
from hfptm.sandbox.clob_cancels import CancelDesk
from hfptm.sandbox.clob_keys import KeyDesk
from hfptm.sandbox.clob_markets import MarketReads
from hfptm.sandbox.clob_orders import OrderDesk
from hfptm.sandbox.endpoints import endpoint
from hfptm.sandbox.faults_calls import CallFaults, geoblock
from hfptm.sandbox.gamma import Gamma
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_S

ORDER_VERSION = 2
"""GET /version: orders of CLOB V2."""

GEOBLOCK_PATH = "/api/geoblock"
"""Of the site, which has no address of its own here: Gamma's answers."""

_Table = list[tuple[str, str, Handler]]


def gamma_table(sandbox: Sandbox) -> _Table:
    """(method, path, handler) of the Gamma API, and of the site."""
    gamma = Gamma(sandbox.catalogue)
    table: _Table = [
        ("GET", "/events", gamma.events),
        ("GET", "/events/keyset", gamma.events_keyset),
        ("GET", "/markets", gamma.markets),
        ("GET", "/markets/keyset", gamma.markets_keyset),
        ("GET", GEOBLOCK_PATH, partial(geoblock, sandbox.faults)),
    ]
    return _with_faults(sandbox, table)


def clob_table(sandbox: Sandbox) -> _Table:
    """(method, path, handler) of the CLOB API; paths are tried in order, those of orders first."""
    return _with_faults(sandbox, [*_private(sandbox), *_reads(sandbox)])


def _with_faults(sandbox: Sandbox, table: _Table) -> _Table:
    faults = CallFaults(sandbox.faults, sandbox.keys)
    return [(method, path, faults.around(handler)) for method, path, handler in table]


def _reads(sandbox: Sandbox) -> _Table:
    books, markets = BookReads(sandbox.catalogue), MarketReads(sandbox.catalogue)
    return [
        ("GET", "/ok", lambda _: as_json("OK")),
        ("GET", "/time", lambda call: as_json(call.ts_wall_ns // NS_PER_S)),
        ("GET", "/version", lambda _: as_json({"version": ORDER_VERSION})),
        ("GET", "/book", books.book),
        ("POST", "/books", books.books),
        ("GET", "/price", books.price),
        ("POST", "/prices", books.prices),
        ("GET", "/midpoint", books.midpoint),
        ("POST", "/midpoints", books.midpoints),
        ("GET", "/spread", books.spread),
        ("POST", "/spreads", books.spreads),
        ("GET", "/last-trade-price", books.last_trade_price),
        ("POST", "/last-trades-prices", books.last_trades_prices),
        ("GET", "/tick-size", books.tick_size),
        ("GET", "/neg-risk", books.neg_risk),
        ("GET", "/fee-rate", books.fee_rate),
        ("GET", "/clob-markets/{condition_id}", markets.clob_market),
        ("GET", "/markets-by-token/{token_id}", markets.by_token),
        ("GET", "/markets", markets.markets),
        ("GET", "/markets/{condition_id}", markets.market),
        ("GET", "/sampling-markets", markets.sampling_markets),
        ("GET", "/simplified-markets", markets.simplified_markets),
        ("GET", "/sampling-simplified-markets", markets.sampling_simplified_markets),
    ]


def _private(sandbox: Sandbox) -> _Table:
    keys, orders = KeyDesk(sandbox.keys), OrderDesk(sandbox)
    cancels, account = CancelDesk(sandbox), AccountDesk(sandbox)
    return [
        ("POST", "/order", orders.post_order),
        ("POST", "/orders", orders.post_orders),
        ("DELETE", "/order", cancels.cancel_order),
        ("DELETE", "/orders", cancels.cancel_orders),
        ("DELETE", "/cancel-all", cancels.cancel_all),
        ("DELETE", "/cancel-market-orders", cancels.cancel_market_orders),
        ("POST", "/auth/api-key", keys.create),
        ("GET", "/auth/derive-api-key", keys.derive),
        ("GET", "/auth/api-keys", keys.keys),
        ("DELETE", "/auth/api-key", keys.delete),
        ("GET", "/auth/ban-status/closed-only", account.closed_only),
        ("GET", "/data/order/{order_id}", account.order),
        ("GET", "/data/orders", account.orders),
        ("GET", "/data/trades", account.trades),
        ("GET", "/balance-allowance", account.balance_allowance),
        ("GET", "/balance-allowance/update", account.update_balance_allowance),
        ("POST", "/v1/heartbeats", account.heartbeat),
        ("POST", node.PATH, node.Node(sandbox).call),
    ]


def as_routes(table: _Table, sandbox: Sandbox, now_ns: Clock, wall_ns: Clock) -> list[Route]:
    """Starlette's routes for a table; what is due happens before each call."""
    return [
        Route(path, endpoint(_up_to_date(sandbox, handler), now_ns, wall_ns), methods=[method])
        for method, path, handler in table
    ]


def _up_to_date(sandbox: Sandbox, handler: Handler) -> Handler:
    def handle(call: Call) -> Reply:
        sandbox.advance(call.ts_ns, call.ts_wall_ns)
        return handler(call)

    return handle
