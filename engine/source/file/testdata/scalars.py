"""Writes scalars.parquet, and scalars.jsonl with what the file source must make of it.

Call it as `python scalars.py DIRECTORY`.
"""

import datetime as dt
import pathlib
import sys
import uuid
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

UTC = dt.UTC
MOMENT = dt.datetime(2013, 1, 1, 6, 0, 0, 250000, UTC)

# Each column: name, type, values, and their JSON.
COLUMNS = [
    ("bool", pa.bool_(), [True, False], ["true", "false"]),
    ("int8", pa.int8(), [-128, 127], ["-128", "127"]),
    ("int16", pa.int16(), [-32768, 32767], ["-32768", "32767"]),
    ("int32", pa.int32(), [-(2**31), 2**31 - 1], ["-2147483648", "2147483647"]),
    ("int64", pa.int64(), [-(2**63), 2**53 + 1], ["-9223372036854775808", "9007199254740993"]),
    ("uint8", pa.uint8(), [0, 255], ["0", "255"]),
    ("uint32", pa.uint32(), [1, 2**32 - 1], ["1", "4294967295"]),
    ("uint64", pa.uint64(), [1, 2**64 - 1], ["1", "18446744073709551615"]),
    ("half", pa.float16(), [1.5, -0.25], ["1.5", "-0.25"]),
    ("float", pa.float32(), [0.1, -2.5], ["0.10000000149011612", "-2.5"]),
    ("double", pa.float64(), [0.1, float("nan")], ["0.1", "null"]),
    ("text", pa.string(), ['caf\u00e9 "x"\n', ""], ['"caf\u00e9 \\"x\\"\\n"', '""']),
    ("large_text", pa.large_string(), ["a", "b"], ['"a"', '"b"']),
    ("category", pa.dictionary(pa.int8(), pa.string()), ["EWR", "JFK"], ['"EWR"', '"JFK"']),
    ("binary", pa.binary(), [b"\x00\xff", b""], ['"AP8="', '""']),
    ("decimal9", pa.decimal128(9, 2), [Decimal("1.10"), Decimal("-0.05")], ["1.10", "-0.05"]),
    (
        "decimal38",
        pa.decimal128(38, 4),
        [Decimal("1234567890123456789012345678901234.5678"), Decimal("-1.0000")],
        ["1234567890123456789012345678901234.5678", "-1.0000"],
    ),
    ("decimal0", pa.decimal128(5, 0), [Decimal(7), Decimal(-12)], ["7", "-12"]),
    (
        "date",
        pa.date32(),
        [dt.date(2013, 1, 1), dt.date(1969, 12, 31)],
        ['"2013-01-01"', '"1969-12-31"'],
    ),
    (
        "time_ms",
        pa.time32("ms"),
        [dt.time(6, 0, 0, 250000), dt.time(0)],
        ['"06:00:00.25"', '"00:00:00"'],
    ),
    (
        "time_us",
        pa.time64("us"),
        [dt.time(23, 59, 59, 999999), dt.time(6)],
        ['"23:59:59.999999"', '"06:00:00"'],
    ),
    (
        "utc_ms",
        pa.timestamp("ms", "UTC"),
        [MOMENT, dt.datetime(1969, 12, 31, 23, 59, 59, 500000, UTC)],
        ['"2013-01-01T06:00:00.25Z"', '"1969-12-31T23:59:59.5Z"'],
    ),
    (
        "naive_us",
        pa.timestamp("us"),
        [MOMENT.replace(tzinfo=None), dt.datetime.fromisoformat("2013-01-01")],
        ['"2013-01-01T06:00:00.25Z"', '"2013-01-01T00:00:00Z"'],
    ),
    (
        "new_york_ns",
        pa.timestamp("ns", "America/New_York"),
        [1357020000123456789, 0],
        ['"2013-01-01T06:00:00.123456789Z"', '"1970-01-01T00:00:00Z"'],
    ),
    (
        "uuid",
        pa.uuid(),
        [uuid.UUID("12345678-1234-5678-1234-567812345678").bytes, uuid.UUID(int=0).bytes],
        ['"12345678-1234-5678-1234-567812345678"', '"00000000-0000-0000-0000-000000000000"'],
    ),
    ("null", pa.null(), [None, None], ["null", "null"]),
    ("list", pa.list_(pa.int64()), [[1, None, 3], []], ["[1,null,3]", "[]"]),
    (
        "lists",
        pa.list_(pa.list_(pa.string())),
        [[["a"], [], None, ["b", "c"]], [[]]],
        ['[["a"],[],null,["b","c"]]', "[[]]"],
    ),
    (
        "struct",
        pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())]))]),
        [{"a": 1, "b": {"c": "x"}}, {"a": None, "b": None}],
        ['{"a":1,"b":{"c":"x"}}', '{"a":null,"b":null}'],
    ),
    (
        "structs",
        pa.list_(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.int64()))])),
        [[{"a": 1, "b": [1, 2]}, {"a": 2, "b": []}], [None]],
        ['[{"a":1,"b":[1,2]},{"a":2,"b":[]}]', "[null]"],
    ),
    (
        "map",
        pa.map_(pa.string(), pa.int64()),
        [[("x", 1), ("y", None)], []],
        ['{"x":1,"y":null}', "{}"],
    ),
    (
        "int_map",
        pa.map_(pa.int32(), pa.list_(pa.string())),
        [[(7, ["a", "b"]), (8, [])], [(9, None)]],
        ['{"7":["a","b"],"8":[]}', '{"9":null}'],
    ),
]


def main(directory: pathlib.Path) -> None:
    """Write both files: two rows of values and one of nulls, each row in a group of its own."""
    arrays = []
    for _, kind, values, _ in COLUMNS:
        storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
        array = pa.array([*values, None], type=storage)
        arrays.append(pa.ExtensionArray.from_storage(kind, array) if storage is not kind else array)
    table = pa.table(arrays, names=[name for name, *_ in COLUMNS])
    pq.write_table(table, directory / "scalars.parquet", row_group_size=1, compression="zstd")
    rows = [",".join(f'"{name}":{texts[row]}' for name, _, _, texts in COLUMNS) for row in range(2)]
    rows.append(",".join(f'"{name}":null' for name, *_ in COLUMNS))
    (directory / "scalars.jsonl").write_text(
        "".join("{" + row + "}\n" for row in rows), encoding="utf-8"
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
