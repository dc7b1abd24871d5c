"""Who is calling: API keys, wallet signatures for them (L1), signatures of private requests (L2).

Source: exchange reference, section 3.2; texts are those of the exchange's page of error codes.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping

import msgspec

from hfptm.sandbox.calls import ApiError, Call
from hfptm.units import NS_PER_S
from hfptm.venue.signing import auth_digest, checksum, parse_uint256, recover, request_signature

FRESH_S = 60
"""How far a timestamp may be from the server's time, either way. The exchange does not say."""

INVALID_L1 = "Invalid L1 Request headers"
INVALID_KEY = "Unauthorized/Invalid api key"
_L2_HEADERS = ("poly_signature", "poly_timestamp", "poly_api_key", "poly_passphrase")


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """As the exchange hands them out; `repr` shows none of them."""

    api_key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "Credentials(...)"


class Caller(msgspec.Struct, frozen=True):
    """Who an authenticated request is from."""

    address: str
    """Of the account that owns the key, checksummed."""
    api_key: str


class ApiKeys:
    """The keys of all accounts: one for each (address, nonce), the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._deleted: dict[tuple[str, int], int] = {}
        self._by_account: dict[tuple[str, int], Credentials] = {}
        self._by_key: dict[str, tuple[tuple[str, int], Credentials]] = {}

    def create(self, address: str, nonce: int) -> Credentials | None:
        """A new key; None if there is one already."""
        if (address, nonce) in self._by_account:
            return None
        credentials = self.credentials_of(address, nonce)
        self._by_account[address, nonce] = credentials
        self._by_key[credentials.api_key] = ((address, nonce), credentials)
        return credentials

    def derive(self, address: str, nonce: int) -> Credentials | None:
        """The existing key; None if there is none."""
        return self._by_account.get((address, nonce))

    def delete(self, api_key: str) -> None:
        """Forget a key for good: the next one for its account and nonce is another."""
        account, _ = self._by_key.pop(api_key)
        del self._by_account[account]
        self._deleted[account] = self._deleted.get(account, 0) + 1

    def of(self, address: str) -> list[str]:
        return [c.api_key for (owner, _), c in self._by_account.items() if owner == address]

    def find(self, api_key: str) -> tuple[str, Credentials] | None:
        """(address, credentials) of an existing key."""
        found = self._by_key.get(api_key)
        return None if found is None else (found[0][0], found[1])

    def credentials_of(self, address: str, nonce: int = 0) -> Credentials:
        """What `create` gives out, whether or not it has been created."""
        key = f"{self._seed}:{address}:{nonce}:{self._deleted.get((address, nonce), 0)}"
        raw = hashlib.shake_256(key.encode()).digest(80)
        return Credentials(
            str(uuid.UUID(bytes=raw[:16], version=4)),
            base64.urlsafe_b64encode(raw[16:48]).decode(),
            raw[48:].hex(),
        )


def check_l1(headers: Mapping[str, str], ts_wall_ns: int) -> tuple[str, int]:
    """(checksummed address, nonce) of who signed; refused with 401 otherwise."""
    try:
        address = checksum(headers["poly_address"])
        ts_s = parse_uint256(headers["poly_timestamp"])
        nonce = parse_uint256(headers.get("poly_nonce", "0"))
        signer = recover(auth_digest(address, ts_s, nonce), headers["poly_signature"])
    except (KeyError, ValueError) as error:
        raise ApiError(401, INVALID_L1) from error
    if signer != address or not _is_fresh(ts_s, ts_wall_ns):
        raise ApiError(401, INVALID_L1)
    return address, nonce


def check_l2(keys: ApiKeys, call: Call) -> Caller:
    """The owner of the key that signed a call, over the bytes of its body; 401 otherwise."""
    try:
        address = checksum(call.headers["poly_address"])
        signature, ts_s, api_key, passphrase = (call.headers[name] for name in _L2_HEADERS)
        is_fresh = _is_fresh(parse_uint256(ts_s), call.ts_wall_ns)
    except (KeyError, ValueError) as error:
        raise ApiError(401, INVALID_KEY) from error
    found = keys.find(api_key)
    if found is None or not is_fresh:
        raise ApiError(401, INVALID_KEY)
    owner, credentials = found
    wanted = request_signature(credentials.secret, ts_s, call.method, call.path, call.body)
    is_signed = hmac.compare_digest(wanted.encode(), signature.encode())
    if not is_signed or passphrase != credentials.passphrase or address != owner:
        raise ApiError(401, INVALID_KEY)
    return Caller(owner, api_key)


def _is_fresh(ts_s: int, ts_wall_ns: int) -> bool:
    return abs(ts_s * NS_PER_S - ts_wall_ns) <= FRESH_S * NS_PER_S
