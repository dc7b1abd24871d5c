"""Orders as clients post them: read, matched against who posts them, and their signature checked.

Source: exchange reference, sections 3.3, 4.1 and 4.3; texts are those of the exchange's page of
error codes, and "invalid signature" and "order_version_mismatch" those of its replies.
"""

import msgspec

from hfptm.records import BUY, SELL
from hfptm.sandbox.auth import Caller
from hfptm.sandbox.calls import ApiError
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.history import Posting
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.refusals import Reason
from hfptm.sandbox.wallets import Wallets
from hfptm.venue import signing
from hfptm.venue.signing import EXCHANGE_V3, NEG_RISK, STANDARD, Domain, OrderTerms, SignatureType

INVALID_PAYLOAD = "Invalid order payload"
VERSION_MISMATCH = "order_version_mismatch"
INVALID_SIGNATURE = "invalid signature"
WRONG_OWNER = "the order owner has to be the owner of the API KEY"
WRONG_SIGNER = "the order signer address has to be the address of the API KEY"
CLOSED_ONLY = "'{address}' address in closed only mode"

_SALT_MAX = 1 << 53
_SIDES = {"BUY": BUY, "SELL": SELL}


class SignedFields(msgspec.Struct, rename="camel"):
    """`order` of a posting. `timestamp` is missing only from orders of the first CLOB version."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: str
    signature_type: int
    signature: str
    expiration: str = "0"
    timestamp: str = ""
    metadata: str = signing.ZERO_BYTES32
    builder: str = signing.ZERO_BYTES32


class PostedOrder(msgspec.Struct, rename="camel"):
    """The body of POST /order. `deferExec` is accepted and changes nothing."""

    order: SignedFields
    owner: str
    order_type: TimeInForce
    post_only: bool = False
    defer_exec: bool = False


class SignedOrders:
    """Turns what is posted into orders for the engine, or refuses it."""

    def __init__(self, exchange: Exchange, wallets: Wallets) -> None:
        self._exchange = exchange
        self._wallets = wallets

    def accept(self, posted: PostedOrder, caller: Caller) -> tuple[OrderRequest, Posting]:
        """The order with its id, and how it was posted. Raises ApiError(400)."""
        if posted.owner != caller.api_key:
            raise ApiError(400, WRONG_OWNER)
        if not posted.order.timestamp:
            raise ApiError(400, VERSION_MISMATCH)
        terms, expiration_s = _terms(posted.order)
        self._check_wallet(terms, caller.address)
        domain = self._domain(terms.token)
        _check_signature(terms, domain, posted.order.signature, caller.address)
        request = OrderRequest(
            order_id=signing.order_id(terms, domain),
            account=terms.maker,
            token=terms.token,
            side=terms.side,
            maker_e6=terms.maker_e6,
            taker_e6=terms.taker_e6,
            time_in_force=posted.order_type,
            post_only=posted.post_only,
            expiration_s=expiration_s,
        )
        return request, Posting(caller.api_key, expiration_s)

    def _check_wallet(self, terms: OrderTerms, owner: str) -> None:
        """The maker must be the owner's wallet of the type; only a deposit wallet signs itself."""
        wallet = self._wallets.of(owner, terms.signature_type)
        is_own_signer = terms.signature_type is SignatureType.POLY_1271
        if terms.signer != (wallet if is_own_signer else owner):
            raise ApiError(400, WRONG_SIGNER)
        if terms.maker != wallet:
            raise ApiError(400, WRONG_OWNER)

    def _domain(self, token: str) -> Domain:
        found = self._exchange.markets.of_token(token)
        if found is None:
            raise ApiError(400, Reason.NO_ORDERBOOK.format(token=token))
        return signing.domain_of(token, neg_risk=found[0].market.neg_risk)


def _terms(order: SignedFields) -> tuple[OrderTerms, int]:
    """What was signed, addresses checksummed, and the expiration, which is not."""
    try:
        terms = OrderTerms(
            salt=order.salt,
            maker=signing.checksum(order.maker),
            signer=signing.checksum(order.signer),
            token=order.token_id,
            maker_e6=signing.parse_uint256(order.maker_amount),
            taker_e6=signing.parse_uint256(order.taker_amount),
            side=_SIDES[order.side],
            signature_type=SignatureType(order.signature_type),
            timestamp_ms=signing.parse_uint256(order.timestamp),
            metadata=order.metadata,
            builder=order.builder,
        )
        signing.order_id(terms, STANDARD)
        expiration_s = signing.parse_uint256(order.expiration)
    except (KeyError, ValueError) as error:
        raise ApiError(400, INVALID_PAYLOAD) from error
    if not 0 <= order.salt <= _SALT_MAX:
        raise ApiError(400, INVALID_PAYLOAD)
    return terms, expiration_s


def _check_signature(terms: OrderTerms, domain: Domain, signature: str, owner: str) -> None:
    if _is_signed(terms, domain, signature, owner):
        return
    others = (STANDARD, NEG_RISK, EXCHANGE_V3)
    versions = [other for other in others if other.version != domain.version]
    if any(_is_signed(terms, other, signature, owner) for other in versions):
        raise ApiError(400, VERSION_MISMATCH)
    raise ApiError(400, INVALID_SIGNATURE)


def _is_signed(terms: OrderTerms, domain: Domain, signature: str, owner: str) -> bool:
    try:
        return signing.recover_order(terms, domain, signature) == owner
    except ValueError:
        return False
