"""Computes the aggregates of each column in stdin with pandas, for TestPandasAgrees.

A column is {"type": "float64" | "int64" | "string", "values": [...], "quantile": q}, with null for
a missing value. What comes out is a list of objects by the names of the aggregates, floats as the
text of their repr.
"""

import json
import sys

import pandas as pd

DTYPES = {"float64": "float64", "int64": "Int64", "string": "object"}


def text(value: object) -> str | None:
    """Returns a value as text, None if it is missing."""
    if value is None or pd.isna(value):
        return None
    return value if isinstance(value, str) else repr(float(value))


def ends(series: pd.Series) -> dict[str, object]:
    """Returns the aggregates that texts and numbers have."""
    present = series.dropna()
    return {
        "count": series.count(),
        "count_distinct": series.nunique(),
        "first": present.iloc[0] if len(present) else None,
        "last": present.iloc[-1] if len(present) else None,
        "min": present.min() if len(present) else None,
        "max": present.max() if len(present) else None,
    }


def numbers(series: pd.Series, quantile: float) -> dict[str, object]:
    """Returns the aggregates that only numbers have."""
    return {
        "sum": series.sum(),
        "mean": series.mean(),
        "variance": series.var(),
        "stddev": series.std(),
        "quantile": series.quantile(quantile),
    }


def main() -> None:
    """Answers all columns at once."""
    answers = []
    for column in json.load(sys.stdin):
        series = pd.Series(column["values"], dtype=DTYPES[column["type"]])
        results = ends(series)
        if column["type"] != "string":
            results |= numbers(series, column["quantile"])
        answers.append({name: text(value) for name, value in results.items()})
    json.dump(answers, sys.stdout)


main()
