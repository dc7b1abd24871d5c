"""A sandbox with a market of every kind, and its API without a network in between."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from hfptm.records import Side
from hfptm.registry import Market, market_id
from hfptm.sandbox.calls import Call, Handler, Reply, answer
from hfptm.sandbox.catalogue import EventTerms, MarketEntry, MarketTerms, Tag
from hfptm.sandbox.history import History
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.opening import list_universe
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.reports import Action, Placed
from hfptm.sandbox.routes import clob_table, gamma_table
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import START_MS, make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.orders import limit_amounts
from hfptm.venue.signing import (
    OrderTerms,
    SignatureType,
    Signer,
    checksum,
    domain_of,
    request_signature,
)

START_NS = START_MS * NS_PER_MS
FUNDS_E6 = 1_000_000 * ONE_E6
MAKER = checksum("0x" + "ab" * 20)
"""An account within the process, with money and shares of every plain market."""

STANDARD_SLUG = "btc-updown-15m-1795183200"
NEG_RISK_SLUG = "rate-decision-december-hold"
V2_SLUG = "final-score"
SPORTS_SLUG = "final-winner"


def v2_market() -> Market:
    """A market of protocol V2: 31 bytes of condition id, position ids for tokens."""
    position = 1 << 248 | 0xABCDEF << 120 | 2 << 104 | 1 << 24
    condition_id = f"0x{position >> 8:062x}"
    return Market(
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=str(position),
        no_token=str(position + 1),
        slug=V2_SLUG,
        question="Final score?",
        category="sports",
        group=0,
        tick_e4=25,
        min_size_e6=5 * ONE_E6,
        fee_rate_e4=500,
        fee_exponent=1,
        neg_risk=False,
        version="v2",
        end_ts_ns=START_NS + 7_200 * NS_PER_S,
        valid_from_ns=START_NS,
    )


def sports_market() -> Market:
    condition_id = f"0x{7 << 200:064x}"
    return msgspec.structs.replace(
        v2_market(),
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=str(7 << 200 | 1 << 60),
        no_token=str(7 << 200 | 1 << 61),
        slug=SPORTS_SLUG,
        tick_e4=100,
        version="v1",
    )


def make_sandbox(
    seed: int = 1, history: History | None = None, start_ns: int = START_NS
) -> Sandbox:
    """The universe, a market of protocol V2 and a sports market, all open; MAKER is funded."""
    sandbox = Sandbox(seed, history)
    sandbox.advance(start_ns, start_ns)
    list_universe(sandbox, make_universe(seed), start_ns)
    terms = EventTerms(
        slug="final",
        title="Final",
        tags=(Tag(1, "Sports", "sports"),),
        start_ns=START_NS,
        end_ns=START_NS + 7_200 * NS_PER_S,
    )
    sandbox.add_event(terms, start_ns)
    game_ns = start_ns + 3_600 * NS_PER_S
    sports = Listing(market=sports_market(), sd_s=3, game_start_ns=game_ns, clears_at_start=True)
    for listing in (Listing(market=v2_market()), sports):
        sandbox.add_market("final", listing, MarketTerms(), start_ns)
        sandbox.open_market(listing.market.market, start_ns)
    sandbox.fund(MAKER, FUNDS_E6 * (2 + len(sandbox.catalogue.markets)))
    for entry in sandbox.catalogue.markets:
        sandbox.exchange.split(MAKER, entry.listed.market.market, FUNDS_E6)
    return sandbox


def entry_of(sandbox: Sandbox, slug: str) -> MarketEntry:
    return next(e for e in sandbox.catalogue.markets if e.listed.market.slug == slug)


class Api:
    """Calls handlers as Starlette would, at a time of our own."""

    def __init__(self, sandbox: Sandbox, *, is_gamma: bool = False) -> None:
        self.sandbox = sandbox
        self.now_ns = sandbox.now_ns
        table = gamma_table(sandbox) if is_gamma else clob_table(sandbox)
        self._table = [
            (method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), handler)
            for method, path, handler in table
        ]
        self.orders = 0
        self.reply_headers: dict[str, str] = {}

    def advance(self, ns: int) -> None:
        self.now_ns += ns
        self.sandbox.advance(self.now_ns, self.now_ns)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> tuple[int, Any]:
        """(status, decoded body). A list in `query` repeats its parameter."""
        reply = self.reply(method, path, body, headers, **query)
        self.reply_headers = dict(reply.headers)
        return reply.status, msgspec.json.decode(reply.body)

    def reply(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Reply:
        handler, parts = self._find(method, path)
        call = Call(
            method=method,
            path=path,
            ts_ns=self.now_ns,
            ts_wall_ns=self.now_ns,
            headers=headers or {},
            query={k: v if isinstance(v, list) else [str(v)] for k, v in query.items()},
            parts=parts,
            body=encode(body),
        )
        self.sandbox.advance(call.ts_ns, call.ts_wall_ns)
        return answer(handler, call)

    def _find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        for its_method, pattern, handler in self._table:
            match = pattern.fullmatch(path)
            if match and its_method == method:
                return handler, match.groupdict()
        raise LookupError(f"no handler for {method} {path}")

    def get(self, path: str, **query: Any) -> Any:
        """The body of a call that must succeed."""
        status, body = self.call("GET", path, **query)
        assert status == 200, (path, urlencode(query), body)
        return body

    def post(self, path: str, body: object) -> Any:
        status, reply = self.call("POST", path, body)
        assert status == 200, reply
        return reply

    def rest(
        self, slug: str, side: Side, price_e4: int, shares: int, *, is_no: bool = False
    ) -> Action:
        """An order of MAKER, which must be accepted."""
        listed = entry_of(self.sandbox, slug).listed
        self.orders += 1
        maker_e6, taker_e6 = limit_amounts(side, price_e4, shares * ONE_E6, listed.market.tick_e4)
        request = OrderRequest(
            order_id=f"0x{self.orders:064x}",
            account=MAKER,
            token=listed.tokens()[is_no],
            side=side,
            maker_e6=maker_e6,
            taker_e6=taker_e6,
            time_in_force=TimeInForce.GTC,
        )
        action = self.sandbox.submit(request)
        assert isinstance(action.reports[0], Placed), action.reports
        return action


class Trader:
    """An account with API credentials that signs its own requests."""

    def __init__(self, api: Api, private_key: str) -> None:
        self.api = api
        self.signer = Signer(private_key)
        keys = api.sandbox.keys
        created = keys.create(self.signer.address, 0) or keys.derive(self.signer.address, 0)
        assert created is not None
        self.credentials = created
        self.salt = 0

    def call(self, method: str, path: str, body: object = None, **query: Any) -> tuple[int, Any]:
        return self.api.call(method, path, body, self.headers(method, path, body), **query)

    def headers(self, method: str, path: str, body: object = None) -> dict[str, str]:
        """Those of a request signed now."""
        ts_s = str(self.api.now_ns // NS_PER_S)
        secret = self.credentials.secret
        return {
            "poly_address": self.signer.address,
            "poly_timestamp": ts_s,
            "poly_api_key": self.credentials.api_key,
            "poly_passphrase": self.credentials.passphrase,
            "poly_signature": request_signature(secret, ts_s, method, path, encode(body)),
        }


def encode(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else msgspec.json.encode(body)


def names(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Slugs of events or markets, in order."""
    return [entry["slug"] for entry in entries]


