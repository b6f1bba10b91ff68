"""Nothing is judged before its configuration is there."""

import pytest

from pytest_promotion.suites.trading.documents.retention import Retention
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules import retention
from pytest_promotion.suites.trading.rules.catalog import CATALOG
from pytest_promotion.suites.trading.rules.composed import COMPOSE
from pytest_promotion.suites.trading.rules.manifest import images_of, wrong_in_manifest, wrong_names


@pytest.mark.critical(owner="release", fix="restore the named file from the release branch")
def test_preflight_checks(artifact, policy, reason, workspace):
    """Every required configuration and specification is there, and the release manifest names a release."""
    files = policy["files"]
    assert files, "the policy names no files to check"
    for path in files:
        found = artifact(path)
        assert found.data if path.endswith((".json", ".yml")) else found.text, f"{path} holds nothing"
    pattern = policy["manifest"]
    if pattern is not None:
        manifests = sorted(path.relative_to(workspace).as_posix() for path in workspace.glob(pattern))
        assert manifests, f"nothing matches {pattern}"
        wrong = [problem for path in manifests for problem in wrong_in_manifest(path, artifact(path).text)]
        assert not wrong, "; ".join(wrong)
        # What was released before may have had another image; what is to be released is in the newest manifest.
        bundles = artifact(CATALOG)["approved_bundles"]
        assert bundles, f"{CATALOG}: approved_bundles is empty"
        controllers = {f"{bundle['strategy']}_{bundle['version']}" for bundle in bundles}
        newest = manifests[-1]
        other = list(wrong_names(newest, artifact(newest).text, controllers, images_of(artifact(COMPOSE)["services"])))
        assert not other, "; ".join(other)
    if policy["retention"] is None:
        remark = ""
    elif artifact.exists(policy["retention"]):
        kept = typed(artifact(policy["retention"]).data, Retention, policy["retention"])
        lost = list(retention.wrong_in_retention(policy["retention"], kept, artifact.exists))
        assert not lost, "; ".join(lost)
        remark = f", {policy['retention']} removes no report that is judged"
    else:
        remark = ""
    reason(f"all {len(files)} required files are there and readable{remark}")
