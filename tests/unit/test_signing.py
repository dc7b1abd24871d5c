"""Digests, signatures and request headers against the reference and two independent clients."""

import base64
import re
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from polymarket._internal.actions.orders.typed_data import (
    build_order_signature,
    build_order_typed_data,
)
from polymarket._internal.actions.orders.types import UnsignedOrder
from polymarket._internal.hmac import build_hmac_signature
from polymarket._internal.l1_auth import sign_api_key_auth
from polymarket.models.types import TokenId
from polymarket.types import EvmAddress, HexString
from py_clob_client_v2.order_utils.exchange_order_builder_v2 import ExchangeOrderBuilderV2
from py_clob_client_v2.order_utils.model.order_data_v2 import OrderV2
from py_clob_client_v2.order_utils.model.side import Side as OracleSide
from py_clob_client_v2.order_utils.model.signature_type_v2 import SignatureTypeV2
from py_clob_client_v2.signer import Signer as OracleSigner
from py_clob_client_v2.signing.hmac import build_hmac_signature as other_hmac

from hfptm.records import Side
from hfptm.venue import signing
from hfptm.venue.signing import (
    CHAIN_ID,
    EXCHANGE_V3,
    NEG_RISK,
    STANDARD,
    Domain,
    OrderTerms,
    SignatureType,
    Signer,
)

# The reference's golden vectors are made with the first, publicly known, test key of Anvil.
ANVIL_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ANVIL_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
TS_S = 1_767_225_600
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

GOLDEN = OrderTerms(
    salt=123_456_789,
    maker=ANVIL_ADDRESS,
    signer=ANVIL_ADDRESS,
    token="1234567890",
    maker_e6=5_200_000,
    taker_e6=10_000_000,
    side=Side.BID,
    signature_type=SignatureType.EOA,
    timestamp_ms=TS_S * 1_000,
)

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
words = st.integers(0, 2**256 - 1)
hashes = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())
keys = st.integers(1, 2**255).map(lambda key: f"0x{key:064x}")
orders = st.builds(
    OrderTerms,
    salt=st.integers(0, 2**53),
    maker=addresses,
    signer=addresses,
    token=words.map(str),
    maker_e6=words,
    taker_e6=words,
    side=st.sampled_from([Side.BID, Side.ASK]),
    signature_type=st.sampled_from(list(SignatureType)),
    timestamp_ms=st.integers(0, 2**63),
    metadata=hashes,
    builder=hashes,
)
domains = st.sampled_from([STANDARD, NEG_RISK, EXCHANGE_V3])


def unsigned(order: OrderTerms, domain: Domain) -> UnsignedOrder:
    """The same order in the terms of polymarket-client."""
    return UnsignedOrder(
        chain_id=CHAIN_ID,
        builder=HexString(order.builder),
        exchange_address=EvmAddress(domain.contract),
        expiration=0,
        maker=EvmAddress(order.maker),
        maker_amount=order.maker_e6,
        metadata=HexString(order.metadata),
        order_type="GTC",
        salt=order.salt,
        side="SELL" if order.side else "BUY",
        signature_type=int(order.signature_type),
        signer=EvmAddress(order.signer),
        taker_amount=order.taker_e6,
        timestamp=order.timestamp_ms,
        token_id=TokenId(order.token),
        protocol_version="3" if domain is EXCHANGE_V3 else "2",
    )


def oracle(order: OrderTerms, domain: Domain, private_key: str) -> tuple[Any, dict[str, Any]]:
    """The order builder of py-clob-client-v2, and the same order as its typed data."""
    builder = ExchangeOrderBuilderV2(
        domain.contract,
        CHAIN_ID,
        OracleSigner(private_key, CHAIN_ID),
        domain_version=domain.version,
    )
    other = OrderV2(
        salt=str(order.salt),
        maker=order.maker,
        signer=order.signer,
        tokenId=order.token,
        makerAmount=str(order.maker_e6),
        takerAmount=str(order.taker_e6),
        side=OracleSide(int(order.side)),
        signatureType=SignatureTypeV2(int(order.signature_type)),
        timestamp=str(order.timestamp_ms),
        metadata=order.metadata,
        builder=order.builder,
        expiration="0",
    )
    return builder, builder.build_order_typed_data(other)


