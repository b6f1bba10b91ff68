"""A stand-in for your evaluation: replace `predict` and the examples, keep what is written."""

import hashlib
import json
import random
from datetime import UTC, datetime
from pathlib import Path

MODELS, REPORTS = Path("models"), Path("reports/evaluation")
EXAMPLES = [{"language": ("en", "de")[n % 3 == 0], "number": n, "label": n % 2} for n in range(1000)]
ERRORS = {"candidate": 0.04, "champion": 0.06}


def predict(model: str, example: dict) -> int:
    """What the model says: here the label, with a share of errors."""
    wrong = random.Random(f"{model} {example['number']}").random() < ERRORS[model]
    return 1 - example["label"] if wrong else example["label"]


def share(results: list[bool]) -> dict:
    return {"score": sum(results) / len(results), "samples": len(results)}


MODELS.mkdir(exist_ok=True)
for model, errors in ERRORS.items():
    weights = MODELS / f"{model}.json"
    weights.write_text(json.dumps({"errors": errors}) + "\n", encoding="utf-8")  # your training writes this
    right = [(one["language"], predict(model, one) == one["label"]) for one in EXAMPLES]
    report = {
        "ts_utc": datetime.now(UTC).isoformat(),
        "model_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "dataset_sha256": hashlib.sha256(json.dumps(EXAMPLES).encode()).hexdigest(),
        **share([correct for _, correct in right]),
        "slices": {name: share([ok for language, ok in right if language == name]) for name in ("en", "de")},
    }
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{model}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {REPORTS / model}.json: {report['score']:.3f} over {report['samples']}")
