"""Nothing is judged before its configuration is there."""

import pytest

from pytest_promotion.suites.trading.rules.manifest import wrong_in_manifest


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
    reason(f"all {len(files)} required files are there and readable")
