"""Shows what heat.py found: the hottest hours by station, and the readings that have no heat index.

It needs nothing but Python itself.

Example:
    pyudf tail heat --offset earliest --format json | python hottest.py
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

HOURS = 3

Reading = dict[str, Any]


def readings(lines: Iterable[str]) -> Iterator[Reading]:
    """The values of the records that `pyudf tail --format json` printed."""
    for line in lines:
        yield json.loads(line)["value"]


def hottest(found: list[Reading]) -> Iterator[Reading]:
    """The readings with the highest heat index of each station."""
    stations = defaultdict(list)
    for reading in found:
        stations[reading["station"]].append(reading)
    for _, of_station in sorted(stations.items()):
        yield from sorted(of_station, key=lambda r: (-r["heat_index"], r["time"]))[:HOURS]


def table(rows: Iterable[Reading]) -> Iterator[str]:
    """The lines of a table, one for each reading."""
    yield "  station  hour (UTC)         temperature  humidity  feels like"
    for row in rows:
        hour = row["time"][:16].replace("T", " ")
        temp, humidity, heat = row["temp_f"], row["rh"], row["heat_index"]
        yield f"  {row['station']:7}  {hour:17}  {temp:9.1f} F  {humidity:6.1f} %  {heat:8.1f} F"


def missing(empty: list[Reading]) -> Iterator[str]:
    """What the readings without a result lack."""
    reasons = Counter(
        " and ".join(name for name in ("temp_f", "rh") if reading.get(name) is None)
        for reading in empty
    )
    for fields, count in reasons.most_common():
        yield f"  {count:,} null, for want of {fields}: NA in the file is no error, it stays a gap"


def report(lines: Iterable[str]) -> Iterator[str]:
    """All that is to say of the output topic."""
    every = list(readings(lines))
    found = [reading for reading in every if reading["heat_index"] is not None]
    empty = [reading for reading in every if reading["heat_index"] is None]
    yield f"The {HOURS} hottest hours of each station in 2013:"
    yield ""
    yield from table(hottest(found))
    yield ""
    yield f"{len(every):,} readings came out, with a heat index that is"
    yield f"  {len(found):,} a number"
    yield from missing(empty)


if __name__ == "__main__":
    for text in report(sys.stdin):
        print(text)
