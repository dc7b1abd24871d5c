"""Whole messages as bytes: what the WebSocket library itself would send."""

import pytest
from websockets.frames import Frame, Opcode

from hfptm.sandbox.outlets import binary_frame, text_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_message_is_framed_as_the_library_does_it(size: int) -> None:
    payload = b"x" * size
    text, binary = (Frame(opcode, payload) for opcode in (Opcode.TEXT, Opcode.BINARY))
    assert text_frame(payload) == text.serialize(mask=False)
    assert binary_frame(payload) == binary.serialize(mask=False)
