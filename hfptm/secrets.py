"""What signs orders, opens the dashboard and reaches people: read once, never written, never shown.

Each key comes from the first of these that has it: the environment (`POLYMARKET_PRIVATE_KEY` and so
on), `config/secrets.toml`, and, if the package `keyring` is installed, the store of the desktop
(service "hfptm"). No message of this module quotes a value, and no error carries one along.
"""

import base64
import binascii
import ctypes
import importlib
import os
import re
import resource
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import msgspec

from hfptm.errors import ConfigError

DEFAULT_PATH = Path("config/secrets.toml")
"""Relative to the working folder; git ignores it."""

VARIABLE_PREFIX = "POLYMARKET_"
KEYRING_SERVICE = "hfptm"
HIDDEN = "<hidden>"

PR_SET_DUMPABLE = 4
"""Of prctl(2)."""

_known: set[str] = set()

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """A text that only `reveal` shows. It cannot be copied, pickled or written as JSON."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        _known.add(text)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, _: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled; hand on the object itself")


def known() -> frozenset[str]:
    """Every text that was ever made a secret in this process: what no log may show."""
    return frozenset(_known)


class Secrets(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    private_key: Secret
    """Signs orders; 0x and 64 hex digits."""
    api_key: Secret
    api_secret: Secret
    api_passphrase: Secret
    funder_address: str
    """The wallet that holds the funds; of an account without one, the signer's own address."""
    signature_type: int
    """0: an account of its own, 1: a proxy, 2: a Safe, 3: a deposit wallet (reference, 4.3)."""


