"""An account's signatures, against the vectors of the clients and the exchange's own checks."""

import msgspec
import pytest

from hfptm.records import BUY, SELL, Side, Token
from hfptm.sandbox.auth import Caller
from hfptm.sandbox.signed_orders import PostedOrder, SignedOrders
from hfptm.secrets import Secret, Secrets
from hfptm.units import ONE_E6
from hfptm.venue.account import Account, Placement, TimeInForce, amounts
from hfptm.venue.signing import SignatureType, Signer
from tests.gateway import ADDRESS, secrets_of
from tests.sandbox_api import (
    NEG_RISK_SLUG,
    STANDARD_SLUG,
    START_NS,
    V2_SLUG,
    entry_of,
    make_sandbox,
)

GTC, FOK, FAK = TimeInForce.GTC, TimeInForce.FOK, TimeInForce.FAK
WALLET = Signer("0x" + "33" * 32).address
ANVIL = Secrets(
    private_key=Secret("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    api_key=Secret("k"),
    api_secret=Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    api_passphrase=Secret("p"),
    funder_address="0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    signature_type=0,
)


@pytest.mark.parametrize("slug", [STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG])
@pytest.mark.parametrize("wallet", [None, SignatureType.POLY_PROXY, SignatureType.POLY_1271])
@pytest.mark.parametrize("token", [Token.YES, Token.NO])
def test_the_exchange_accepts_what_is_signed(
    slug: str, wallet: SignatureType | None, token: Token
) -> None:
    sandbox = make_sandbox()
    secrets = secrets_of(sandbox)
    if wallet is not None:
        sandbox.wallets.register(ADDRESS, wallet, WALLET)
        secrets = msgspec.structs.replace(
            secrets, funder_address=WALLET.lower(), signature_type=int(wallet)
        )
    placement = Placement(
        order=7,
        decided_ns=START_NS,
        market=entry_of(sandbox, slug).listed.market,
        token=token,
        side=Side(BUY),
        price_e4=4_000,
        size_e6=10 * ONE_E6,
        time_in_force=GTC,
        is_post_only=True,
    )
    account = Account(secrets)
    signed = account.sign(placement, START_NS)
    body = msgspec.json.encode(account.posting(signed))
    posted = msgspec.json.decode(body, type=PostedOrder)
    caller = Caller(ADDRESS, secrets.api_key.reveal())
    request, _ = SignedOrders(sandbox.exchange, sandbox.wallets).accept(posted, caller)
    assert (request.order_id, request.account) == (signed.order_id, WALLET if wallet else ADDRESS)
    assert request.token == (placement.market.yes_token, placement.market.no_token)[token]
    assert (request.maker_e6, request.taker_e6) == (4 * ONE_E6, 10 * ONE_E6)
    assert (request.time_in_force, request.post_only) == ("GTC", True)


def test_orders_differ_by_their_number_and_by_their_time() -> None:
    sandbox = make_sandbox()
    account = Account(secrets_of(sandbox))
    market = entry_of(sandbox, STANDARD_SLUG).listed.market

    def order_id(order: int, ts_ns: int) -> str:
        placement = Placement(
            order=order,
            decided_ns=START_NS,
            market=market,
            token=Token.YES,
            side=Side(BUY),
            price_e4=4_000,
            size_e6=10 * ONE_E6,
        )
        return account.sign(placement, ts_ns).order_id

    assert order_id(1, START_NS) == order_id(1, START_NS)
    assert len({order_id(n, START_NS + t) for n in range(5) for t in range(5)}) == 25


@pytest.mark.parametrize(
    ("side", "kind", "wanted"),
    [
        (BUY, GTC, (5_262_400, 10_120_000)),
        (SELL, GTC, (10_120_000, 5_262_400)),
        (BUY, FAK, (5_260_000, 10_115_300)),
        (BUY, FOK, (5_260_000, 10_115_300)),
        (SELL, FAK, (10_120_000, 5_262_400)),
    ],
)
def test_amounts(side: Side, kind: TimeInForce, wanted: tuple[int, int]) -> None:
    """10.129 shares at 0.52: a limit order is for shares, an immediate BUY spends whole cents."""
    market = entry_of(make_sandbox(), STANDARD_SLUG).listed.market
    placement = Placement(
        order=1,
        decided_ns=START_NS,
        market=market,
        token=Token.YES,
        side=Side(side),
        price_e4=5_200,
        size_e6=10_129_000,
        time_in_force=kind,
    )
    assert amounts(placement) == wanted


def test_headers_are_those_of_the_clients() -> None:
    """The vectors of the exchange reference, section 3.2."""
    account, ts_ns = Account(ANVIL), 1_767_225_600 * 10**9
    headers = account.headers("GET", "/data/orders", b"", ts_ns)
    assert headers["POLY_SIGNATURE"] == "dWrat5kGJKG12lN3uWmqJX90ZbIicxgCmIbz-rFgq1c="
    headers = account.headers("DELETE", "/order", b'{"orderID":"0xabc"}', ts_ns)
    assert headers["POLY_SIGNATURE"] == "FNCYTHUfaWj0HbCAn4AkoDTO06e6RcOXXNtkrH1DdtM="
    assert headers["POLY_ADDRESS"] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert (headers["POLY_TIMESTAMP"], headers["POLY_API_KEY"]) == ("1767225600", "k")
