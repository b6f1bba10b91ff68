"""Nothing is judged before its configuration is there."""

import pytest


@pytest.mark.critical(owner="release", fix="restore the named file from the release branch")
def test_preflight_checks(artifact, policy, reason):
    """Every required configuration and specification is present and readable."""
    files = policy["files"]
    assert files, "the policy names no files to check"
    for path in files:
        found = artifact(path)
        assert found.data if path.endswith((".json", ".yml")) else found.text, f"{path} holds nothing"
    reason(f"all {len(files)} required files are there and readable")
