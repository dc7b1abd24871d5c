"""What is signed for the exchange: orders and key requests (EIP-712), private requests (HMAC).

Pure. The id of an order is the EIP-712 digest that its signer signs, so it is known before the
order is sent. Source: exchange reference, sections 3.2 and 4; EIP-712; ERC-7739 for deposit
wallets.
"""

import base64
import binascii
import hashlib
import hmac
import re
from enum import IntEnum
from functools import lru_cache

import msgspec
from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from hfptm.records import Side

CHAIN_ID = 137
"""Polygon."""

ZERO_BYTES32 = "0x" + "00" * 32

_HEX = re.compile(r"0x[0-9a-fA-F]*")
_UINT256_MAX = (1 << 256) - 1
_SIGNATURE_BYTES = 65
_V2_RESERVED_BITS = ((1 << 64) - 1) << 40
_ORDER_TYPE = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
    b"uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
    b"bytes32 builder)"
)
_WALLET_TYPE = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    b"address verifyingContract,bytes32 salt)" + _ORDER_TYPE
)
_AUTH_TYPE = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_AUTH_MESSAGE = b"This message attests that I control the given wallet"


def _word(value: int) -> bytes:
    """Raises ValueError for what is no uint256."""
    if not 0 <= value <= _UINT256_MAX:
        raise ValueError(f"not a uint256: {value}")
    return value.to_bytes(32, "big")


def _address_word(address: str) -> bytes:
    return bytes(12) + _hex_bytes(address, 20)


def _hex_bytes(text: str, length: int) -> bytes:
    """Raises ValueError unless `text` is 0x and `length` bytes in hex."""
    if not _HEX.fullmatch(text) or len(text) != 2 + 2 * length:
        raise ValueError(f"not 0x and {length} bytes in hex")
    return bytes.fromhex(text[2:])


def _separator(name: bytes, version: bytes, contract: str | None = None) -> bytes:
    """Hash of a domain; key requests name no contract."""
    kind = b"EIP712Domain(string name,string version,uint256 chainId"
    words = [keccak(name), keccak(version), _word(CHAIN_ID)]
    if contract is not None:
        kind += b",address verifyingContract"
        words.append(_address_word(contract))
    return keccak(b"".join([keccak(kind + b")"), *words]))


_ORDER_TYPE_HASH = keccak(_ORDER_TYPE)
_AUTH_TYPE_HASH = keccak(_AUTH_TYPE)
_AUTH_SEPARATOR = _separator(b"ClobAuthDomain", b"1")
_WALLET_WORDS = (keccak(b"DepositWallet"), keccak(b"1"), _word(CHAIN_ID))
_WALLET_TYPE_HASH = keccak(_WALLET_TYPE)
_WALLET_TRAILER = _ORDER_TYPE + len(_ORDER_TYPE).to_bytes(2, "big")


class Domain(msgspec.Struct, frozen=True):
    """An exchange contract that orders are signed for."""

    version: str
    contract: str
    separator: bytes


def _exchange(version: str, contract: str) -> Domain:
    separator = _separator(b"Polymarket CTF Exchange", version.encode(), contract)
    return Domain(version, contract, separator)


STANDARD = _exchange("2", "0xE111180000d2663C0091e4f400237545B87B996B")
NEG_RISK = _exchange("2", "0xe2222d279d744050d28e00520010520000310F59")
EXCHANGE_V3 = _exchange("3", "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa")


def domain_of(token: str, *, neg_risk: bool) -> Domain:
    """The exchange of a market, from one of its token ids.

    A position id of protocol V2 is known by its zero reserved bits and belongs to ExchangeV3,
    neg-risk or not. Raises ValueError for anything but a decimal uint256.
    """
    if not parse_uint256(token) & _V2_RESERVED_BITS:
        return EXCHANGE_V3
    return NEG_RISK if neg_risk else STANDARD


def parse_uint256(text: str) -> int:
    """An unsigned decimal integer of at most 256 bits; ValueError for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > 78 or int(text) > _UINT256_MAX:
        raise ValueError(f"not a decimal uint256: {text[:80]!r}")
    return int(text)


class SignatureType(IntEnum):
    EOA = 0
    POLY_PROXY = 1
    GNOSIS_SAFE = 2
    POLY_1271 = 3
    """A deposit wallet: it is maker and signer, its owner signs for it."""


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The signed fields of an order, in the order in which they are hashed.

    The expiration travels beside them, unsigned.
    """

    salt: int
    maker: str
    signer: str
    token: str
    maker_e6: int
    taker_e6: int
    side: Side
    signature_type: SignatureType
    timestamp_ms: int
    metadata: str = ZERO_BYTES32
    builder: str = ZERO_BYTES32


@lru_cache(maxsize=64)
def _order_hash(order: OrderTerms) -> bytes:
    """The same one for a wallet's signature and the check of its fields."""
    return keccak(
        _ORDER_TYPE_HASH
        + _word(order.salt)
        + _address_word(order.maker)
        + _address_word(order.signer)
        + _word(parse_uint256(order.token))
        + _word(order.maker_e6)
        + _word(order.taker_e6)
        + _word(order.side)
        + _word(order.signature_type)
        + _word(order.timestamp_ms)
        + _hex_bytes(order.metadata, 32)
        + _hex_bytes(order.builder, 32)
    )


