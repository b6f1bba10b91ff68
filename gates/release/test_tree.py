"""What is released is what somebody committed, signed and configured."""

import os

import pytest

from pytest_promotion import Unproven
from pytest_promotion.suites.release import environment, published_secrets, tag, tree
from pytest_promotion.suites.release.tools import demand


@pytest.mark.critical(owner="release", fix="restore the named file from the release branch")
def test_required_files(artifact, policy, reason):
    """Every file that a release cannot do without is there and says something."""
    files = policy["files"]
    assert files, "the policy names no files to check"
    for path in files:
        found = artifact(path)
        assert found.data if path.endswith((".json", ".yml", ".yaml")) else found.text, f"{path} holds nothing"
    reason(f"all {len(files)} required files are there and readable")


@pytest.mark.critical(owner="release", fix="set the variable that is named where it is named")
def test_env_policy(measure, policy, reason, workspace):
    """Nothing is simulated, the secret is a secret, and the environment is the one that is released to."""
    # Read past `artifact`: what is asked for there is kept, and this holds secrets.
    file = policy["env_file"]
    said = environment.read(workspace / file if file else None, file or "", os.environ)
    switches = environment.asked_for(policy["switched_off"], policy["unmentioned"], said, workspace)
    settings = [setting for name in switches for setting in said.of(name)]
    on = [f"{one.name} in {one.where}" for one in settings if environment.switch(one)]
    measure.none("switches that are on", on, among=len(settings), may_be_empty=not switches)
    for name in policy["secrets"]:
        for setting in said.of(name):
            strength = f"strength of {name} in {setting.where}, in bits"
            measure.at_least(strength, environment.secret_bits(setting), policy["min_secret_bits"])
    stated = [setting for name in policy["secrets"] for setting in said.of(name)]
    known, limits = published_secrets.in_repository(
        workspace, {f"{one.name} in {one.where}": one.value for one in stated}
    )
    measure.none(
        "secrets that stand in the repository",
        [f"{name}, object {at}" for name, at in known.items()],
        among=len(stated),
        may_be_empty=True,
    )
    if policy["app_env"]:
        for setting in said.of("APP_ENV"):
            environment.one_of(setting, policy["app_env"])
            measure.equals(f"APP_ENV in {setting.where} is allowed", setting.value in policy["app_env"], True)
    judged = [*switches, *policy["secrets"], *(["APP_ENV"] if policy["app_env"] else [])]
    assert judged, "the policy names no variables to check"
    reason(f"{', '.join(judged)} are as they have to be" + (f"; {limits}" if limits else ""))


@pytest.mark.critical(owner="release", fix="commit or remove what is named; `git status` shows all of it")
def test_git_clean(git, policy, reason):
    """What is released is exactly one commit."""
    found = tree.read(git(tree.STATUS), git(tree.LISTED))
    if policy["allow_dirty_git"]:
        accepted = f"; {len(found.changes)} files differ, which allow_dirty_git accepts" if found.changes else ""
        reason(f"{found}{accepted}")
        return
    assert not found.changes, f"{len(found.changes)} files differ from {found}: {found.differing()}"
    reason(f"{found}, and nothing differs from it")


@pytest.mark.warning(owner="release", fix="git tag -s VERSION, with a key that the policy names; never move a tag")
def test_release_tag_signature(artifact, git, policy, reason, tmp_path):
    """The release carries a tag of this name, on this commit, signed by a key that is known."""
    head, listed = git(tag.HEAD), git(tag.listing(policy["tags"]))
    found = tag.chosen(listed, head, policy["tag"] or "", policy["tags"])
    kind = tag.kind_of_signature(found, git(tag.shown(found)))
    keys = policy["allowed_signers"] if kind == "ssh" else policy["openpgp_keys"]
    if not keys:
        raise Unproven(f"{found.name} is signed by {kind}, and the policy names no keys of that kind")
    # Copied: the keys are those that were read, whatever becomes of the file, and nobody's own keyring.
    place = tmp_path / "keys"
    place.write_text(artifact(keys).text, encoding="utf-8")
    if kind == "ssh":
        demand("ssh-keygen")
        git(tag.verifying(found, str(place)))
    else:
        demand("gpg")
        ring = {"GNUPGHOME": str(tmp_path)}
        git(["gpg", "--batch", "--quiet", "--import", str(place)], ring)
        git(tag.verifying(found, os.devnull), ring)
    reason(f"{found.name} on {found.commit[:12]} is signed ({kind}) by a key of {keys}")
