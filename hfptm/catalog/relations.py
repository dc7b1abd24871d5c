"""SQL of what lies in files: the same columns whether there are files or not."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from hfptm.parquet import HOUR_NS

_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.uint16(): "USMALLINT",
    pa.uint8(): "UTINYINT",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
}

_FOLDERS = {"date": "DATE", "hour": "BIGINT"}
_HOUR_NS = f"epoch_ns(date) + hour * {HOUR_NS}"
"""Computed where the files are read: a comparison with a constant then decides which are opened."""


def quoted(name: str) -> str:
    """A column or view name that may be a word of SQL, or hold a dot."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def listed(files: Sequence[str]) -> str:
    return f"[{', '.join(map(text, files))}]"


def types_of(schema: pa.Schema) -> dict[str, str]:
    return {field.name: _TYPES[field.type] for field in schema}


def empty(types: Mapping[str, str]) -> str:
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in types.items())
    return f"SELECT {nulls} WHERE false"


def hourly(schema: pa.Schema, files: Sequence[str]) -> str:
    """Rows of the lake, and of which hour they are: `date`, `hour` and `hour_ns`."""
    types = {**types_of(schema), **_FOLDERS}
    if not files:
        return empty({**types, "hour_ns": "BIGINT"})
    columns = ", ".join(map(quoted, types))
    hive = ", ".join(f"'{name}': {kind}" for name, kind in _FOLDERS.items())
    options = f"hive_partitioning = true, hive_types = {{{hive}}}"
    files_read = f"read_parquet({listed(files)}, {options})"
    return f"SELECT {columns}, {_HOUR_NS} AS hour_ns FROM {files_read}"


def versioned(schema: pa.Schema, files: Sequence[str]) -> str:
    """Rows of files of which old ones may lack the last columns; those are null."""
    return _padded(types_of(schema), f"SELECT * FROM {_united(files)}" if files else "")


def by_folder(owner: str, schema: pa.Schema, files: Sequence[str], place: str = "") -> str:
    """`versioned` rows of one table in many folders, and the folder's name as `owner`; a filter on
    that opens one file. `place`: name of a column with a row's number in its file."""
    types = {owner: "VARCHAR", **types_of(schema)} | ({place: "BIGINT"} if place else {})
    numbered = f", file_row_number AS {quoted(place)}" if place else ""
    columns = f"{FOLDER} AS {quoted(owner)}, * EXCLUDE (filename){numbered}"
    return _padded(types, f"SELECT {columns} FROM {_united(files, place)}" if files else "")


def _padded(types: Mapping[str, str], rows: str) -> str:
    """Just these columns, whichever of them the rows have."""
    if not rows:
        return empty(types)
    columns = ", ".join(map(quoted, types))
    return f"SELECT {columns} FROM ({empty(types)} UNION ALL BY NAME {rows})"


def _united(files: Sequence[str], place: str = "") -> str:
    numbered = ", file_row_number = true" if place else ""
    options = f"filename = true, union_by_name = true, hive_partitioning = false{numbered}"
    return f"read_parquet({listed(files)}, {options})"


FOLDER = "parse_path(filename)[-2]"


def documents(owner: str, files: Sequence[str]) -> str:
    """JSON files of one name in many folders: `owner` and `content`."""
    if not files:
        return empty({owner: "VARCHAR", "content": "JSON"})
    columns = f"{FOLDER} AS {quoted(owner)}, CAST(content AS JSON) AS content"
    return f"SELECT {columns} FROM read_text({listed(files)})"
