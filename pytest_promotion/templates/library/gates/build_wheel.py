"""Builds the wheel as a user's pip would, and writes down what it is."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

REPORTS = Path("reports/release")

with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, "."], check=True)
    [built] = Path(folder).glob("*.whl")
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.glob("*.whl"):
        old.unlink()
    wheel = Path(shutil.copy(built, REPORTS))

with zipfile.ZipFile(wheel) as file:
    names = [name.split("/") for name in file.namelist() if ".dist-info/" not in name and ".data/" not in name]
packages = {parts[0] for parts in names if len(parts) > 1} | {
    parts[0].removesuffix(".py") for parts in names if len(parts) == 1 and parts[0].endswith(".py")
}
report = {
    "ts_utc": datetime.now(UTC).isoformat(),
    "wheel": wheel.as_posix(),
    "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
    "version": wheel.name.split("-")[1],
    "packages": sorted(packages),
}
(REPORTS / "wheel.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