class WatchSecrets(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What watching a run needs; no trading key is asked for."""

    dashboard_token: Secret | None
    """Whoever shows it may see the dashboard from another machine, and stop trading."""
    alert_addresses: tuple[Secret, ...]
    """Where alerts go, as apprise writes addresses; most hold a password."""


KEYS = Secrets.__struct_fields__
WATCH_KEYS = WatchSecrets.__struct_fields__

TOKEN_LENGTH_MIN = 16


def load(path: Path, environ: Mapping[str, str]) -> Secrets:
    """The secrets of this process.

    Raises ConfigError, without a value in it, for a file that others can read or that git tracks,
    for keys that are missing or unknown, and for values that cannot be what they are called.
    """
    texts = _texts(path, environ, KEYS)
    for key in KEYS:
        if key not in texts:
            problem = f"is missing; write it into {path}, or set {variable(key)}"
            raise ConfigError("secrets", key, problem)
    hidden = {key: Secret(texts[key]) for key in KEYS[:4]}
    return Secrets(
        **hidden,
        funder_address=texts["funder_address"],
        signature_type=int(texts["signature_type"]),
    )


def load_watching(path: Path, environ: Mapping[str, str]) -> WatchSecrets:
    """The secrets of whatever watches a run; each may be missing.

    Raises ConfigError as `load` does.
    """
    texts = _texts(path, environ, WATCH_KEYS)
    token, addresses = texts.get("dashboard_token"), texts.get("alert_addresses", "")
    return WatchSecrets(
        dashboard_token=Secret(token) if token else None,
        alert_addresses=tuple(map(Secret, _split(addresses))),
    )


def forbid_core_dumps() -> None:
    """From now on a crash of this process writes none: neither a file nor, on Linux, into a
    program of the system, which asks for no limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def variable(key: str) -> str:
    """The environment variable of a key."""
    return VARIABLE_PREFIX + key.upper()


def _texts(path: Path, environ: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Those of the keys that some source has, each as it must be."""
    held = _from_file(path) if path.exists() else {}
    texts: dict[str, str] = {}
    for key in keys:
        if text := environ.get(variable(key)) or held.get(key) or _from_keyring(key):
            texts[key] = text
    for key, text in texts.items():
        is_valid, allowed = _RULES[key]
        if not is_valid(text):
            raise ConfigError("secrets", key, f"is refused; allowed: {allowed}")
    return texts


def _from_file(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(_private_text(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # What the parser says may quote the line.
        problem = 'is not TOML; write each line as key = "value"'
        raise ConfigError(str(path), "the whole file", problem) from None
    if isinstance(table.get("alert_addresses"), list):
        table["alert_addresses"] = _joined(path, table["alert_addresses"])
    for key, value in table.items():
        if key not in (*KEYS, *WATCH_KEYS):
            known = ", ".join((*KEYS, *WATCH_KEYS))
            raise ConfigError(str(path), key, f"is unknown; known: {known}")
        if type(value) is not (int if key == "signature_type" else str):
            kind = "a whole number" if key == "signature_type" else "a text in quotes"
            raise ConfigError(str(path), key, f"must be {kind}")
    return {key: str(value) for key, value in table.items()}


def _joined(path: Path, addresses: list[object]) -> str:
    texts = [text for text in addresses if isinstance(text, str)]
    if len(texts) < len(addresses):
        raise ConfigError(str(path), "alert_addresses", "must be texts in quotes")
    return ",".join(texts)


def _split(addresses: str) -> list[str]:
    """At commas and blanks that end an address; one inside it may list its receivers."""
    return [text for text in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)|[\s,]+\Z", addresses) if text]


def _are_addresses(text: str) -> bool:
    found = _split(text.strip())
    return bool(found) and all(map(_matches(r"[A-Za-z][\w+.-]*://[\x21-\x7e]+"), found))


def _private_text(path: Path) -> str:
    """The content, if nobody else may read it; checked on the open file, which cannot be swapped.

    Raises ConfigError.
    """
    try:
        with path.open("rb") as file:
            is_open_to_others = os.fstat(file.fileno()).st_mode & _OTHERS
            content = file.read()
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check its owner"
        raise ConfigError(str(path), "the whole file", problem) from error
    if is_open_to_others:
        problem = f"others may read it; chmod 600 {path}, and if they did, use other keys"
        raise ConfigError(str(path), "file mode", problem)
    if _is_tracked(path):
        problem = f"git tracks it; git rm --cached {path}, and use other keys"
        raise ConfigError(str(path), "git", problem)
    return content.decode()


def _is_tracked(path: Path) -> bool:
    """Whether the file is in the index of a git repository; not, where there is no git."""
    command = ["git", "ls-files", "--error-unmatch", "--", path.name]
    try:
        found = subprocess.run(command, cwd=path.parent, check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return found.returncode == 0


def _from_keyring(key: str) -> str | None:
    """What the desktop's store holds, None if there is no store. Raises ConfigError if locked."""
    if find_spec("keyring") is None:
        return None
    keyring = importlib.import_module("keyring")
    errors = importlib.import_module("keyring.errors")
    try:
        text: str | None = keyring.get_password(KEYRING_SERVICE, key)
    except errors.NoKeyringError:
        return None
    except errors.KeyringError:
        problem = "the keyring does not open; unlock it, or set the environment variable"
        raise ConfigError("keyring", key, problem) from None
    return text


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError):
        return False


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


_RULES: dict[str, tuple[Callable[[str], bool], str]] = {
    "private_key": (_matches(r"0x[0-9a-fA-F]{64}"), "0x and 64 hex digits"),
    "api_key": (_matches(r"[\x21-\x7e]+"), "printable ASCII without blanks"),
    "api_secret": (_is_base64, "base64, as the exchange gave it"),
    "api_passphrase": (_matches(r"[\x21-\x7e]+"), "printable ASCII without blanks"),
    "funder_address": (_matches(r"0x[0-9a-fA-F]{40}"), "0x and 40 hex digits"),
    "signature_type": (_matches(r"[0-3]"), "0, 1, 2 or 3"),
    "dashboard_token": (
        _matches(rf"[\x21-\x7e]{{{TOKEN_LENGTH_MIN},}}"),
        f"{TOKEN_LENGTH_MIN} or more characters of printable ASCII, without blanks",
    ),
    "alert_addresses": (_are_addresses, "addresses such as tgram://…, between commas"),
}
