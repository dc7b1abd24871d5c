"""A client that posts prepared orders, and how long each answer takes."""

import threading
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import numpy as np

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.records import BUY
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, parse_price_e4
from hfptm.venue.orders import limit_amounts
from hfptm.venue.signing import (
    OrderTerms,
    SignatureType,
    Signer,
    auth_digest,
    domain_of,
    request_signature,
)

PER_S = 39
"""Just below what the exchange lets an account of the lowest tier place."""

SHARES = 5
PATH = "/order"


class RoundTrips(NamedTuple):
    """In ms."""

    p50: float
    p99: float


class Desk:
    """One account with one connection that stays open, and its API key."""

    def __init__(self, clob_url: str, private_key: str) -> None:
        parts = urlsplit(clob_url)
        self._http = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        self._signer = Signer(private_key)
        self._salt = 0
        ts_s = wall_ns() // NS_PER_S
        signature = self._signer.sign(auth_digest(self._signer.address, ts_s, 0))
        headers = {"poly_signature": signature, "poly_timestamp": str(ts_s), "poly_nonce": "0"}
        self._key = self._json("GET", "/auth/derive-api-key", headers) or self._json(
            "POST", "/auth/api-key", headers
        )

    def _json(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
        """The reply; None if it is a refusal."""
        headers |= {"poly_address": self._signer.address}
        self._http.request(method, path, body or None, headers)
        reply = self._http.getresponse()
        content = msgspec.json.decode(reply.read())
        return content if reply.status == 200 else None

    def choose(self, gamma: Any) -> None:
        """Trade in a market as Gamma tells it."""
        self._token = msgspec.json.decode(gamma["clobTokenIds"])[0]
        self._domain = domain_of(self._token, neg_risk=gamma["negRisk"])
        self._tick_e4 = parse_price_e4(str(gamma["orderPriceMinTickSize"]))

    def round_trips(self, orders: int) -> RoundTrips:
        """Post bids at the lowest price, one after the other, at a steady pace."""
        prepared = [self._prepared() for _ in range(orders)]
        waiting = threading.Event()
        times_ms = []
        for body, headers in prepared:
            began_ns = monotonic_ns()
            reply = self._json("POST", PATH, headers, body)
            took_ns = monotonic_ns() - began_ns
            assert reply is not None
            assert reply["status"] == "live"
            times_ms.append(took_ns / NS_PER_MS)
            waiting.wait(max(0, NS_PER_S // PER_S - took_ns) / NS_PER_S)
        return RoundTrips(*map(float, np.percentile(times_ms, (50, 99))))

    def _prepared(self) -> tuple[bytes, dict[str, str]]:
        body = msgspec.json.encode(self._order())
        ts_s = str(wall_ns() // NS_PER_S)
        secret = self._key["secret"]
        return body, {
            "content-type": "application/json",
            "poly_timestamp": ts_s,
            "poly_api_key": self._key["apiKey"],
            "poly_passphrase": self._key["passphrase"],
            "poly_signature": request_signature(secret, ts_s, "POST", PATH, body),
        }

    def _order(self) -> dict[str, Any]:
        self._salt += 1
        maker_e6, taker_e6 = limit_amounts(BUY, self._tick_e4, SHARES * ONE_E6, self._tick_e4)
        address = self._signer.address
        terms = OrderTerms(
            salt=self._salt,
            maker=address,
            signer=address,
            token=self._token,
            maker_e6=maker_e6,
            taker_e6=taker_e6,
            side=BUY,
            signature_type=SignatureType.EOA,
            timestamp_ms=wall_ns() // NS_PER_MS,
        )
        signed = {
            "salt": terms.salt,
            "maker": address,
            "signer": address,
            "tokenId": terms.token,
            "makerAmount": str(maker_e6),
            "takerAmount": str(taker_e6),
            "side": "BUY",
            "signatureType": int(terms.signature_type),
            "timestamp": str(terms.timestamp_ms),
            "expiration": "0",
            "metadata": terms.metadata,
            "builder": terms.builder,
            "signature": self._signer.sign_order(terms, self._domain),
        }
        owner = self._key["apiKey"]
        return {"deferExec": False, "order": signed, "orderType": "GTC", "owner": owner}

    def close(self) -> None:
        self._http.close()
