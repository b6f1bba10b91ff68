"""Writes down the table as it is now, as the version that the next one is compared with."""

import csv
import json
from pathlib import Path

TABLE = Path("data/orders.csv")
EMPTY = ("", "NULL", "nan", "NaN")

with TABLE.open(newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
rates = {name: sum(row[name] in EMPTY for row in rows) / len(rows) for name in rows[0]}
accepted = Path("gates/accepted.json")
accepted.write_text(json.dumps({"rows": len(rows), "null_rates": rates}, indent=2) + "\n", encoding="utf-8")
print(f"wrote {accepted}: {len(rows)} rows")
