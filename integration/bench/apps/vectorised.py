"""Ours: the same formula over whole columns, with numpy."""

import os

import numpy as np
import pyudf as pu

app = pu.App("bench-vectorised")
weather = app.topic(os.environ.get("IN", "weather"), key="station")


@app.udf(weather, to=os.environ.get("OUT", "heat"), column="heat_index")
def heat_index(temp_f: np.ndarray, rh: np.ndarray) -> np.ndarray:
    """How hot it feels, in degrees Fahrenheit: the formula of the US National Weather Service."""
    simple = 0.5 * (temp_f + 61.0 + (temp_f - 68.0) * 1.2 + rh * 0.094)
    full = (
        -42.379
        + 2.04901523 * temp_f
        + 10.14333127 * rh
        - 0.22475541 * temp_f * rh
        - 6.83783e-3 * temp_f**2
        - 5.481717e-2 * rh**2
        + 1.22874e-3 * temp_f**2 * rh
        + 8.5282e-4 * temp_f * rh**2
        - 1.99e-6 * temp_f**2 * rh**2
    )
    distance = np.clip((17 - np.abs(temp_f - 95)) / 17, 0, None)
    dry = (rh < 13) & (temp_f >= 80) & (temp_f <= 112)
    humid = (rh > 85) & (temp_f >= 80) & (temp_f <= 87)
    full = np.where(dry, full - (13 - rh) / 4 * np.sqrt(distance), full)
    full = np.where(humid, full + (rh - 85) / 10 * ((87 - temp_f) / 5), full)
    return np.where((simple + temp_f) / 2 < 80.0, simple, full)