@lru_cache(maxsize=64)
def order_digest(order: OrderTerms, domain: Domain) -> bytes:
    """The 32 bytes that an externally owned account signs, and the order's id.

    Raises ValueError for an address, a bytes32 or a number that is none.
    """
    return keccak(b"\x19\x01" + domain.separator + _order_hash(order))


def order_id(order: OrderTerms, domain: Domain) -> str:
    """The exchange's id of an order; ValueError as `order_digest`."""
    return "0x" + order_digest(order, domain).hex()


def wallet_digest(order: OrderTerms, domain: Domain) -> bytes:
    """What the owner of a deposit wallet signs in place of `order_digest` (ERC-7739, nested).

    Raises ValueError as `order_digest`.
    """
    words = (_order_hash(order), *_WALLET_WORDS, _address_word(order.signer), bytes(32))
    return keccak(b"\x19\x01" + domain.separator + keccak(_WALLET_TYPE_HASH + b"".join(words)))


def auth_digest(address: str, ts_s: int, nonce: int) -> bytes:
    """What is signed to create or derive API keys (L1). Raises ValueError for a bad address."""
    words = (
        _AUTH_TYPE_HASH,
        _address_word(address),
        keccak(str(ts_s).encode()),
        _word(nonce),
        keccak(_AUTH_MESSAGE),
    )
    return keccak(b"\x19\x01" + _AUTH_SEPARATOR + keccak(b"".join(words)))


class Signer:
    """An externally owned account. Its `repr` shows the address, never the key."""

    __slots__ = ("_key", "address")

    def __init__(self, private_key: str) -> None:
        """`private_key`: 32 bytes in hex after 0x. Raises ValueError, without the key, for others.

        `address` is checksummed.
        """
        try:
            self._key = PrivateKey(_hex_bytes(private_key, 32))
        except ValueError:
            # The cause would quote the key.
            raise ValueError("not a private key: 0x and 64 hex digits, in range") from None
        self.address = _address(self._key.public_key)

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def sign(self, digest: bytes) -> str:
        """65 bytes in hex: r, s, v (27 or 28)."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return "0x" + signature[:64].hex() + f"{27 + signature[64]:02x}"

    def sign_order(self, order: OrderTerms, domain: Domain) -> str:
        """The signature that the order's signature type asks for; ValueError as `order_digest`."""
        if order.signature_type is not SignatureType.POLY_1271:
            return self.sign(order_digest(order, domain))
        trailer = domain.separator + _order_hash(order) + _WALLET_TRAILER
        return self.sign(wallet_digest(order, domain)) + trailer.hex()


def recover(digest: bytes, signature: str) -> str:
    """Checksummed address of who signed `digest`. Raises ValueError for a malformed signature."""
    raw = _hex_bytes(signature, _SIGNATURE_BYTES)
    if raw[64] not in (27, 28):
        raise ValueError(f"v is {raw[64]}, neither 27 nor 28")
    compact = raw[:64] + bytes([raw[64] - 27])
    # Its own errors are ValueErrors too.
    return _address(PublicKey.from_signature_and_message(compact, digest, hasher=None))


def recover_order(order: OrderTerms, domain: Domain, signature: str) -> str:
    """Checksummed address of who signed an order: its signer, or the owner of its deposit wallet.

    Raises ValueError for malformed fields and signatures, and for a wallet signature that was made
    for another order or exchange.
    """
    if order.signature_type is not SignatureType.POLY_1271:
        return recover(order_digest(order, domain), signature)
    end = 2 + 2 * _SIGNATURE_BYTES
    trailer = domain.separator + _order_hash(order) + _WALLET_TRAILER
    if signature[end:].lower() != trailer.hex():
        raise ValueError("the wallet's signature is not for this order on this exchange")
    return recover(wallet_digest(order, domain), signature[:end])


def _address(key: PublicKey) -> str:
    return checksum("0x" + keccak(key.format(compressed=False)[1:])[12:].hex())


@lru_cache(maxsize=4_096)
def checksum(address: str) -> str:
    """An address in mixed case (EIP-55). Raises ValueError if it is none."""
    digits = _hex_bytes(address, 20).hex()
    nibbles = keccak(digits.encode()).hex()
    mixed = (d.upper() if int(n, 16) > 7 else d for d, n in zip(digits, nibbles, strict=False))
    return "0x" + "".join(mixed)


def request_signature(secret: str, ts_s: str, method: str, path: str, body: bytes = b"") -> str:
    """POLY_SIGNATURE of a private request (L2), over the bytes that are sent.

    `path` has neither host nor query. Raises ValueError if the secret is no base64.
    """
    try:
        key = base64.urlsafe_b64decode(secret)
    except binascii.Error as error:
        raise ValueError(f"the API secret is no base64: {error}") from error
    message = f"{ts_s}{method}{path}".encode() + body
    return base64.urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