def test_order_ids_of_the_reference() -> None:
    assert signing.order_id(GOLDEN, STANDARD) == (
        "0x728296693277c19c93275be5700524887e0b4d426075e074c09239c5d06a613a"
    )
    assert signing.order_id(GOLDEN, NEG_RISK) == (
        "0x082288f42f0b8369cf5c3cf9015c9c4beb331628995befa45933356e5628134e"
    )
    assert signing.order_id(GOLDEN, EXCHANGE_V3) == (
        "0x9db01cca63d919baa0fdd59d2e94c96028f5ebe3053fa5928824e0ea208c6747"
    )


def test_order_signature_of_the_reference() -> None:
    signature = Signer(ANVIL_KEY).sign_order(GOLDEN, STANDARD)
    assert signature == (
        "0x751bd427453863ece5dde7e741766e84ff5091e09d85e219b88e2ef0cb00c5e7"
        "691ba8047e4eaa4306d9cae2cffa22c19e67d1acfdb970c6b456379563cec3311c"
    )
    assert signing.recover_order(GOLDEN, STANDARD, signature) == ANVIL_ADDRESS


def test_key_request_of_the_reference() -> None:
    digest = signing.auth_digest(ANVIL_ADDRESS, TS_S, 0)
    assert digest.hex() == "5a466d8609e3d69888f14640cf1002efe07300540256b093e6065b8b5430c796"
    signature = Signer(ANVIL_KEY).sign(digest)
    assert signature == (
        "0x51d1afb278b170edacd84f507f65329aca671950e0a1809560dccceef36687783"
        "ab16df2d5b0000e71a7583a07fd5efa12c3a047d6d412a3b0c1e1da964d0aff1b"
    )
    assert signing.recover(digest, signature) == Signer(ANVIL_KEY).address == ANVIL_ADDRESS


def test_request_signatures_of_the_reference() -> None:
    assert signing.request_signature(SECRET, str(TS_S), "GET", "/data/orders") == (
        "dWrat5kGJKG12lN3uWmqJX90ZbIicxgCmIbz-rFgq1c="
    )
    body = b'{"orderID":"0xabc"}'
    assert signing.request_signature(SECRET, str(TS_S), "DELETE", "/order", body) == (
        "FNCYTHUfaWj0HbCAn4AkoDTO06e6RcOXXNtkrH1DdtM="
    )


@given(orders, domains, keys)
def test_py_clob_client_signs_the_same(order: OrderTerms, domain: Domain, key: str) -> None:
    builder, typed_data = oracle(order, domain, key)
    assert signing.order_id(order, domain) == builder.build_order_hash(typed_data)
    assert Signer(key).sign_order(order, domain) == builder.build_order_signature(typed_data)


@given(orders, domains, keys)
def test_polymarket_client_signs_the_same(order: OrderTerms, domain: Domain, key: str) -> None:
    other, account = unsigned(order, domain), Account.from_key(key)
    signed = account.sign_typed_data(full_message=build_order_typed_data(other))
    signature = build_order_signature(other, HexString("0x" + signed.signature.hex()))
    assert Signer(key).sign_order(order, domain) == signature
    assert signing.recover_order(order, domain, signature) == account.address


@given(keys, st.integers(0, 2**40), st.integers(0, 2**64))
def test_polymarket_client_asks_for_keys_the_same(key: str, ts_s: int, nonce: int) -> None:
    account = Account.from_key(key)
    other = sign_api_key_auth(account, chain_id=CHAIN_ID, timestamp=ts_s, nonce=nonce)
    signer = Signer(key)
    assert signer.sign(signing.auth_digest(signer.address, ts_s, nonce)) == other.signature


@given(st.binary(min_size=32, max_size=32), keys)
def test_eth_account_recovers_the_same(digest: bytes, key: str) -> None:
    signature = Signer(key).sign(digest)
    other = Account._recover_hash(digest, signature=signature)
    assert signing.recover(digest, signature) == other == Account.from_key(key).address


@given(st.binary(max_size=48), st.integers(0, 2**40), st.text(max_size=200))
def test_both_clients_sign_requests_the_same(raw: bytes, ts_s: int, text: str) -> None:
    secret = base64.urlsafe_b64encode(raw).decode()
    mine = signing.request_signature(secret, str(ts_s), "POST", "/order", text.encode())
    assert mine == build_hmac_signature(
        secret=secret, timestamp=ts_s, method="POST", path="/order", body=text
    )
    if "'" not in text:  # this client turns ' into "
        assert mine == other_hmac(secret, str(ts_s), "POST", "/order", text)


