"""Secrets: where they come from, what is refused, and that nothing shows them."""

import copy
import json
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring
import msgspec
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from hfptm import secrets
from hfptm.config import environment
from hfptm.errors import ConfigError
from hfptm.secrets import HIDDEN, KEYS, WATCH_KEYS, Secret, Secrets, WatchSecrets, variable
from tests.conftest import ROOT

VALUES = {
    "private_key": "0x" + "5a" * 32,
    "api_key": "6b0d9c3e-key",
    "api_secret": "c2VjcmV0LXRoYXQtaXMtbG9uZw==",
    "api_passphrase": "passphrase-7f",
    "funder_address": "0x" + "ab" * 20,
    "signature_type": "3",
}
HIDDEN_VALUES = [VALUES[key] for key in KEYS[:4]]
TOKEN = "a-token-of-24-characters"
TELEGRAM = "tgram://123456789:AbCdEf/42"
MAIL = "mailto://me:pass@mail.example?to=a@mail.example,b@mail.example"
WATCHING = {"dashboard_token": TOKEN, "alert_addresses": f"{TELEGRAM},{MAIL}"}


class Store(KeyringBackend):
    """A desktop's store in memory, chosen as keyring has its backends chosen."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked(VALUES["private_key"])
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture(autouse=True)
def store() -> Iterator[Store]:
    """Never the store of whoever runs the tests."""
    before, made = keyring.get_keyring(), Store()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "secrets.toml", VALUES)


def write(path: Path, values: dict[str, str]) -> Path:
    lines = (f"{k} = {v if k == 'signature_type' else json.dumps(v)}" for k, v in values.items())
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


def revealed(loaded: Secrets) -> dict[str, str]:
    values = msgspec.structs.asdict(loaded)
    return {k: v.reveal() if isinstance(v, Secret) else str(v) for k, v in values.items()}


def refusal(path: Path, environ: dict[str, str] | None = None) -> str:
    """The message of a load that must fail; neither it nor the traceback shows a value."""
    with pytest.raises(ConfigError) as caught:
        secrets.load(path, environ or {})
    shown = "".join(traceback.format_exception(caught.value))
    assert [value for value in HIDDEN_VALUES if value in shown] == []
    return str(caught.value)


def test_from_a_file(file: Path) -> None:
    assert revealed(secrets.load(file, {})) == VALUES


def test_from_the_environment_alone(tmp_path: Path) -> None:
    environ = {variable(key): value for key, value in VALUES.items()}
    assert revealed(secrets.load(tmp_path / "none.toml", environ)) == VALUES


def test_from_the_keyring_alone(tmp_path: Path, store: Store) -> None:
    for key, value in VALUES.items():
        keyring.set_password("hfptm", key, value)
    assert revealed(secrets.load(tmp_path / "none.toml", {})) == VALUES


def test_the_environment_comes_before_the_file_and_the_file_before_the_keyring(
    tmp_path: Path, store: Store
) -> None:
    file = write(tmp_path / "secrets.toml", {k: v for k, v in VALUES.items() if k != "api_key"})
    store.held = {("hfptm", key): "other" for key in KEYS}
    loaded = revealed(secrets.load(file, {variable("api_passphrase"): "third"}))
    assert loaded == VALUES | {"api_key": "other", "api_passphrase": "third"}


def test_a_locked_keyring_is_said_so(tmp_path: Path, store: Store) -> None:
    store.is_locked = True
    assert "unlock it" in refusal(tmp_path / "none.toml")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert re.search("others may read it; chmod 600", refusal(file))


def test_a_file_that_git_tracks_is_refused(file: Path) -> None:
    for arguments in (["init", "--quiet"], ["add", "--", file.name]):
        assert revealed(secrets.load(file, {})) == VALUES
        subprocess.run(["git", *arguments], cwd=file.parent, check=True)
    assert "git tracks it; git rm --cached" in refusal(file)


def test_git_ignores_the_file_of_this_project() -> None:
    ignored = ["git", "check-ignore", "--quiet", str(secrets.DEFAULT_PATH)]
    if (ROOT / ".git").exists():
        assert subprocess.run(ignored, cwd=ROOT, check=False).returncode == 0
    assert str(secrets.DEFAULT_PATH) in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_names_both_places(tmp_path: Path, key: str) -> None:
    file = write(tmp_path / "some.toml", {k: v for k, v in VALUES.items() if k != key})
    message = refusal(file)
    assert f"{key}: is missing" in message
    assert str(file) in message
    assert variable(key) in message


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("private_key", VALUES["private_key"][2:]),
        ("private_key", VALUES["private_key"] + "\n"),
        ("api_secret", "***"),
        ("api_secret", "ä"),
        ("api_key", "two words"),
        ("api_passphrase", "ü"),
        ("funder_address", "0x12"),
        ("signature_type", "4"),
    ],
)
def test_what_cannot_be_it_is_refused_unseen(file: Path, key: str, text: str) -> None:
    message = refusal(file, {variable(key): text})
    assert f"{key}: is refused" in message
    assert text not in message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'private_kex = "{VALUES["private_key"]}"', "private_kex: is unknown"),
        (f"private_key = {VALUES['private_key']}", "must be a text in quotes"),
        (f'signature_type = "{VALUES["api_key"]}"', "must be a whole number"),
        (f'api_secret = "{VALUES["api_secret"]}', "is not TOML"),
        (f"{VALUES['api_secret']}", "is not TOML"),
    ],
)
def test_a_file_with_a_mistake_is_refused_unseen(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    file.chmod(0o600)
    assert problem in refusal(file)


def test_nothing_shows_a_secret(file: Path) -> None:
    loaded = secrets.load(file, {})
    shown = [repr(loaded), str(loaded), f"{loaded}", f"{loaded.private_key:>80}"]
    shown += [str(loaded.private_key), repr([loaded.api_secret]), f"{loaded.api_key!r}"]
    assert [v for text in shown for v in HIDDEN_VALUES if v in text] == []
    assert all(HIDDEN in text for text in shown)
    for write_out in (pickle.dumps, json.dumps, msgspec.json.encode, copy.copy, copy.deepcopy):
        for value in (loaded, loaded.private_key):
            if not (write_out is copy.copy and value is loaded):  # a copy that shares the secrets
                with pytest.raises(TypeError) as caught:
                    write_out(value)
                assert [v for v in HIDDEN_VALUES if v in str(caught.value)] == []


def test_the_example_has_every_key() -> None:
    text = (ROOT / "config" / "secrets.toml.example").read_text()
    assert tomllib.loads(text) == {}
    assert tuple(re.findall(r"^# (\w+) =", text, re.MULTILINE)) == KEYS + WATCH_KEYS


def watching(loaded: WatchSecrets) -> tuple[str, list[str]]:
    token = loaded.dashboard_token.reveal() if loaded.dashboard_token else ""
    return token, [address.reveal() for address in loaded.alert_addresses]


def refused_watching(path: Path, environ: dict[str, str] | None = None) -> str:
    """The message of a load that must fail, without a value in it."""
    with pytest.raises(ConfigError) as caught:
        secrets.load_watching(path, environ or {})
    shown = "".join(traceback.format_exception(caught.value))
    assert [text for text in (TOKEN, "AbCdEf", "pass@") if text in shown] == []
    return str(caught.value)


def test_watching_needs_nothing(tmp_path: Path, file: Path) -> None:
    assert watching(secrets.load_watching(tmp_path / "none.toml", {})) == ("", [])
    assert watching(secrets.load_watching(file, {})) == ("", [])


def test_watching_without_trading_keys_and_beside_them(tmp_path: Path, store: Store) -> None:
    file = write(tmp_path / "secrets.toml", WATCHING)
    assert watching(secrets.load_watching(file, {})) == (TOKEN, [TELEGRAM, MAIL])
    assert "private_key: is missing" in refusal(file)
    both = write(tmp_path / "both.toml", VALUES | WATCHING)
    assert revealed(secrets.load(both, {})) == VALUES
    assert watching(secrets.load_watching(both, {})) == (TOKEN, [TELEGRAM, MAIL])
    store.held = {("hfptm", key): value for key, value in WATCHING.items()}
    none = tmp_path / "none.toml"
    assert watching(secrets.load_watching(none, {})) == (TOKEN, [TELEGRAM, MAIL])
    other = {variable("dashboard_token"): TOKEN + "2"}
    assert watching(secrets.load_watching(file, other)) == (TOKEN + "2", [TELEGRAM, MAIL])


@pytest.mark.parametrize(
    "text",
    [
        f'["{TELEGRAM}", "{MAIL}"]',
        f'"{TELEGRAM} {MAIL}"',
        f'" {TELEGRAM},, {MAIL}, "',
        f'["{TELEGRAM},{MAIL}", ""]',
        f'"""\n{TELEGRAM}\n{MAIL}\n"""',
    ],
)
def test_addresses_are_a_list_or_a_text(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(f"alert_addresses = {text}\n")
    file.chmod(0o600)
    assert watching(secrets.load_watching(file, {})) == ("", [TELEGRAM, MAIL])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('dashboard_token = "15-characters-!"', "dashboard_token: is refused"),
        (f'dashboard_token = "{TOKEN} "', "dashboard_token: is refused"),
        ("dashboard_token = 1234567890123456", "must be a text in quotes"),
        ('alert_addresses = ["me:pass@mail.example"]', "alert_addresses: is refused"),
        (f'alert_addresses = "AbCdEf, {TELEGRAM}"', "alert_addresses: is refused"),
        (f'alert_addresses = ["{TELEGRAM}", 7]', "must be texts in quotes"),
        (f'alert_adresses = "{TELEGRAM}"', "alert_adresses: is unknown"),
    ],
)
def test_what_cannot_watch_is_refused_unseen(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    file.chmod(0o600)
    assert problem in refused_watching(file)
    file.chmod(0o644)
    assert "others may read it" in refused_watching(file)


ABORTS = """
import os, resource, sys
from hfptm.secrets import forbid_core_dumps
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
os.chdir(sys.argv[1])
if sys.argv[2] == "forbidden":
    forbid_core_dumps()
os.abort()
"""


def dumps(folder: Path, how: str) -> bool:
    """Whether a process that crashes writes what it knows."""
    command = [sys.executable, "-c", ABORTS, str(folder), how]
    status = os.waitpid(os.posix_spawn(sys.executable, command, environment()), 0)[1]
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_a_crash_dumps_nothing(tmp_path: Path) -> None:
    assert not dumps(tmp_path, "forbidden")
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("nothing is ever dumped here")
    assert dumps(tmp_path, "allowed")
