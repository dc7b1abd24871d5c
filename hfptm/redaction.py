"""What must not leave the process, taken out of text: known secrets, and what looks like one."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote

from hfptm.secrets import HIDDEN

PART_LENGTH_MIN = 4
"""Shorter pieces of an address are no secrets, and stand in every other word."""

KNOWN_LENGTH_MIN = 8
"""Shorter texts stand within words, and neither the exchange nor a token of ours is that short."""

TOKEN_LENGTH_MIN = 12
"""Pieces of an address that are taken out wherever they stand."""

_ADDRESS = re.compile(r"(\w+://)(?:[^\s/@]*@)?([^\s/?#'\"]+)[^\s,;:)'\"]*")
_PASSWORD = re.compile(r"://[^/@]*:([^/@]+)@")

_SHAPES = (
    # Keys, and whatever else has their length.
    (re.compile(r"(?<![0-9a-fA-F])(0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[\w~+/.=-]+"), rf"\1\2{HIDDEN}"),
    # Names and passwords in an address of the web, and all of any other address.
    (re.compile(r"(?i)\b(https?|wss?)://[^\s/@'\"]+@"), rf"\1://{HIDDEN}@"),
    (
        re.compile(r"(?i)\b(?!(?:https?|wss?|file|s3)://)([a-z][a-z0-9+.-]*)://(?!…)[^\s'\"]+"),
        rf"\1://{HIDDEN}",
    ),
    (
        re.compile(
            r"(?i)((?:api|private|access)[_-]?key|secret|passphrase|password|signature|"
            r"[a-z]+[_-]token)(['\"]?\s*[:=]\s*['\"]?)[^\s'\"&,;}]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these, however they are quoted or escaped in it, and without what has the
    shape of a key, a password or an address to send to."""
    known = _pattern(frozenset(secrets))
    shown = known.sub(HIDDEN, text) if known else text
    for shape, instead in _SHAPES:
        shown = shape.sub(instead, shown)
    return shown


def hosts_only(text: str) -> str:
    """Of every address in it the scheme and the host: what follows, or stands before, may be a
    key, as in a node's."""
    return _ADDRESS.sub(r"\1\2", text)


def parts(address: str, length_min: int = PART_LENGTH_MIN) -> list[str]:
    """Pieces of an address, any of which may be what a service takes for a password."""
    _, _, rest = address.partition("://")
    return [part for part in re.split(r"[/:@?&=,#]", rest) if len(part) >= length_min]


@lru_cache(maxsize=64)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """Finds any of them, the longest first: one may begin with another."""
    long = [secret for secret in secrets if len(secret) >= KNOWN_LENGTH_MIN]
    found = {form for secret in long for form in _forms(secret)}
    if not found:
        return None
    return re.compile("|".join(map(re.escape, sorted(found, key=lambda f: (-len(f), f)))))


def _forms(secret: str) -> set[str]:
    """As it is, and as Python, JSON and addresses write it."""
    pieces = {secret}
    if "://" in secret:
        pieces.update(parts(secret, TOKEN_LENGTH_MIN), _PASSWORD.findall(secret))
    return {form for piece in pieces for form in (piece, *_quoted(piece))}


def _quoted(text: str) -> list[str]:
    in_address = [quote(text), quote(text, safe=""), quote_plus(text), unquote(text)]
    escaped = [repr(text)[1:-1], repr(text.encode())[2:-1], json.dumps(text)[1:-1]]
    return [*escaped, *in_address]