@given(orders, domains, keys, st.integers(2, 131))
def test_a_changed_digit_is_another_signer_or_no_signature(
    order: OrderTerms, domain: Domain, key: str, place: int
) -> None:
    signer = Signer(key)
    signature = signer.sign_order(order, domain)
    digit = f"{15 - int(signature[place], 16):x}"
    damaged = signature[:place] + digit + signature[place + 1 :]
    try:
        other = signing.recover_order(order, domain, damaged)
    except ValueError:
        return
    assert other != signer.address


def test_a_wallet_signature_is_for_one_order_on_one_exchange() -> None:
    order = OrderTerms(
        salt=1,
        maker=WALLET,
        signer=WALLET,
        token="5",
        maker_e6=1,
        taker_e6=2,
        side=Side.ASK,
        signature_type=SignatureType.POLY_1271,
        timestamp_ms=TS_S,
    )
    signature = Signer(ANVIL_KEY).sign_order(order, STANDARD)
    assert signing.recover_order(order, STANDARD, signature) == ANVIL_ADDRESS
    for damaged in (signature[:-2] + "00", signature[:132], signature + "00"):
        with pytest.raises(ValueError, match="not for this order"):
            signing.recover_order(order, STANDARD, damaged)
    with pytest.raises(ValueError, match="not for this order"):
        signing.recover_order(order, NEG_RISK, signature)


def test_the_exchange_follows_the_token() -> None:
    v1, v2 = str(1 << 200 | 1 << 60), str(2 << 248 | 7 << 120 | 3 << 8)
    assert signing.domain_of(v1, neg_risk=False) is STANDARD
    assert signing.domain_of(v1, neg_risk=True) is NEG_RISK
    assert signing.domain_of(v2, neg_risk=False) is signing.domain_of(v2, neg_risk=True)
    assert signing.domain_of(v2, neg_risk=True) is EXCHANGE_V3


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "0x10", "²", str(2**256), "9" * 79])
def test_token_ids_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal uint256"):
        signing.parse_uint256(text)


@pytest.mark.parametrize(
    "change",
    [
        {"maker": "0x12"},
        {"signer": ANVIL_ADDRESS[:-1] + " "},
        {"token": "yes"},
        {"salt": -1},
        {"maker_e6": 2**256},
        {"metadata": "00" * 32},
        {"builder": "0x" + "zz" * 32},
    ],
)
def test_terms_that_cannot_be_signed(change: dict[str, Any]) -> None:
    fields = {name: getattr(GOLDEN, name) for name in GOLDEN.__struct_fields__} | change
    with pytest.raises(ValueError, match="not"):
        signing.order_digest(OrderTerms(**fields), STANDARD)


@pytest.mark.parametrize(
    "signature", ["", "0x", "0x00", "0x" + "00" * 65, "0x" + "11" * 64 + "00", "11" * 65]
)
def test_signatures_that_are_none(signature: str) -> None:
    with pytest.raises(ValueError, match=r"65 bytes|neither 27|recover|ecovery id"):
        signing.recover(bytes(32), signature)


@pytest.mark.parametrize("last_byte", ["00", "01", "1a", "1d", "1e"])
def test_the_last_byte_of_a_signature_is_27_or_28(last_byte: str) -> None:
    signature = Signer(ANVIL_KEY).sign(bytes(32))[:-2] + last_byte
    with pytest.raises(ValueError, match="neither 27 nor 28"):
        signing.recover(bytes(32), signature)


@pytest.mark.parametrize("key", ["", "0x01", ANVIL_KEY[2:], "0x" + "00" * 32, "0x" + "ff" * 32])
def test_a_bad_private_key_is_never_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="not a private key") as caught:
        Signer(key)
    assert caught.value.__suppress_context__
    assert not re.search(r"0x|ac09", str(caught.value).replace("0x and", ""))
    assert ANVIL_KEY[2:] not in repr(Signer(ANVIL_KEY))


def test_addresses_are_checksummed() -> None:
    assert signing.checksum(ANVIL_ADDRESS.lower()) == ANVIL_ADDRESS
    with pytest.raises(ValueError, match="20 bytes"):
        signing.checksum("0x1234")


def test_the_digest_is_the_typed_data_of_eth_account() -> None:
    typed_data = build_order_typed_data(unsigned(GOLDEN, STANDARD))
    message = encode_typed_data(full_message=typed_data)
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert signing.order_digest(GOLDEN, STANDARD) == digest
