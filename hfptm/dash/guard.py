"""What stands before every request: whose it is, where it comes from, and what an answer may do.

A page elsewhere can make a browser ask for anything here. Its browser says so (`Sec-Fetch-Site`,
`Origin`), and a name that was made to lead here (DNS rebinding) stands in `Host`.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hfptm.dash.access import Access, bearer
from hfptm.dash.answers import refusal, wrong_token
from hfptm.dash.connections import HEAD_BYTES_MAX

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer."""

BODY_BYTES_MAX = 4_096

OPEN = ("/health", "/login")
STATIC = "/static/"
"""What is answered without a token too; `/health` in a word then."""

_READING = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")
_SIGNS = len(": \r\n")
_OWN_HOST = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class Guard:
    """In front of an application. Without a configured token it answers to this machine's own names
    alone."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer: ASGIApp = await self._refused(scope) or self._app
        await answer(scope, receive, guarded)

    async def _refused(self, scope: Scope) -> Response | None:
        headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
        if problem := self._foreign(headers, method):
            return refusal(403, problem)
        if _head_bytes(scope) > HEAD_BYTES_MAX:
            return refusal(431, f"more than {HEAD_BYTES_MAX} bytes of headers")
        if int(headers.get("content-length", "0")) > BODY_BYTES_MAX:
            return refusal(413, f"more than {BODY_BYTES_MAX} bytes")
        if "transfer-encoding" in headers:
            return refusal(411, "say how long it is, in content-length")
        if self._access.admits(headers) or path in OPEN or path.startswith(STATIC):
            return None
        if bearer(headers):
            return await wrong_token(self._access)
        if path == "/" and method in _READING:
            return RedirectResponse("/login", 303)
        return refusal(401, "log in at /login, or send Authorization: Bearer and the token")

    def _foreign(self, headers: Headers, method: str) -> str:
        """What is wrong with where it comes from; "" if nothing is."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._access.is_limited and not _OWN_HOST.fullmatch(host):
            return "not by this name: ask at 127.0.0.1 or localhost, or set dashboard_token"
        is_visit = method in _READING and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site", "none") not in _OWN_SITES and not is_visit:
            return "not from another site"
        if origin is not None and _place(origin) != host.lower():
            return "not from another site"
        return ""


def _head_bytes(scope: Scope) -> int:
    """Of a head that came in one piece; h11 bounds one that comes in several."""
    said = sum(len(name) + len(value) + _SIGNS for name, value in scope["headers"])
    return said + len(scope["raw_path"]) + len(scope["query_string"])


def _place(origin: str) -> str:
    """The host and port of an origin, which may be anything."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
