"""The bare loop for agg: like that for win, with the user's class."""

from bare_loop import WINDOW_MS, readings, writer
from spread import Bounds, Spread

spread = Spread()
write = writer()
# By partition and start of the window: station -> state.
open_windows: dict[int, dict[int, dict[str, tuple[int, Bounds]]]] = {}

for partition, reading in readings():
    ts, station = reading["ts"], reading["station"]
    windows = open_windows.setdefault(partition, {})
    start = ts - ts % WINDOW_MS
    if start not in windows:
        for ended in [s for s in windows if s + WINDOW_MS <= ts]:
            for key, (n, state) in windows.pop(ended).items():
                value = spread.result(state)
                write(key, {"station": key, "window_start": ended, "n": n, "spread": value})
        windows[start] = {}
    n, state = windows[start].get(station) or (0, spread.create())
    windows[start][station] = n + 1, spread.add(state, reading["temp_f"])
