"""A question to a catalog as somebody typed it: answered by reading alone, or one line why not."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NamedTuple

import duckdb

from hfptm.catalog.relations import text
from hfptm.errors import QueryError

_BATCH_ROWS = 10_000
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT")


class Column(NamedTuple):
    name: str
    is_number: bool


class Query:
    """One query that only reads, to a connection after `lock`.

    Raises QueryError for anything else, and for what is wrong in it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:
        self._connection = connection
        with _in_one_line():
            self._asked = f"query({text(_only_question(connection, query))})"
            described = connection.execute(f"DESCRIBE FROM {self._asked}").fetchall()
        self.columns = [Column(name, bool(_NUMBER.fullmatch(kind))) for name, kind, *_ in described]

    def rows(self) -> Iterator[tuple[str | None, ...]]:
        """Every value as DuckDB writes it, to its last digit; None where there is none."""
        return self._each(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {self._asked}")

    def objects(self) -> Iterator[str]:
        """Every row as a JSON object."""
        objects = self._each(f"SELECT to_json(answer) FROM {self._asked} AS answer")
        return (str(row) for (row,) in objects)

    def _each(self, query: str) -> Iterator[tuple[str | None, ...]]:
        with _in_one_line():
            result = self._connection.execute(query)
            while rows := result.fetchmany(_BATCH_ROWS):
                yield from rows


def lock(connection: duckdb.DuckDBPyConnection, folder: str) -> None:
    """From here on it opens nothing outside a folder or address, and takes no other settings."""
    connection.execute(f"SET allowed_directories = [{text(folder)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def about_views() -> str:
    """A query for what each view holds."""
    return "SELECT view_name AS view, comment AS holds FROM duckdb_views() WHERE NOT internal"


def about_columns(connection: duckdb.DuckDBPyConnection, view: str) -> str:
    """A query for what each column of a view holds; raises QueryError if there is no such view."""
    known = [name for name, _ in connection.execute(about_views()).fetchall()]
    if view not in known:
        near = get_close_matches(view, known, 3, cutoff=0)
        raise QueryError(
            f"no view {view}; near: {', '.join(near)}; `hfptm sql --columns` lists all"
        )
    return (
        "SELECT column_name AS name, lower(data_type) AS type, comment AS holds "
        f"FROM duckdb_columns() WHERE table_name = {text(view)} ORDER BY column_index"
    )


def _only_question(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError(
            "not one query that only reads; write one SELECT, DESCRIBE, SUMMARIZE or SHOW TABLES"
        )
    return statements[0].query


@contextmanager
def _in_one_line() -> Iterator[None]:
    """What DuckDB finds wrong, with the names it takes for meant, and without its drawing."""
    try:
        yield
    except duckdb.Error as error:
        said = str(error).partition("\n\nLINE ")[0].partition(": ")[2]
        is_name = isinstance(error, duckdb.BinderException | duckdb.CatalogException)
        names = "; `hfptm sql --columns` lists what there is" if is_name else ""
        raise QueryError(f"{' '.join(said.split())}{names}") from error
