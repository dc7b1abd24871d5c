"""API keys over HTTP: create, derive, list, delete (exchange reference, section 3.2)."""

from hfptm.sandbox.auth import ApiKeys, check_l1, check_l2
from hfptm.sandbox.calls import ApiError, Call, Reply, as_json


class KeyDesk:
    """Handlers over the keys of all accounts."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def create(self, call: Call) -> Reply:
        """POST /auth/api-key; refused if the account has one for this nonce."""
        credentials = self._keys.create(*check_l1(call.headers, call.ts_wall_ns))
        if credentials is None:
            raise ApiError(400, "Could not create api key")
        return as_json(credentials)

    def derive(self, call: Call) -> Reply:
        """GET /auth/derive-api-key; refused if there is nothing to derive."""
        credentials = self._keys.derive(*check_l1(call.headers, call.ts_wall_ns))
        if credentials is None:
            raise ApiError(400, "Could not derive api key!")
        return as_json(credentials)

    def keys(self, call: Call) -> Reply:
        """GET /auth/api-keys."""
        caller = check_l2(self._keys, call)
        return as_json({"apiKeys": self._keys.of(caller.address)})

    def delete(self, call: Call) -> Reply:
        """DELETE /auth/api-key: the one that signs the request."""
        self._keys.delete(check_l2(self._keys, call).api_key)
        return as_json("OK")
