"""Files as the user gave them: bytes, lines, JSON elements, up to the first damage."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfptm.errors import DamagedInputError, InputError

_READ_BYTES = 4_096
"""A broken compressed stream gives nothing of the piece in which it breaks, so pieces are small."""

_GZIP = 16 + zlib.MAX_WBITS


class Source:
    """One file, compressed by gzip or not. `position` of `size` bytes were read so far.

    Raises InputError if there is no such file, DamagedInputError where its content ends too soon.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(path, "no such file")
        self.path = path
        self.size = path.stat().st_size
        self.position = 0

    def chunks(self) -> Iterator[bytes]:
        """The content, decompressed."""
        self.position = 0
        with self.path.open("rb") as file:
            is_gzip = self.path.suffix == ".gz" or file.peek(2)[:2] == b"\x1f\x8b"
            pieces = self._pieces(iter(lambda: file.read(_READ_BYTES), b""))
            yield from self._decompress(pieces) if is_gzip else pieces

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """(number from 1, line without its end); a last line without an end counts."""
        number, rest = 0, b""
        try:
            for chunk in self.chunks():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    number += 1
                    yield number, line
        except DamagedInputError as damage:
            place = f"line {number + 1} ({damage.place})"
            raise DamagedInputError(self.path, place, damage.problem) from damage
        if rest:
            yield number + 1, rest

    def elements(self) -> Iterator[Any]:
        """The elements of a JSON array."""
        text, damage = self._text()
        decoder = json.JSONDecoder()
        position = _skip_blank(text, 0)
        if not damage and text[position : position + 1] != "[":
            raise InputError(self.path, "not a JSON array; expected [{...}, {...}, ...]")
        closing, number = False, 0
        while not closing:
            number += 1
            try:
                element, position = decoder.raw_decode(text, _skip_blank(text, position + 1))
            except json.JSONDecodeError as error:
                if number == 1 and text[_skip_blank(text, 1) :].startswith("]"):
                    return
                reason = damage or f"{error.msg} at character {error.pos}"
                raise DamagedInputError(self.path, f"element {number}", reason) from error
            yield element
            position = _skip_blank(text, position)
            closing = text[position : position + 1] == "]"
            if not closing and text[position : position + 1] != ",":
                reason = damage or f"neither , nor ] at character {position}"
                raise DamagedInputError(self.path, f"the end of element {number}", reason)
        if damage:
            raise DamagedInputError(self.path, "its end", damage)

    def _text(self) -> tuple[str, str]:
        """All that can be read, and why no more can be, if so."""
        chunks: list[bytes] = []
        problem = ""
        try:
            chunks.extend(self.chunks())
        except DamagedInputError as damage:
            problem = f"{damage.problem} ({damage.place})"
        return b"".join(chunks).decode(errors="replace"), problem

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.position += len(piece)
            yield piece

    def _decompress(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        stream = zlib.decompressobj(_GZIP)
        for piece in pieces:
            rest = piece
            while rest:
                if stream.eof:
                    stream = zlib.decompressobj(_GZIP)
                try:
                    yield stream.decompress(rest)
                except zlib.error as error:
                    raise self._damage(f"the gzip stream is corrupt ({error})") from error
                rest = stream.unused_data
        if not stream.eof:
            raise self._damage("the gzip stream is cut short")

    def _damage(self, problem: str) -> DamagedInputError:
        return DamagedInputError(self.path, f"byte {self.position}", problem)


def _skip_blank(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position
