"""What a transaction or a question to the chain asks of the exchange's contracts.

Pure: from an address and call data to what is meant, as the exchange's client encodes it. Source:
exchange reference, sections 4.3 (addresses) and 7; Solidity's ABI for the encoding.
"""

import msgspec
from eth_hash.auto import keccak

from hfptm.records import Token
from hfptm.sandbox.reports import OperationKind
from hfptm.venue.signing import checksum

COLLATERAL = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"
SHARES = "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045"
NEG_RISK_SHARES = "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296"
POSITION_MANAGER = "0x006F54F7f9A22e0000CC2AB60031000000ae9fEF"
STANDARD_ADAPTER = "0xAdA100Db00Ca00073811820692005400218FcE1f"
NEG_RISK_ADAPTER = "0xadA2005600Dec949baf300f4C6120000bDB6eAab"
ROUTER = "0x12121212006e4CD160D18e3f00711DA5c3372600"
"""Of protocol V2."""

_WORD = 32
_CONDITION_V2 = 31
_HOLDERS = (SHARES, NEG_RISK_SHARES, POSITION_MANAGER)


class PositionCall(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs from dollars, or back, or into what they pay."""

    kind: OperationKind
    to: str
    """The contract: of standard or neg-risk markets, or of protocol V2."""
    condition: str
    """As the CLOB has it."""
    amount_e6: int = 0
    outcome: Token | None = None
    """What a redemption of protocol V2 gives; others give both."""


class BalanceCall(msgspec.Struct, frozen=True):
    """How many shares of tokens owners have: (checksummed owner, token id)."""

    asked: list[tuple[str, str]]


class ApprovalCall(msgspec.Struct, frozen=True):
    """Whether a contract may take an owner's collateral, or its shares."""

    owner: str
    is_of_collateral: bool


def read_call(to: str, data: bytes) -> PositionCall:
    """Raises ValueError for what no contract of these would carry out."""
    if to in (STANDARD_ADAPTER, NEG_RISK_ADAPTER):
        return _read_adapter(to, data)
    if to == ROUTER:
        return _read_router(data)
    raise ValueError(f"{to} is no contract of this chain")


def read_question(to: str, data: bytes) -> BalanceCall | ApprovalCall:
    """As `read_call`, of what changes nothing."""
    words = _words(data)
    if to == COLLATERAL and data[:4] == _ALLOWANCE:
        return ApprovalCall(_address(words[0]), is_of_collateral=True)
    if to in _HOLDERS and data[:4] == _APPROVED:
        return ApprovalCall(_address(words[0]), is_of_collateral=False)
    if to not in _HOLDERS or data[:4] != _BALANCES:
        raise ValueError(f"{to} answers no such question here")
    owners, tokens = (_array(words, _integer(words, place)) for place in (0, 1))
    if len(owners) != len(tokens):
        raise ValueError("owners and tokens are not equally many")
    ids = [str(int.from_bytes(token, "big")) for token in tokens]
    return BalanceCall(list(zip(map(_address, owners), ids, strict=True)))


def encode_balances(balances_e6: list[int]) -> bytes:
    """The answer to a `BalanceCall`."""
    return b"".join(n.to_bytes(_WORD, "big") for n in (_WORD, len(balances_e6), *balances_e6))


def encode_allowance(*, is_allowed: bool, is_of_collateral: bool) -> bytes:
    """The answer to an `ApprovalCall`: any amount or none, yes or no."""
    allowed = (1 << 8 * _WORD) - 1 if is_of_collateral else 1
    return (allowed if is_allowed else 0).to_bytes(_WORD, "big")


def _selector(signature: str) -> bytes:
    return keccak(signature.encode())[:4]


_BALANCES = _selector("balanceOfBatch(address[],uint256[])")
_ALLOWANCE = _selector("allowance(address,address)")
_APPROVED = _selector("isApprovedForAll(address,address)")
_ADAPTER_CALLS = {
    _selector("splitPosition(address,bytes32,bytes32,uint256[],uint256)"): OperationKind.SPLIT,
    _selector("mergePositions(address,bytes32,bytes32,uint256[],uint256)"): OperationKind.MERGE,
    _selector("redeemPositions(address,bytes32,bytes32,uint256[])"): OperationKind.REDEEM,
}
_ROUTER_CALLS = {
    _selector("split(bytes31,uint256)"): OperationKind.SPLIT,
    _selector("merge(bytes31,uint256)"): OperationKind.MERGE,
    _selector("redeem(bytes31,uint256,uint256)"): OperationKind.REDEEM,
}
_BOTH_OUTCOMES = [(1).to_bytes(_WORD, "big"), (2).to_bytes(_WORD, "big")]


def _read_adapter(to: str, data: bytes) -> PositionCall:
    kind, words = _kind(_ADAPTER_CALLS, data), _words(data)
    collateral, parent, condition = words[:3]
    if _address(collateral) != COLLATERAL or any(parent):
        raise ValueError("not a position that dollars are split into")
    if _array(words, _integer(words, 3)) != _BOTH_OUTCOMES:
        raise ValueError("not the two outcomes of a market")
    amount_e6 = 0 if kind is OperationKind.REDEEM else _integer(words, 4)
    return PositionCall(kind=kind, to=to, condition="0x" + condition.hex(), amount_e6=amount_e6)


def _read_router(data: bytes) -> PositionCall:
    kind, words = _kind(_ROUTER_CALLS, data), _words(data)
    is_redeemed = kind is OperationKind.REDEEM
    if words[0][_CONDITION_V2:] != b"\0":
        raise ValueError("a condition of protocol V2 has 31 bytes")
    return PositionCall(
        kind=kind,
        to=ROUTER,
        condition="0x" + words[0].hex(),
        amount_e6=_integer(words, 2 if is_redeemed else 1),
        outcome=Token(_integer(words, 1)) if is_redeemed else None,
    )


def _kind(calls: dict[bytes, OperationKind], data: bytes) -> OperationKind:
    kind = calls.get(data[:4])
    if kind is None:
        raise ValueError(f"no method 0x{data[:4].hex()}")
    return kind


def _words(data: bytes) -> list[bytes]:
    words = [data[at : at + _WORD] for at in range(4, len(data), _WORD)]
    if not words or len(words[-1]) != _WORD:
        raise ValueError("cut short")
    return words


def _integer(words: list[bytes], place: int) -> int:
    if place >= len(words):
        raise ValueError("cut short")
    return int.from_bytes(words[place], "big")


def _array(words: list[bytes], offset: int) -> list[bytes]:
    place = offset // _WORD
    begin, count = place + 1, _integer(words, place)
    if begin + count > len(words):
        raise ValueError("cut short")
    return words[begin : begin + count]


def _address(word: bytes) -> str:
    return checksum("0x" + word[12:].hex())
