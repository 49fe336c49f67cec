"""Says what went to a dead-letter topic and why.

pyudf tail heat.dlq --offset earliest --format json | python dead.py
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator


def report(lines: Iterable[str]) -> Iterator[str]:
    """How many records there are of each reason, with the message of one of them."""
    reasons: Counter[str] = Counter()
    example: dict[str, str] = {}
    for line in lines:
        headers = json.loads(line)["headers"]
        reason = headers["pyudf.reason"]
        reasons[reason] += 1
        example.setdefault(reason, headers["pyudf.message"])
    if not reasons:
        yield "No reading failed: there is no dead letter."
    for reason, count in reasons.most_common():
        yield f"{count:,} dead letters, reason {reason}, such as: {example[reason]}"


if __name__ == "__main__":
    for text in report(sys.stdin):
        print(text)
