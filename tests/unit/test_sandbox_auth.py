"""Who may call: real signatures in, the exchange's texts out."""

import re
import uuid

import msgspec
import pytest
from polymarket._internal.actions.auth import build_l1_auth_headers
from polymarket._internal.l1_auth import sign_api_key_auth
from py_clob_client_v2.clob_types import ApiCreds, RequestArgs
from py_clob_client_v2.headers.headers import create_level_2_headers
from py_clob_client_v2.signer import Signer as OracleSigner

from hfptm.sandbox.auth import FRESH_S, ApiKeys, Caller, check_l1, check_l2
from hfptm.sandbox.calls import ApiError, Call
from hfptm.sandbox.wallets import Wallets
from hfptm.units import NS_PER_S
from hfptm.venue.signing import CHAIN_ID, SignatureType, Signer, auth_digest

KEY = "0x" + "11" * 32
OTHER_KEY = "0x" + "22" * 32
NOW_S = 1_793_000_000
NOW_NS = NOW_S * NS_PER_S
ADDRESS, OTHER = Signer(KEY).address, Signer(OTHER_KEY).address


def l1_headers(ts_s: int = NOW_S, nonce: int = 0, key: str = KEY) -> dict[str, str]:
    """As polymarket-client sends them, in lower case as servers see them."""
    account = OracleSigner(key, CHAIN_ID).account
    signature = sign_api_key_auth(account, chain_id=CHAIN_ID, timestamp=ts_s, nonce=nonce)
    return {name.lower(): value for name, value in build_l1_auth_headers(signature).items()}


def signed_call(keys: ApiKeys, ts_s: int = NOW_S, body: bytes = b'{"orderID":"0xabc"}') -> Call:
    """As py-clob-client-v2 sends it."""
    credentials = keys.create(ADDRESS, 0) or keys.credentials_of(ADDRESS)
    creds = ApiCreds(credentials.api_key, credentials.secret, credentials.passphrase)
    request = RequestArgs("DELETE", "/order", serialized_body=body.decode())
    headers = create_level_2_headers(OracleSigner(KEY, CHAIN_ID), creds, request, ts_s)
    return Call(
        method="DELETE",
        path="/order",
        ts_ns=0,
        ts_wall_ns=NOW_NS,
        headers={name.lower(): value for name, value in headers.items()},
        body=body,
    )


def with_headers(call: Call, changes: dict[str, str]) -> Call:
    return msgspec.structs.replace(call, headers=dict(call.headers) | changes)


@pytest.mark.parametrize("nonce", [0, 7])
def test_a_signed_key_request_names_its_signer(nonce: int) -> None:
    assert check_l1(l1_headers(nonce=nonce), NOW_NS) == (ADDRESS, nonce)


def test_addresses_are_taken_in_any_case() -> None:
    headers = l1_headers() | {"poly_address": ADDRESS.lower()}
    # The signature is over the address, not over its letters' case.
    assert check_l1(headers, NOW_NS) == (ADDRESS, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"poly_address": OTHER},
        {"poly_address": "0x12"},
        {"poly_timestamp": str(NOW_S - 1)},
        {"poly_timestamp": "now"},
        {"poly_nonce": "1"},
        {"poly_nonce": "-1"},
        {"poly_signature": "0x"},
        {"poly_signature": "0x" + "11" * 65},
        {"poly_signature": l1_headers(key=OTHER_KEY)["poly_signature"]},
    ],
)
def test_a_key_request_with_anything_else_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="401: Invalid L1 Request headers"):
        check_l1(l1_headers() | changes, NOW_NS)


def test_every_header_of_a_key_request_but_the_nonce_is_needed() -> None:
    for name in ("poly_address", "poly_signature", "poly_timestamp"):
        headers = l1_headers()
        del headers[name]
        with pytest.raises(ApiError, match="401"):
            check_l1(headers, NOW_NS)


@pytest.mark.parametrize("late_s", [-FRESH_S - 1, FRESH_S + 1])
def test_stale_timestamps_are_refused(late_s: int) -> None:
    with pytest.raises(ApiError, match="401: Invalid L1 Request headers"):
        check_l1(l1_headers(NOW_S - late_s), NOW_NS)
    keys = ApiKeys(0)
    with pytest.raises(ApiError, match="401: Unauthorized/Invalid api key"):
        check_l2(keys, signed_call(keys, NOW_S - late_s))


@pytest.mark.parametrize("late_s", [-FRESH_S, 0, FRESH_S])
def test_timestamps_within_the_window_are_taken(late_s: int) -> None:
    assert check_l1(l1_headers(NOW_S - late_s), NOW_NS) == (ADDRESS, 0)
    keys = ApiKeys(0)
    assert check_l2(keys, signed_call(keys, NOW_S - late_s)).address == ADDRESS


