"""The bare loop for rekey: it needs no hop, as it is one process that reads all partitions."""

from bare_loop import WINDOW_MS, readings, writer

PARTITIONS = 4
write = writer()
latest: dict[int, int] = {}
# By start of the window: region -> count and sum.
windows: dict[int, dict[str, list[float]]] = {}

for partition, reading in readings():
    ts, region = reading["ts"], reading["region"]
    start = ts - ts % WINDOW_MS
    crossed = start > latest.get(partition, 0)
    latest[partition] = ts
    if crossed and len(latest) == PARTITIONS:
        watermark = min(latest.values())
        for ended in [s for s in windows if s + WINDOW_MS <= watermark]:
            for key, (n, total) in windows.pop(ended).items():
                result = {"region": key, "window_start": ended, "n": int(n), "mean": total / n}
                write(key, result)
    sums = windows.setdefault(start, {}).setdefault(region, [0, 0.0])
    sums[0] += 1
    sums[1] += reading["temp_f"]
