"""The records that no step could handle, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from pyudf._chunks import read_parts
from pyudf._enginerun import Output
from pyudf._frames import Data, to_json

__all__ = ["letters"]

# The columns, by the headers that the engine tells them in.
_COLUMNS: Final = {
    "source": "pyudf.topic",
    "row": "pyudf.offset",
    "reason": "pyudf.reason",
    "message": "pyudf.message",
    "step": "pyudf.step",
    "function": "pyudf.function",
    "exception": "pyudf.exception",
    "traceback": "pyudf.traceback",
    "value": "value",
}


def letters(output: Output | None, data: Mapping[str, Data]) -> Any:
    """Return a table with a row for each dead letter, in the order of their rows."""
    rows: list[dict[str, Any]] = []
    for path in () if output is None else output.files:
        for part in read_parts(path):
            found = {
                name: [None] * part.rows if values is None else values.to_pylist()
                for name, values in part.columns.items()
            }
            for number in range(part.rows):
                told = {
                    name: found.get(header, [None] * part.rows)[number]
                    for name, header in _COLUMNS.items()
                }
                rows.append(_whole(told, data))
    types = {name: pa.string() for name in _COLUMNS} | {"row": pa.int64()}
    return pa.Table.from_pylist(rows, schema=pa.schema(types))


def _whole(told: dict[str, Any], data: Mapping[str, Data]) -> dict[str, Any]:
    """Return a letter with its value: the engine may have had but a part of the record."""
    told = {
        name: text if name == "row" or text is None else str(text) for name, text in told.items()
    }
    given = data.get(told["source"])
    if given is not None and given.table is not None and told["value"] == "{}":
        record = given.table.slice(told["row"], 1).to_pylist()[0]
        value = to_json(record)
        told["value"] = None if value is None else value.decode()
    return told
