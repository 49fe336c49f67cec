"""The heat index of each row of a CSV, by plain Python: a JSON line a row.

plain_heat.py DIRECTORY_OF_HEAT CSV
"""

import csv
import importlib
import json
import sys

sys.path.insert(0, sys.argv[1])
heat_index = importlib.import_module("heat").heat_index

with open(sys.argv[2], newline="") as file:
    for row in csv.DictReader(file):
        missing = "NA" in (row["temp_f"], row["rh"])
        heat = None if missing else heat_index(float(row["temp_f"]), float(row["rh"]))
        print(json.dumps({"row": row, "heat_index": None if heat is None else repr(heat)}))
