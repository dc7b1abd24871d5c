"""What `hfptm doctor --live` found last, in the data folder: `doctor.json`.

No order leaves on findings that are older than a day, of another account, exchange or
configuration, or that name anything that is missing.
"""

import hashlib
from pathlib import Path

import msgspec

from hfptm.config import Config, as_toml, unwatched
from hfptm.parquet import publish_bytes
from hfptm.units import NS_PER_S

FINDINGS = "doctor.json"
VALID_NS = 24 * 3_600 * NS_PER_S

_AGAIN = "run `hfptm doctor --live` with the same settings"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it is secret."""

    ts_ns: int
    account: str
    """Signer and funder; empty if the secrets are not there."""
    exchange: str
    """Address of the CLOB."""
    config: str
    """`config_digest` of what was looked at."""
    missing: list[str]
    """Checks that did not hold, by name."""


def config_digest(config: Config) -> str:
    """SHA-256 of every setting, wherever it came from, but of those that only say who watches."""
    return hashlib.sha256(as_toml(unwatched(config)).encode()).hexdigest()


def write_findings(data: Path, findings: Findings) -> None:
    """In the place of what was found before, and whole or not at all."""
    publish_bytes(data / FINDINGS, msgspec.json.encode(findings) + b"\n")


def read_findings(data: Path) -> Findings | None:
    """None if there are none, or none that this version can read."""
    try:
        return msgspec.json.decode((data / FINDINGS).read_bytes(), type=Findings)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def findings_problem(found: Findings | None, config: Config, account: str, now_ns: int) -> str:
    """Why no order may leave on them, and what to do; empty if one may."""
    if found is None:
        return f"nobody looked yet; {_AGAIN}"
    if found.missing:
        return f"found that something is missing ({', '.join(found.missing)}); {_AGAIN}"
    if now_ns < found.ts_ns:
        return f"looked at a time that is still to come: the clock was set back; {_AGAIN}"
    if now_ns - found.ts_ns > VALID_NS:
        hours = (now_ns - found.ts_ns) / VALID_NS * 24
        return f"looked {hours:,.1f} hours ago, 24 at most; {_AGAIN}"
    if found.exchange != config.server.clob_url:
        return f"looked at {found.exchange}; {_AGAIN}"
    if found.account != account:
        return f"looked at {found.account}; {_AGAIN}"
    if found.config != config_digest(config):
        return f"looked at another configuration; {_AGAIN}"
    return ""
