from datetime import UTC, datetime

from pyudf.testing import run

from daily import app
from heat import heat_index


def day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()


def test_each_station_has_a_mean_of_each_day() -> None:
    readings = [
        {"station": "JFK", "time": "2013-07-18T15:00:00Z", "temp_f": 98.0, "rh": 44.0},
        {"station": "LGA", "time": "2013-07-18T16:00:00Z", "temp_f": 99.0, "rh": 40.0},
        {"station": "JFK", "time": "2013-07-18T19:00:00Z", "temp_f": 90.0, "rh": 50.0},
        {"station": "JFK", "time": "2013-07-19T02:00:00Z", "temp_f": 80.0, "rh": 60.0},
    ]
    with run(app) as t:
        t.send("weather", readings)
        t.finish()
        days = {(row["station"], day(row["window_start"])): row["mean"] for row in t.read("daily")}
    assert days == {
        ("JFK", "2013-07-18"): (heat_index(98, 44) + heat_index(90, 50)) / 2,
        ("LGA", "2013-07-18"): heat_index(99, 40),
        ("JFK", "2013-07-19"): heat_index(80, 60),
    }
