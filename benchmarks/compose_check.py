"""
How long is a compose file of 100 services checked against the published schema, beside jsonschema?

    python benchmarks/compose_check.py [--services 100] [--rounds 15]

Prints milliseconds of processor time, medians of rounds that take turns, for the schema step with
jsonschema-rs and with jsonschema, on a good file and on one with a fault in every tenth service, and
whether both find the same; and for the whole check of our own, from bytes to findings.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import yaml

from pytest_promotion.readers.compose import document, project, references, specification


def company(services: int, *, faulty: bool) -> bytes:
    """A file like the demo's: each service with healthcheck, environment, volumes, ports and a dependency."""
    bodies = {
        f"service-{number}": {
            "image": f"registry.example/company/service-{number % 7}:${{TAG:-1.2.{number}}}",
            "restart": "unless-stopped",
            "command": ["python", "-m", f"company.service_{number}"],
            "environment": [f"A_{key}=${{A_{key}:-{key}}}" for key in range(6)],
            "volumes": ["data:/data", "./config:/config:ro"],
            "networks": ["back"],
            "ports": [f"{20000 + number}:8080"],
            "healthcheck": {"test": ["CMD", "ok"], "interval": "30s", "timeout": "10s", "retries": 3},
            "deploy": {"resources": {"limits": {"memory": "256M"}}},
            **({"depends_on": {f"service-{number - 1}": {"condition": "service_healthy"}}} if number else {}),
            **({"helthcheck": {}} if faulty and number % 10 == 0 else {}),
        }
        for number in range(services)
    }
    return yaml.safe_dump({"services": bodies, "volumes": {"data": {}}, "networks": {"back": {}}}).encode()


def cost_ms(run, at_least: float = 0.02) -> float:
    """Milliseconds of processor time of one call, over as many as the clock can tell."""
    calls, started = 0, time.process_time()
    while (spent := time.process_time() - started) < at_least:
        run()
        calls += 1
    return spent / calls * 1000


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    _, ours = specification.validator("jsonschema-rs")
    _, theirs = specification.validator("jsonschema")
    for name, faulty in (("good", False), ("faulty", True)):
        content = company(options.services, faulty=faulty)
        file = document.parse(content, "compose.yaml")
        turns = [
            (cost_ms(lambda: list(ours(file.data))), cost_ms(lambda: list(theirs(file.data))))  # noqa: B023
            for _ in range(options.rounds)
        ]
        one, two = (statistics.median(side) for side in zip(*turns, strict=True))
        ratio = statistics.median(b / a for a, b in turns)
        same = set(specification.check(file, "jsonschema-rs")) == set(specification.check(file, "jsonschema"))
        print(
            f"{name:7} schema step  jsonschema-rs {one:8.3f} ms  jsonschema {two:8.2f} ms  {ratio:6.0f} times"
            f"  same findings: {same}"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "compose.yaml"
        path.write_bytes(company(options.services, faulty=False))

        def whole():
            found = project.load([path], {})
            assert not [*found.findings, *references.check(found)]

        print(f"good    whole check  {statistics.median(cost_ms(whole) for _ in range(options.rounds)):8.2f} ms")


if __name__ == "__main__":
    main()
