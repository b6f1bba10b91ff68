"""The trace schema changes with all that belongs to it, and with the people who answer for it."""

import pytest

from pytest_promotion import Unproven, parse_json
from pytest_promotion.suites.deployment.determinism.traces import rooted
from pytest_promotion.suites.deployment.schema_change import changes, migration, notes, reviews, signed, undoing
from pytest_promotion.trust import signers

ROLES = ("backend", "qa", "product_owner")


@pytest.mark.critical(
    owner="platform", fix="add to the branch what the reason names, then ask for reviews of its head", timeout=900
)
def test_schema_change_approval(approvals, git, golden, migrated, noted, policy, reason):
    """A change of the trace schema has new golden traces, a way back, notes, and approvals of this very commit."""
    branch = changes.branch(git, policy["base"])
    changes.demand_files(policy["schema"], (branch.before, branch.now))
    changed = changes.touched(policy["schema"], branch.changes)
    if not changed:
        reason(f"no file of the trace schema among the {len(branch.changes)} that {len(branch.commits)} commits change")
        return
    lacking = [said for part in (golden, noted, approvals, migrated) for said in part(branch)]
    assert not lacking, f"{changed[0].path} changes: {'; '.join(lacking)}"
    reason(
        f"{len(changed)} files of the trace schema change, with all that belongs to it, approved on {branch.head[:12]}"
    )


@pytest.fixture
def committed(artifact):
    """`committed(branch, path)`: the file as an artifact, which has to be what is at the head."""

    def get(branch, path):
        found = artifact(path, max_age="none", because="committed at the head that is to be promoted")
        file = branch.now.get(path)
        if file is None or not file.holds(found.open().read()):
            raise Unproven(f"{path} is not what is committed at {branch.head[:12]}")
        return found

    return get


@pytest.fixture
def golden(committed, git, policy):
    """What is lacking of golden traces: one at least is another than before, and all of them are sound."""

    def lacking(branch):
        index = committed(branch, policy["golden"])
        roots, before = index["root_hashes"], branch.before.get(index.path)
        old = parse_json(changes.content(git, before).encode(), index.path)["root_hashes"] if before else {}
        if not set(roots.values()) - set(old.values()):
            yield "no golden trace is new or another than before"
        folder = index.path.rpartition("/")[0]
        for name, root in roots.items():
            trace = committed(branch, f"{folder}/{name}" if folder else name)
            found = rooted(trace.text.encode(), trace.path)
            if not found.root == found.declared == root:
                yield f"{trace.path} does not have its root hash"

    return lacking


@pytest.fixture
def migrated(command, committed, policy, tmp_path):
    """What is lacking of the migration: a new revision of Alembic that can be undone, shown on an empty database."""

    def lacking(branch):
        folder = f"{policy['migrations']}/versions/"
        mine = {path for path in branch.now if path.startswith(folder) and migration.is_revision(path)}
        files = {path: committed(branch, path) for path in sorted(mine)}
        revisions = [migration.read(file.text, path) for path, file in files.items()]
        there = {one.path for one in branch.changes if one.path.startswith(folder) and migration.is_revision(one.path)}
        new = {one.path for one in branch.changes if one.added} & there
        wrong = migration.lacking(revisions, new, there - new)
        if wrong:
            return wrong
        contents = {path.removeprefix(folder): file.open().read() for path, file in files.items()}
        step = migration.step(revisions, new)
        return undoing.lacking(lambda argv: command(argv, policy["trial_s"]), contents, step, tmp_path / "trial")

    return lacking


@pytest.fixture
def noted(committed, git, policy):
    """What is lacking of the notes on the service level objectives."""

    def lacking(branch):
        wrong = []
        for one in changes.touched(policy["notes"], branch.changes):
            if not one.there:
                continue
            text, before = committed(branch, one.path).text, branch.before.get(one.path)
            missing = notes.lacking(text, policy["note_headings"])
            if before is not None and not notes.differs(changes.content(git, before), text):
                wrong.append(f"{one.path} says what it said")
            elif missing:
                wrong.append(f"{one.path} says nothing of {', '.join(missing)}")
            else:
                return []
        return wrong or [f"no notes on the objectives come with it ({', '.join(policy['notes'])})"]

    return lacking


@pytest.fixture
def approvals(artifact, clock, freshness, policy):
    """What is lacking of the approvals, by GitHub's reviews or by signatures, whichever the policy names."""

    def lacking(branch):
        wanted = {role.replace("_", "-"): policy[f"min_{role}"] for role in ROLES}
        if not sum(wanted.values()) or (policy["reviews"] is None) == (policy["signatures"] is None):
            raise Unproven("the policy has to name one of `reviews` and `signatures`, and ask for somebody's approval")
        if policy["reviews"] is None:
            given = artifact(policy["signatures"], max_age="none", because="signed over this head and its fork point")
            people = signers.read(policy.signers.content, "the signers") if policy.signers else {}
            matter = signed.matter_of(branch.fork, branch.head)
            said = signed.read(given.open().read(), given.path)
            return signed.lacking(said, matter, people, wanted, clock.now(), branch.commits)
        report = artifact(policy["reviews"])
        freshness(report)
        pull = reviews.read(report.data, report.path)
        if pull.repository.lower() != policy["repository"].lower():
            raise Unproven(f"{report.path} is of {pull.repository}, expected {policy['repository']}")
        people = {role.replace("_", "-"): policy[role] for role in ROLES}
        return reviews.lacking(pull, branch.head, [one.sha for one in branch.commits], people, wanted)

    return lacking
