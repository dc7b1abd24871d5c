"""No line of a log has a secret in it, wherever it stands and however it is quoted."""

import json
import logging
import string
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.logs import JsonLines, Pretty, Words
from hfptm.redaction import redacted
from hfptm.secrets import HIDDEN, Secret

FORMATTERS = [JsonLines(), Pretty(), Words()]
SECRETS = st.text(string.ascii_letters + string.digits + string.punctuation, min_size=8).filter(
    lambda text: text not in HIDDEN
)
KEYS = st.from_regex(r"\A(0x)?[0-9a-fA-F]{64}\Z")
TOKENS = st.from_regex(r"\A[A-Za-z0-9._-]{20,40}\Z")
AROUND = st.text(max_size=30)


def record(message: str, *args: Any, status: object = None) -> logging.LogRecord:
    made = logging.LogRecord("a.logger", logging.INFO, "", 0, message, args, None)
    if status is not None:
        made.status = status
    return made


def failed(error: Exception) -> logging.LogRecord:
    made = record("it failed: %s", error)
    try:
        try:
            raise error
        except type(error) as cause:
            raise RuntimeError(f"because of {cause!r}") from cause
    except RuntimeError:
        made.exc_info = sys.exc_info()
    return made


def everywhere(secret: str, before: str, after: str) -> list[logging.LogRecord]:
    """Lines that show it, in the ways that lines do."""
    return [
        record("%s", f"{before}{secret}{after}"),
        record(f"{before}{secret}{after}".replace("%", "%%")),
        record("%r %s", {"key": [secret]}, (secret,)),
        record("%s", json.dumps({"key": secret})),
        record("%s", secret.encode()),
        record("status", status={"problems": [before + secret], secret: 1, "n": {"x": secret}}),
        failed(ValueError(before + secret)),
        failed(KeyError(secret)),
        failed(OSError(5, secret, secret)),
    ]


def shown(records: list[logging.LogRecord]) -> list[str]:
    lines = [formatter.format(one) for one in records for formatter in FORMATTERS]
    for line in lines[:: len(FORMATTERS)]:
        assert json.loads(line)["level"] == "info"
    return lines


@settings(max_examples=80, deadline=None)
@given(SECRETS, AROUND, AROUND)
def test_a_secret_of_this_process_is_in_no_line(secret: str, before: str, after: str) -> None:
    Secret(secret)
    for line in shown(everywhere(secret, before, after)):
        assert secret not in line
        assert json.dumps(secret)[1:-1] not in line
        assert repr(secret)[1:-1] not in line


@settings(max_examples=80, deadline=None)
@given(KEYS)
def test_what_is_as_long_as_a_key_is_in_no_line(key: str) -> None:
    for line in shown(everywhere(key, "key: ", ", and more")):
        assert key not in line


@settings(max_examples=80, deadline=None)
@given(TOKENS, st.sampled_from(["wss", "https", "http"]))
def test_what_stands_where_passwords_do_is_in_no_line(token: str, scheme: str) -> None:
    for text in (
        f"Authorization: Bearer {token}",
        f"{scheme}://someone:{token}@host.example/path",
        f"{scheme}://host.example/path?api_key={token}&x=1",
        f"tgram://{token}/12345",
        f"mailto://me:{token}@mail.example",
        f'{{"apiKey": "{token}", "secret":"{token}", "passphrase": "{token}"}}',
        f"POLY_PASSPHRASE: {token}",
        f"dashboard_token = {token!r}",
    ):
        for line in shown([record("%s", text), failed(ValueError(text))]):
            assert token not in line


def test_a_piece_of_an_address_to_send_to_is_in_no_line() -> None:
    Secret("tgram://123456789:AAabcdefghijklmnop/12345")
    Secret("mailto://me:passw0rd@mail.example")
    text = "POST /bot123456789:AAabcdefghijklmnop/sendMessage: passw0rd is wrong"
    assert redacted(text, ["mailto://me:passw0rd@mail.example"]).endswith("<hidden> is wrong")
    for line in shown([record("%s", text)]):
        assert "AAabcdefghijklmnop" not in line
        assert "passw0rd" not in line


@pytest.mark.parametrize(
    "text",
    [
        "line 1: connection 12 ended: no close frame received or sent",
        "https://clob.polymarket.com/book: 503; again in 1.5 s",
        "wss://ws-subscriptions-clob.polymarket.com/ws/market",
        "market 4611686018427387905, token 71321045679252212594626385532706912750332728571942",
        "s3://bucket/folder: no answer",
        "cancel: order is gone",
        "alert to 1 (tgram://…) failed, it is tried again: error=401",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert redacted(text) == text