def test_a_signed_call_names_its_caller() -> None:
    keys = ApiKeys(0)
    call = signed_call(keys)
    assert check_l2(keys, call) == Caller(ADDRESS, keys.credentials_of(ADDRESS).api_key)


def test_one_byte_of_the_body_changed_is_refused() -> None:
    keys = ApiKeys(0)
    call = signed_call(keys)
    for place in range(len(call.body)):
        body = bytearray(call.body)
        body[place] ^= 1
        with pytest.raises(ApiError, match="401: Unauthorized/Invalid api key"):
            check_l2(keys, msgspec.structs.replace(call, body=bytes(body)))


@pytest.mark.parametrize(
    "changes",
    [
        {"poly_address": OTHER},
        {"poly_address": "me"},
        {"poly_timestamp": str(NOW_S + 1)},
        {"poly_timestamp": ""},
        {"poly_api_key": str(uuid.UUID(int=1))},
        {"poly_passphrase": "wrong"},
        {"poly_signature": "wrong"},
        {"poly_signature": "é"},
    ],
)
def test_a_call_with_anything_else_is_refused(changes: dict[str, str]) -> None:
    keys = ApiKeys(0)
    with pytest.raises(ApiError, match="401: Unauthorized/Invalid api key"):
        check_l2(keys, with_headers(signed_call(keys), changes))


def test_another_method_or_path_is_refused() -> None:
    keys = ApiKeys(0)
    call = signed_call(keys)
    for changes in ({"method": "POST"}, {"path": "/orders"}):
        with pytest.raises(ApiError, match="401"):
            check_l2(keys, msgspec.structs.replace(call, **changes))


def test_keys_follow_from_seed_address_and_nonce() -> None:
    keys = ApiKeys(1)
    created = keys.create(ADDRESS, 0)
    assert created is not None
    assert created == keys.derive(ADDRESS, 0) == ApiKeys(1).credentials_of(ADDRESS)
    assert uuid.UUID(created.api_key).version == 4
    others = [
        ApiKeys(2).credentials_of(ADDRESS),
        keys.credentials_of(ADDRESS, 1),
        keys.credentials_of(OTHER),
    ]
    assert created not in others
    assert len({c.secret for c in [created, *others]}) == 4


def test_a_key_is_created_once_and_derived_only_if_it_exists() -> None:
    keys = ApiKeys(0)
    assert keys.derive(ADDRESS, 0) is None
    created = keys.create(ADDRESS, 0)
    assert keys.create(ADDRESS, 0) is None
    assert created is not None
    assert keys.of(ADDRESS) == [created.api_key]
    keys.delete(created.api_key)
    assert keys.of(ADDRESS) == []
    assert keys.find(created.api_key) is None
    assert keys.derive(ADDRESS, 0) is None
    assert keys.create(ADDRESS, 0) != created


def test_a_deleted_key_signs_nothing() -> None:
    keys = ApiKeys(0)
    call = signed_call(keys)
    keys.delete(check_l2(keys, call).api_key)
    with pytest.raises(ApiError, match="401"):
        check_l2(keys, call)


def test_credentials_are_never_shown() -> None:
    credentials = ApiKeys(0).credentials_of(ADDRESS)
    shown = f"{credentials!r} {credentials}"
    assert not re.search(f"{credentials.api_key}|{credentials.secret}", shown)
    assert credentials.passphrase not in shown


def test_wallets_belong_to_whom_they_were_given() -> None:
    wallets = Wallets()
    wallets.register(ADDRESS.lower(), SignatureType.GNOSIS_SAFE, OTHER.lower())
    assert wallets.of(ADDRESS, SignatureType.EOA) == ADDRESS
    assert wallets.of(ADDRESS, SignatureType.GNOSIS_SAFE) == OTHER
    assert wallets.of(ADDRESS, SignatureType.POLY_PROXY) is None
    assert wallets.all_of(ADDRESS) == [ADDRESS, OTHER]
    assert wallets.all_of(OTHER) == [OTHER]
    with pytest.raises(ValueError, match="its own wallet"):
        wallets.register(ADDRESS, SignatureType.EOA, ADDRESS)


def test_the_nonce_may_be_left_out() -> None:
    headers = l1_headers()
    del headers["poly_nonce"]
    digest = auth_digest(ADDRESS, NOW_S, 0)
    assert headers["poly_signature"] == Signer(KEY).sign(digest)
    assert check_l1(headers, NOW_NS) == (ADDRESS, 0)
