"""A node of the chain: the JSON-RPC methods that the exchange's client and its users call.

POST at one address, one call or a list of them. Texts of errors are those of go-ethereum. Source:
the Ethereum JSON-RPC specification; EIP-1474 for codes.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from hfptm.sandbox.calls import Call, Reply, as_json
from hfptm.sandbox.chain import INVALID, NodeError, Receipt
from hfptm.sandbox.contracts import BalanceCall, encode_allowance, encode_balances, read_question
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.transactions import read_transaction
from hfptm.units import NS_PER_S
from hfptm.venue.signing import CHAIN_ID, checksum

PATH = "/rpc"

_UNREADABLE, _UNKNOWN_METHOD, _BAD_PARAMS = -32_700, -32_601, -32_602
_GAS = 300_000
"""What every transaction is estimated at."""


class _Request(msgspec.Struct):
    method: str
    id: Any = None
    params: list[Any] = []


_REQUESTS = msgspec.json.Decoder(_Request | list[_Request])


class Node:
    """Handlers of a sandbox's node."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._chain = sandbox, sandbox.chain
        self._methods: dict[str, Callable[[Call, list[Any]], Any]] = {
            "eth_chainId": lambda *_: hex(CHAIN_ID),
            "eth_gasPrice": lambda *_: hex(self._chain.gas_price_wei),
            "eth_blockNumber": lambda *_: hex(self._chain.blocks),
            "eth_getBlockByNumber": lambda call, _: self._block(call),
            "eth_getTransactionCount": lambda _, params: self._nonce(*params),
            "eth_call": lambda _, params: self._look(*params),
            "eth_getBalance": lambda *_: hex(self._chain.coins_wei),
            "eth_estimateGas": lambda _, params: self._estimate(*params),
            "eth_sendRawTransaction": lambda _, params: self._send(*params),
            "eth_getTransactionReceipt": lambda _, params: self._receipt(*params),
        }

    def call(self, call: Call) -> Reply:
        """POST /rpc."""
        try:
            asked = _REQUESTS.decode(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return as_json(_failure(None, _UNREADABLE, f"parse error: {error}"))
        if isinstance(asked, list):
            return as_json([self._answer(call, each) for each in asked])
        return as_json(self._answer(call, asked))

    def _answer(self, call: Call, asked: _Request) -> dict[str, Any]:
        method = self._methods.get(asked.method)
        if method is None:
            text = f"the method {asked.method} does not exist/is not available"
            return _failure(asked.id, _UNKNOWN_METHOD, text)
        try:
            result = method(call, asked.params)
        except NodeError as error:
            return _failure(asked.id, error.code, str(error))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return _failure(asked.id, _BAD_PARAMS, f"invalid argument: {error}")
        return {"jsonrpc": "2.0", "id": asked.id, "result": result}

    def _block(self, call: Call) -> dict[str, str]:
        ts_s = call.ts_wall_ns // NS_PER_S
        return {"number": hex(self._chain.blocks), "timestamp": hex(ts_s)}

    def _nonce(self, address: str, block: str) -> str:
        return hex(self._chain.nonce(checksum(address), is_pending=block == "pending"))

    def _look(self, asked: dict[str, str], _block: str) -> str:
        question = read_question(checksum(asked["to"]), _bytes(asked["data"]))
        if isinstance(question, BalanceCall):
            found = [self._chain.shares_e6(owner, token) for owner, token in question.asked]
            return "0x" + encode_balances(found).hex()
        of_collateral = question.is_of_collateral
        is_allowed = self._chain.allows(question.owner, collateral=of_collateral)
        answer = encode_allowance(is_allowed=is_allowed, is_of_collateral=of_collateral)
        return "0x" + answer.hex()

    def _estimate(self, asked: dict[str, str]) -> str:
        to, data = checksum(asked["to"]), _bytes(asked["data"])
        self._chain.estimate(checksum(asked["from"]), to, data)
        return hex(_GAS)

    def _send(self, raw: str) -> str:
        try:
            transaction = read_transaction(_bytes(raw))
        except ValueError as error:
            raise NodeError(INVALID, str(error)) from error
        self._chain.send(transaction, self._sandbox.now_ns)
        return transaction.hash

    def _receipt(self, transaction_hash: str) -> dict[str, str] | None:
        receipt = self._chain.receipt(transaction_hash.lower())
        return None if receipt is None else _receipt_json(receipt)


def _receipt_json(receipt: Receipt) -> dict[str, str]:
    transaction = receipt.transaction
    return {
        "transactionHash": transaction.hash,
        "blockNumber": hex(receipt.block),
        "from": transaction.sender.lower(),
        "to": transaction.to.lower(),
        "status": hex(receipt.is_ok),
    }


def _failure(request_id: Any, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": text}}


def _bytes(text: str) -> bytes:
    """Of hex after 0x."""
    if not text.startswith("0x"):
        raise ValueError("hex without 0x")
    return bytes.fromhex(text[2:])
