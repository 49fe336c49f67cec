"""The bare loop for win: no state on disk, no late records, no restart."""

from bare_loop import WINDOW_MS, readings, writer

write = writer()
# By partition and start of the window: station -> count and sum.
open_windows: dict[int, dict[int, dict[str, list[float]]]] = {}

for partition, reading in readings():
    ts, station = reading["ts"], reading["station"]
    windows = open_windows.setdefault(partition, {})
    start = ts - ts % WINDOW_MS
    if start not in windows:
        for ended in [s for s in windows if s + WINDOW_MS <= ts]:
            for key, (n, total) in windows.pop(ended).items():
                result = {"station": key, "window_start": ended, "n": int(n), "mean": total / n}
                write(key, result)
        windows[start] = {}
    sums = windows[start].setdefault(station, [0, 0.0])
    sums[0] += 1
    sums[1] += reading["temp_f"]
