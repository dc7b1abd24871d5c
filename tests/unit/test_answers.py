"""What answers mean; whatever is not certain is unknown."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.venue.answers import (
    Answer,
    Cancels,
    Outcome,
    read_cancels,
    read_failure,
    read_placed,
    retry_after_s,
)

ID = "0x" + "ab" * 32
COUNTED = {"poly-ratelimit-remaining": "0"}


def placed(**changes: Any) -> dict[str, Any]:
    fields = {
        "success": True,
        "errorMsg": "",
        "orderID": ID,
        "status": "live",
        "makingAmount": "",
        "takingAmount": "",
    }
    return fields | changes


def one(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    (answer,) = read_placed(status, headers or {}, raw, [ID])
    return answer


@pytest.mark.parametrize("status", ["live", "matched", "delayed", "unmatched", "LIVE"])
def test_accepted(status: str) -> None:
    answer = one(200, [placed(status=status, makingAmount="5.2", takingAmount="10")])
    assert answer == Answer(Outcome.ACCEPTED, "", status.lower(), "5.2", "10")
    assert one(200, [placed(errorMsg=None)]).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("status", "body", "headers", "outcome"),
    [
        (200, [placed(errorMsg="invalid amounts", orderID="", status="")], {}, Outcome.REFUSED),
        (200, [placed(errorMsg="Insufficient balance", orderID=None)], {}, Outcome.REFUSED),
        (200, [placed(errorMsg=f"order {ID} is invalid. Duplicated.", orderID="")], {}, None),
        (200, [placed(errorMsg="odd", status="live")], {}, None),
        (200, [placed(orderID="0xcd")], {}, None),
        (200, [placed(status="")], {}, None),
        (200, [placed(status="thinking")], {}, None),
        (200, [], {}, None),
        (200, [placed(), placed()], {}, None),
        (200, placed(), {}, None),
        (200, b"<html>", {}, None),
        (200, b"", {}, None),
        (400, {"error": "Invalid order payload"}, {}, Outcome.REFUSED),
        (401, {"error": "Unauthorized/Invalid api key"}, {}, Outcome.REFUSED),
        (400, {"error": f"order {ID} is invalid. Duplicated."}, {}, None),
        (425, b"service not ready", {}, None),
        (429, {"error": "Too Many Requests"}, COUNTED, Outcome.REFUSED),
        (429, {"error": "Too Many Requests"}, {}, None),
        (500, {"error": "Internal server error"}, {}, None),
        (502, b"<html>", {}, None),
        (503, {"error": "x", "code": "post_only_mode"}, {}, Outcome.REFUSED),
        (503, {"error": "Trading is currently disabled"}, {}, None),
        (408, b"", {}, None),
        (302, b"", {}, None),
    ],
)
def test_refused_or_unknown(
    status: int, body: Any, headers: dict[str, str], outcome: Outcome | None
) -> None:
    answer = one(status, body, headers)
    assert answer.outcome is (outcome or Outcome.UNKNOWN)
    assert answer.text


def test_answers_keep_the_order_of_the_orders() -> None:
    body = msgspec.json.encode([placed(errorMsg="no", orderID=""), placed()])
    answers = read_placed(200, {}, body, ["0xcd", ID])
    assert [answer.outcome for answer in answers] == [Outcome.REFUSED, Outcome.ACCEPTED]


@given(st.integers(100, 599), st.binary(max_size=60), st.integers(0, 3))
def test_no_answer_is_too_odd(status: int, body: bytes, count: int) -> None:
    answers = read_placed(status, {}, body, [ID] * count)
    assert len(answers) == count
    assert all(answer.outcome is not Outcome.ACCEPTED for answer in answers)
    assert read_failure(status, {}, body).text


def test_long_texts_are_cut() -> None:
    assert len(read_failure(500, {}, b"x" * 10_000).text) <= 300


def test_cancels() -> None:
    assert read_cancels(b'{"canceled":["a"],"not_canceled":{"b":"no"}}') == Cancels(
        ["a"], {"b": "no"}
    )
    assert read_cancels(b"<html>") is None


@pytest.mark.parametrize(("text", "wait_s"), [("3", 3), ("", 0), ("soon", 0), ("99999", 0)])
def test_retry_after(text: str, wait_s: int) -> None:
    assert retry_after_s({"retry-after": text}) == wait_s
    assert retry_after_s({}) == 0
