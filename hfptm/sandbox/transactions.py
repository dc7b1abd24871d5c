"""Transactions of externally owned accounts, as a node of the chain is handed them.

Pure. Only those that the exchange's client signs: of the first type, bound to one chain. Source:
the Ethereum yellow paper, appendix B (RLP); EIP-155.
"""

import msgspec
from eth_hash.auto import keccak

from hfptm.venue.signing import CHAIN_ID, checksum, recover

_FIELDS = 9
"""Nonce, gas price, gas, to, value, data, v, r, s."""
_SHORT, _STRING, _LIST = 55, 0x80, 0xC0
_V_EVEN = 35 + 2 * CHAIN_ID


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    hash: str
    sender: str
    """Checksummed, from the signature."""
    nonce: int
    gas_price_wei: int
    to: str
    """Checksummed."""
    value_wei: int
    data: bytes


def read_transaction(raw: bytes) -> Transaction:
    """Raises ValueError for bytes that are no such transaction, and for another chain's."""
    items = _decode_list(raw)
    if len(items) != _FIELDS:
        raise ValueError(f"{len(items)} fields, not {_FIELDS}")
    *signed, v_bytes, r, s = items
    v = _number(v_bytes)
    if v not in (_V_EVEN, _V_EVEN + 1):
        raise ValueError("invalid sender")
    chain = _string(CHAIN_ID.to_bytes(2, "big").lstrip(b"\0"))
    body = b"".join(map(_string, signed)) + chain + 2 * _string(b"")
    digest = keccak(_prefix(_LIST, len(body)) + body)
    signature = r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([27 + v - _V_EVEN])
    nonce, gas_price, _gas, to, value, data = signed
    return Transaction(
        hash="0x" + keccak(raw).hex(),
        sender=recover(digest, "0x" + signature.hex()),
        nonce=_number(nonce),
        gas_price_wei=_number(gas_price),
        to=checksum("0x" + to.hex()),
        value_wei=_number(value),
        data=data,
    )


def _number(data: bytes) -> int:
    if data[:1] == b"\0":
        raise ValueError("a number with leading zeros")
    return int.from_bytes(data, "big")


def _decode_list(raw: bytes) -> list[bytes]:
    """The strings of a list that is all there is, and holds no further list."""
    start, end = _span(raw, 0, _LIST)
    if end != len(raw):
        raise ValueError("not one list")
    items = []
    while start < end:
        if raw[start] < _STRING:
            items.append(raw[start : start + 1])
            start += 1
        else:
            begin, start = _span(raw, start, _STRING)
            items.append(raw[begin:start])
    if start != end:
        raise ValueError("a field goes beyond the list")
    return items


def _span(raw: bytes, at: int, kind: int) -> tuple[int, int]:
    """Where the content of a string or list begins and ends."""
    if at >= len(raw) or not kind <= raw[at] < kind + 64:
        raise ValueError("not what was expected")
    size = raw[at] - kind
    begin = at + 1
    if size > _SHORT:
        begin += size - _SHORT
        size = int.from_bytes(raw[at + 1 : begin], "big")
    if begin + size > len(raw):
        raise ValueError("cut short")
    return begin, begin + size


def _string(data: bytes) -> bytes:
    if len(data) == 1 and data[0] < _STRING:
        return data
    return _prefix(_STRING, len(data)) + data


def _prefix(kind: int, size: int) -> bytes:
    if size <= _SHORT:
        return bytes([kind + size])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([kind + _SHORT + len(length)]) + length
