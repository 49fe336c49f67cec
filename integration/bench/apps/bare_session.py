"""The bare loop for session: the sessions of a partition in the order of their last readings."""

from bare_loop import readings, writer

GAP_MS = 5_000
write = writer()
# By partition: station -> start, end, count and sum; the one that waits longest comes first.
open_sessions: dict[int, dict[str, list[float]]] = {}

for partition, reading in readings():
    ts, station = reading["ts"], reading["station"]
    sessions = open_sessions.setdefault(partition, {})
    while sessions:
        key = next(iter(sessions))
        start, end, n, total = sessions[key]
        if ts <= end + GAP_MS:
            break
        del sessions[key]
        write(key, {"station": key, "window_start": start, "n": int(n), "mean": total / n})
    session = sessions.pop(station, None) or [ts, ts, 0, 0.0]
    session[1] = ts
    session[2] += 1
    session[3] += reading["temp_f"]
    sessions[station] = session
