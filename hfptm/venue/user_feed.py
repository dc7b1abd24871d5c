"""The user channel: frames and receive times in, what they say of our orders out.

Sans-I/O, and it never raises on what comes in. Source: exchange reference, section 2.
"""

import msgspec

from hfptm.venue.messages import Malformed, Trouble
from hfptm.venue.own_orders import OwnOrders
from hfptm.venue.user_messages import UserMessage, UserOrder, decode


class UserCounters(msgspec.Struct):
    frames: int = 0
    bad_json: int = 0
    unknown_type: int = 0
    bad_message: int = 0


class UserFeed:
    """One account's news. What is unreadable may have been news of any order of its market, so
    those are unknown from then on; a type that nobody knows is only counted."""

    def __init__(self, own: OwnOrders) -> None:
        self.counters = UserCounters()
        self._own = own

    def receive(self, payload: bytes, ts_recv_ns: int) -> None:
        """Take one frame; `OwnOrders.take` has what it said."""
        self.counters.frames += 1
        for message in decode(payload):
            self.take(message, ts_recv_ns)

    def take(self, message: UserMessage, ts_recv_ns: int) -> None:
        """Take one message, from the channel or from REST."""
        if isinstance(message, Malformed):
            name = message.trouble.value
            setattr(self.counters, name, getattr(self.counters, name) + 1)
            if message.trouble is not Trouble.UNKNOWN_TYPE:
                self._own.doubt_all(message.market, ts_recv_ns)
        elif isinstance(message, UserOrder):
            self._own.on_order(message, ts_recv_ns)
        else:
            self._own.on_trade(message, ts_recv_ns)
