"""The shifts of couriers: one ends at the logout, or after 12 hours if the courier forgets it.

No built-in window does that: a session can end at a logout, but without one it waits for a gap
after its last action, while a shift is over twelve hours after its first.
"""

import pyudf as pu

HOUR = 3_600_000

Window = tuple[int, int]


class Shift:
    """The windows: from the first action, up to the logout or for 12 hours."""

    def assign(self, ts: int, action: str) -> Window:
        """What an action says by itself: a logout ends here, anything else goes on."""
        return (ts, ts + 1) if action == "logout" else (ts, ts + 12 * HOUR)

    def merge(self, a: Window, b: Window) -> Window | None:
        """An action belongs to the shift that it falls into, and a logout ends that."""
        first, second = sorted((a, b))
        if second[0] >= first[1]:
            return None
        return first[0], min(first[1], second[1])


app = pu.App("shifts")

actions = app.file(
    "actions.jsonl", key="courier", time=pu.event_time("at", unit="iso", out_of_order="5m")
)
actions.window(pu.custom(Shift)).agg(
    actions=pu.count(),
    last=pu.last("action"),
).to(pu.file("shifts.jsonl"))