def post_body(
    trader: Trader,
    slug: str,
    side: Side = Side.BID,
    price_e4: int = 4_000,
    shares: int = 10,
    **changes: Any,
) -> dict[str, Any]:
    """A signed order as it is posted. `changes` of its fields are made before signing, except
    `sign_for` (another exchange), `by` (another signer) and those of the body around it."""
    domain = changes.pop("sign_for", None)
    by = changes.pop("by", trader.signer)
    around = {key: changes.pop(key) for key in ("owner", "orderType", "postOnly") if key in changes}
    expiration = changes.pop("expiration", "0")
    terms = order_terms(trader, slug, side, price_e4, shares, **changes)
    entry = entry_of(trader.api.sandbox, slug)
    domain = domain or domain_of(terms.token, neg_risk=entry.listed.market.neg_risk)
    return {
        "deferExec": False,
        "order": {
            "salt": terms.salt,
            "maker": terms.maker,
            "signer": terms.signer,
            "tokenId": terms.token,
            "makerAmount": str(terms.maker_e6),
            "takerAmount": str(terms.taker_e6),
            "side": "SELL" if terms.side else "BUY",
            "signatureType": int(terms.signature_type),
            "timestamp": str(terms.timestamp_ms),
            "expiration": expiration,
            "metadata": terms.metadata,
            "builder": terms.builder,
            "signature": by.sign_order(terms, domain),
        },
        "orderType": "GTC",
        "owner": trader.credentials.api_key,
    } | around


def order_terms(
    trader: Trader, slug: str, side: Side, price_e4: int, shares: int, **changes: Any
) -> OrderTerms:
    """A limit order of a trader in YES; every one has a salt of its own."""
    listed = entry_of(trader.api.sandbox, slug).listed
    trader.salt += 1
    amounts = limit_amounts(side, price_e4, shares * ONE_E6, listed.market.tick_e4)
    fields: dict[str, Any] = {
        "salt": trader.salt,
        "maker": trader.signer.address,
        "signer": trader.signer.address,
        "token": listed.market.yes_token,
        "maker_e6": amounts[0],
        "taker_e6": amounts[1],
        "side": side,
        "signature_type": SignatureType.EOA,
        "timestamp_ms": trader.api.now_ns // NS_PER_MS,
    }
    return OrderTerms(**fields | changes)
