"""The catalog: every recording, run and sweep of a data folder as documented DuckDB views."""

from hfptm.catalog.connection import connect

__all__ = ["connect"]
