"""A DuckDB connection whose views are what a data folder holds at that moment."""

from pathlib import Path

import duckdb

from hfptm.catalog import macros
from hfptm.catalog.columns import described, setting
from hfptm.catalog.files import Files, LocalFiles, StoredFiles, is_address
from hfptm.catalog.relations import quoted, text
from hfptm.catalog.views import View, views
from hfptm.lake import Lake
from hfptm.presence import Reading


def connect(data: Path | str) -> duckdb.DuckDBPyConnection:
    """Views of a data folder, or of an address such as "s3://bucket/folder" that holds the same.

    What is recorded, run or swept later is seen by a later connection. What is not there yet is a
    view without rows. Until the connection is closed, or forgotten, no file of the lake is removed.
    Raises ConfigError for an address that cannot be used.
    """
    connection = duckdb.connect(":memory:")
    files: Files
    if is_address(data):
        stored = StoredFiles(str(data))
        connection.register_filesystem(stored.storage)
        files = stored
    else:
        _hold(connection, Lake(Path(data)).reading())
        files = LocalFiles(Path(data))
    connection.begin()
    connection.execute(";".join([*macros.names(), *macros.UNITS]))
    for view in views(files):
        _create(connection, view)
    connection.execute(";".join(macros.OF_EVENTS))
    connection.commit()
    return connection


def _hold(connection: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """A connection keeps no attribute, but the functions it knows."""

    def lake_is_held() -> bool:
        return reading is not None

    connection.create_function("lake_is_held", lake_is_held, [], "BOOLEAN")


def _create(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    connection.execute(f"CREATE VIEW {view.name} AS {view.sql}")
    texts = described(view.name)
    columns = connection.execute(f"DESCRIBE {view.name}").fetchall()
    comments = [f"COMMENT ON VIEW {view.name} IS {text(view.about)}"]
    for name, *_ in columns:
        about = setting(name) if "." in name else texts[name]
        comments.append(f"COMMENT ON COLUMN {view.name}.{quoted(name)} IS {text(about)}")
    connection.execute(";".join(comments))
