"""Why the exchange refuses something, in its own words.

Texts are those of the exchange's page of error codes (reference, section 3.5) where it has one;
`{...}` is filled in. Three are worded as its replies were seen to be: the accuracy of market
buys, the smallest marketable BUY, an orderbook that is gone; that of a price out of range is its
clients'. The last two are those of the contracts.
"""

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Its value is the text of the refusal."""

    NOT_READY = "the market is not yet ready to process new orders"
    NO_ORDERBOOK = "the orderbook {token} does not exist"
    MARKET_NOT_FOUND = "market not found"
    DUPLICATED = "order {order_id} is invalid. Duplicated."
    EXPIRATION = "invalid expiration"
    OFF_TICK = "order {order_id} is invalid. Price ({price}) breaks minimum tick size rule: {tick}"
    OUT_OF_RANGE = "invalid price ({price}), min: {low} - max: {high}"
    TOO_SMALL = "order {order_id} is invalid. Size ({size}) lower than the minimum: {minimum}"
    BUY_TOO_SMALL = "invalid amount for a marketable BUY order (${dollars}), min size: $1"
    AMOUNTS = "invalid amounts"
    BUY_AMOUNTS = (
        "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals,"
        " taker amount a max of 4 decimals"
    )
    BALANCE = "not enough balance / allowance"
    POST_ONLY_TYPE = "invalid post-only order: only GTC and GTD order types are allowed"
    POST_ONLY_CROSSES = "invalid post-only order: order crosses book"
    FOK_NOT_FILLED = "order couldn't be fully filled. FOK orders are fully filled or killed."
    FAK_NO_MATCH = (
        "no orders found to match with FAK order. FAK orders are partially filled or killed if no"
        " match is found."
    )
    NOT_OPEN = "order can't be found - already canceled or matched"
    DELAYED = "order match delayed due to market conditions"
    NOT_RESOLVED = "result for condition not received yet"
    INDEX_SET = "InvalidIndexSet"


class Refusal(msgspec.Struct, frozen=True, gc=False):
    reason: Reason
    text: str


def refuse(reason: Reason, **fields: str) -> Refusal:
    """A refusal with its text filled in; `fields` are the names in braces of that reason."""
    return Refusal(reason, reason.format(**fields))
