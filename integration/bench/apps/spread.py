"""The aggregator that every contender runs, unchanged."""

from typing import TypeAlias

Bounds: TypeAlias = list[float]


class Spread:
    """The difference between the highest and the lowest temperature."""

    def create(self) -> Bounds:
        """The bounds of nothing."""
        return []

    def add(self, state: Bounds, temp_f: float) -> Bounds:
        """The bounds with one temperature more."""
        if not state:
            return [temp_f, temp_f]
        return [min(state[0], temp_f), max(state[1], temp_f)]

    def merge(self, a: Bounds, b: Bounds) -> Bounds:
        """The bounds of both."""
        return [min(a[0], b[0]), max(a[1], b[1])] if a and b else a or b

    def result(self, state: Bounds) -> float | None:
        """How far they are apart."""
        return state[1] - state[0] if state else None
