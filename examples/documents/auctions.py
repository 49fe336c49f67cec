"""Auctions that are edited in several places at once, each of which sends what it did.

An edit has the auction, the replica it was made at and the time there, and one of
``bids`` (made and withdrawn at the replica so far), ``watch`` (who, and a tag of its own),
``unwatch`` (the tags that the replica had seen) and ``set`` (fields).
"""

from typing import Any

import pyudf as pu

from crdts import Counter, LatestMap, ObservedSet

app = pu.App("auctions")


def apply(
    edit: dict[str, Any],
    bids: pu.State[Counter],
    watchers: pu.State[ObservedSet],
    details: pu.State[LatestMap],
) -> dict[str, Any]:
    """The auction as it stands after an edit."""
    made, withdrawn = edit.get("bids", (0, 0))
    by = edit["replica"]
    counted = bids.get(Counter()).merge(Counter({by: made}, {by: withdrawn}))
    tags = {who: {tag} for who, tag in edit.get("watch", {}).items()}
    watching = watchers.get(ObservedSet()).merge(ObservedSet(tags, set(edit.get("unwatch", ()))))
    written = {name: (edit["at"], by, value) for name, value in edit.get("set", {}).items()}
    known = details.get(LatestMap()).merge(LatestMap(written))
    bids.set(counted)
    watchers.set(watching)
    details.set(known)
    return {
        "auction": edit["auction"],
        "bids": counted.value,
        "watchers": watching.members,
        **known.values,
    }


app.topic("edits", key="auction").map(apply).to("auctions")
