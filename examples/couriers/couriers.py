"""When couriers are at work: sessions of at least two actions, each within 45 minutes of the next.

Phones send late when they were without a network: five minutes of that are expected.
"""

import pyudf as pu

app = pu.App("couriers")

actions = app.file(
    "actions.jsonl", key="courier", time=pu.event_time("at", unit="iso", out_of_order="5m")
)
actions.window(pu.session("45m", min_events=2)).agg(
    actions=pu.count(),
    what=pu.collect("action"),
).to(pu.file("active.jsonl"))
