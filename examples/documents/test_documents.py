"""Whatever order concurrent edits arrive in, they give one result."""

import base64
import itertools
from typing import Any

import pyudf as pu
from pycrdt import Doc, Text
from pyudf.testing import run

import auctions
import documents

EDITS: list[dict[str, Any]] = [
    {"replica": "web", "at": 1, "bids": [2, 0], "set": {"title": "A lamp", "price": 10}},
    {"replica": "app", "at": 2, "bids": [3, 1], "watch": {"ann": "t1"}},
    {"replica": "web", "at": 3, "bids": [4, 1], "set": {"price": 12}},
    {"replica": "app", "at": 3, "watch": {"ben": "t2"}, "unwatch": ["t1"], "set": {"price": 14}},
    {"replica": "web", "at": 4, "watch": {"ann": "t3"}},
]
RESULT = {"bids": 5, "watchers": ["ann", "ben"], "title": "A lamp", "price": 12}


def writing() -> list[str]:
    """The updates of two people who write at once, each knowing of what the other did before."""
    updates: list[bytes] = []
    ann, ben = Doc[Any](client_id=1), Doc[Any](client_id=2)
    hers, his = ann.get("text", type=Text), ben.get("text", type=Text)
    ann.observe(lambda event: updates.append(event.update))
    hers += "A lamp"
    ben.apply_update(updates[0])
    ben.observe(lambda event: updates.append(event.update))
    hers += " of brass"
    his.insert(2, "fine ")
    ann.apply_update(updates[-1])
    hers += ", 1920"
    return [base64.b64encode(update).decode() for update in dict.fromkeys(updates)]


def last(app: pu.App, topic: str, of: str, orders: list[list[dict[str, Any]]]) -> list[Any]:
    """What an app says last of each of several things, whose edits come in several orders."""
    with run(app, partitions=3) as t:
        for number, edits in enumerate(orders):
            t.send(topic, [edit | {of: f"{of} {number}"} for edit in edits])
        said = {row.pop(of): row for row in t.read(f"{of}s")}
        assert t.dead == []
    assert len(said) == len(orders)
    return list(said.values())


def test_edits_of_an_auction_give_one_result_in_all_120_orders() -> None:
    orders = [list(order) for order in itertools.permutations(EDITS)]
    for result in last(auctions.app, "edits", "auction", orders):
        assert result == RESULT


def test_edits_that_come_twice_count_once() -> None:
    orders = [[*EDITS, again] for again in EDITS]
    for result in last(auctions.app, "edits", "auction", orders):
        assert result == RESULT


def test_a_document_has_one_text_in_all_orders_of_its_updates() -> None:
    updates = [{"update": update} for update in writing()]
    assert len(updates) == 4
    orders = [list(order) for order in itertools.permutations(updates)]
    for result in last(documents.app, "updates", "document", orders):
        assert result == {"text": "A fine lamp of brass, 1920"}


def test_a_document_outlives_restarts_and_crashes_between_its_updates() -> None:
    first, second, third, fourth = ({"document": "d", "update": update} for update in writing())
    with run(documents.app) as t:
        t.send("updates", fourth)
        t.restart()
        t.send("updates", second)
        t.read("documents")
        t.send("updates", third)
        t.crash()
        t.send("updates", first)
        assert t.read("documents")[-1]["text"] == "A fine lamp of brass, 1920"
