"""Who may look, and who may throw the kill switch.

Without a configured token everybody may look: nobody but this machine's own users comes near then.
With one, whoever looks shows it (`Authorization: Bearer`) or the cookie that a login with it sets.
The kill switch takes the configured token, or the one of this process that only a page of the same
origin can read; a cookie alone, which browsers send by themselves, never throws it.
"""

import asyncio
import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

from hfptm.secrets import Secret

COOKIE = "hfptm"
COOKIE_S = 30 * 86_400

WRONG_S = 1.0
"""What a wrong token waits for its answer."""

WRONG_MAX = 16
"""So many wait at a time; what is wrong beyond it is refused at once, without being looked at
again."""

_COOKIE_ABOUT = b"hfptm dashboard cookie"
_BEARER = "bearer "


class Access:
    """`token` is the configured one, None if there is none."""

    def __init__(self, token: Secret | None) -> None:
        self.is_limited = token is not None
        self.kill_token = secrets.token_urlsafe(24)
        # What is kept of a token proves it, and is not it.
        known = token.reveal().encode() if token else secrets.token_bytes(32)
        self._token = _digest(known)
        self._cookie = hmac.new(known, _COOKIE_ABOUT, "sha256").hexdigest()
        self._waiting = 0

    def is_token(self, text: str) -> bool:
        return self.is_limited and hmac.compare_digest(_digest(text.encode()), self._token)

    def admits(self, headers: Headers) -> bool:
        """Whether it may be looked at."""
        return not self.is_limited or self.is_token(bearer(headers)) or self._has_cookie(headers)

    def may_kill(self, headers: Headers) -> bool:
        shown = bearer(headers)
        is_own = hmac.compare_digest(_digest(shown.encode()), _digest(self.kill_token.encode()))
        return self.is_token(shown) or (is_own and self.admits(headers))

    def cookie(self, *, is_https: bool) -> str:
        """A `Set-Cookie` that proves the token without being it; another token ends it."""
        parts = (
            f"{COOKIE}={self._cookie}",
            f"Max-Age={COOKIE_S}",
            *("Path=/", "HttpOnly", "SameSite=Strict"),
            *(("Secure",) if is_https else ()),
        )
        return "; ".join(parts)

    async def is_patient(self) -> bool:
        """Hold back who was wrong; False if too many are held back already."""
        if self._waiting >= WRONG_MAX:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(WRONG_S)
        finally:
            self._waiting -= 1
        return True

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            sent = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return sent is not None and hmac.compare_digest(sent.value.encode(), self._cookie.encode())


def bearer(headers: Headers) -> str:
    """The token that is shown, "" if none is."""
    shown = headers.get("authorization", "")
    return shown[len(_BEARER) :] if shown.lower().startswith(_BEARER) else ""


def _digest(text: bytes) -> bytes:
    """Of one length, so that comparing tells nothing of the other's."""
    return hashlib.sha256(text).digest()
