"""
May this decision be acted on, here and now?

`trust.verify` looks at the decision alone. Who acts on it also has to know that it is of the right profile, from a
clean tree, about what lies here, signed, and the newest of its kind. Each of these is demanded unless it is waived by
its own flag, which the answer repeats.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from pytest_promotion import policy as policies
from pytest_promotion.clock import iso
from pytest_promotion.custody.demands import FLAGS, Acting, Found
from pytest_promotion.custody.newest import failed_before, superseded
from pytest_promotion.custody.stage_demands import judge_keys, judge_stage
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.provenance import git_state
from pytest_promotion.text import listed
from pytest_promotion.trust.required_gates import assignment
from pytest_promotion.trust.stored import StoredDecision
from pytest_promotion.trust.verify import Answer, Case, Demands, verify

__all__ = ["FLAGS", "Acting", "may_act"]

_POLICY: Final = "promotion.yaml"


def may_act(case: Case, demands: Demands, acting: Acting) -> Answer:
    """
    The answer of `verify`, in which what is not demanded and not waived is unknown.

    Raises:
        PolicyError: for a subject or a policy file that cannot be used.
    """
    answer = verify(case, demands)
    if answer.decision is None:
        return answer
    found = Found()
    judge_stage(answer.decision, answer.policy, acting, found)
    _judge_profile(answer.decision, acting, found)
    _judge_policy(answer.decision, acting, found)
    _judge_tree(answer.decision, demands, acting, found)
    if not demands.subject:
        _judge_place(answer.decision, acting, found)
    unsigned = not demands.keys and not acting.signing
    if unsigned and not found.waive("signature", acting, "no signature was demanded"):
        found.unknown.append(f"no key is named that has to have signed it: --key FILE, or {FLAGS['signature']}")
    judge_keys(answer.decision, answer.policy, case, acting, found)
    _judge_newest(answer.decision, case, acting, found)
    _judge_anchors(case, acting, found)
    return replace(
        answer,
        against=(*answer.against, *found.against),
        unknown=(*answer.unknown, *found.unknown),
        without=tuple(found.without),
    )


def _judge_profile(decision: StoredDecision, acting: Acting, found: Found) -> None:
    if acting.stage and not acting.profile:
        return  # a stage has one profile, and its policy says which
    wanted = acting.profile or policies.DEFAULT_PROFILE
    if decision.profile == wanted:
        return
    if acting.profile:
        found.against.append(f"it is of the profile {decision.profile}, not of {wanted}")
    elif not found.waive("profile", acting, f"it is of the profile {decision.profile}"):
        given = f"--stage {decision.stage}" if decision.stage else f"--profile {decision.profile}"
        flag = f"{given}, or {FLAGS['profile']}"
        found.unknown.append(f"it is of the profile {decision.profile}, and no profile is asked for: {flag}")


def _judge_policy(decision: StoredDecision, acting: Acting, found: Found) -> None:
    """Whether the rules are those that the policy file has for the profile, resolved, without what flags changed."""
    if "required" in decision.overrides:
        what = f"its required gates were named by hand: {assignment('required', decision.overrides['required'])}"
        found.refuse("policy", acting, what)
    if acting.policy is None:
        _judge_policy_file(decision, acting, found)
        return
    stage = acting.stage or decision.stage or ""
    profile = acting.profile or (None if stage else decision.profile)
    resolved = policies.load(acting.policy, profile, stage=stage).resolved_sha256
    if resolved == decision.policy.resolved_sha256:
        return
    changed = [assignment(key, value) for key, value in decision.overrides.items()]
    because = f", and was changed by {listed(changed)}" if changed else ""
    found.against.append(f"it was judged by other rules than {acting.policy} has for {decision.profile}{because}")


def _judge_policy_file(decision: StoredDecision, acting: Acting, found: Found) -> None:
    """Whether another file than the one that everybody looks at was given to the session."""
    given = decision.policy.path
    if acting.folder is None or given == _POLICY or not (acting.folder / _POLICY).is_file():
        return
    what = f"it was judged {f'by {given}' if given else 'without a policy'}, and {_POLICY} lies here"
    found.refuse("policy", acting, what, "--policy FILE names another one")


def _judge_tree(decision: StoredDecision, demands: Demands, acting: Acting, found: Found) -> None:
    """What was judged has to be what the commit says; a subject with a digest of its own says what it is."""
    git, by_commit = decision.git, decision.subject is None or "gitCommit" in decision.subject.digest
    about = decision.subject.digest.get("gitCommit") if decision.subject is not None else None
    if about is not None and about != git.commit:
        taken = f"the commit {git.commit[:12]}" if git.commit else "no repository"
        found.refuse("subject", acting, f"it is about the commit {about[:12]}, and was taken in {taken}")
    if git.commit is None or git.dirty is False or not (by_commit or not demands.subject):
        return
    if git.dirty is None:
        found.doubt("clean", acting, "whether files differed from its commit when it was taken is not known")
    else:
        files = listed(git.changes) or "which files is not known"
        found.refuse("clean", acting, f"it was taken in a tree that differs from its commit: {files}")


def _judge_place(decision: StoredDecision, acting: Acting, found: Found) -> None:
    """Whether the decision is about what lies in the folder from which it is acted on."""
    if found.waive("subject", acting, f"it is about {decision.subject.name if decision.subject else 'nothing'}"):
        return
    unknown = f"what is to be promoted is not named, {{}}: --subject [NAME=]sha256:HEX, or {FLAGS['subject']}"
    if decision.subject is None:
        found.against.append("it does not say what it is about")
    elif acting.folder is None:
        found.unknown.append(unknown.format("and nothing lies here"))
    elif "gitCommit" in decision.subject.digest:
        _judge_commit(decision, acting, found)
    else:
        place = acting.folder / decision.subject.name
        try:
            lies_here = sha256(read_file(place)).hexdigest()
        except (OSError, Unproven):
            found.unknown.append(unknown.format(f"and {decision.subject.name} does not lie here"))
            return
        if lies_here != decision.subject.digest.get("sha256"):
            found.against.append(f"it is about another {decision.subject.name} than the one that lies here")


def _judge_commit(decision: StoredDecision, acting: Acting, found: Found) -> None:
    here = git_state(acting.folder or Path())
    digests = decision.subject.digest if decision.subject else {}
    if here.commit is None:
        found.against.append("it is about a commit, and no repository lies here")
    elif here.commit != digests["gitCommit"]:
        found.against.append(f"it is about the commit {digests['gitCommit'][:12]}, and {here.commit[:12]} lies here")
    elif not acting.archived and here.dirty is not False:
        changes = listed(here.changes) or "which files is not known"
        found.refuse("clean", acting, f"files here differ from the commit that it is about: {changes}")


def _judge_newest(decision: StoredDecision, case: Case, acting: Acting, found: Found) -> None:
    folder = acting.history or case.folder
    if acting.history is not None and acting.history != case.folder:
        found.without.append(f"--history: which decision is the newest was asked of {acting.history}")
    try:
        newer = superseded(decision, case.content, folder)
        failed = failed_before(decision, folder)
    except Unproven as problem:
        found.doubt("newest", acting, f"whether it is the newest decision about its subject is not known: {problem}")
        return
    except OSError as problem:
        raise PolicyError(f"the history in {folder} cannot be read: {problem.strerror}") from None
    if newer is not None:
        what = f"it is superseded: {newer.file} of {iso(newer.ts)} about the same subject says {newer.status}"
        found.refuse("newest", acting, what)
    if failed is not None:
        what = f"{failed.stage}, which it was promoted from, says {failed.status} since: {failed.file}"
        found.refuse("newest", acting, what)


def _judge_anchors(case: Case, acting: Acting, found: Found) -> None:
    """Whether the history that says which decision is the newest is the one that was anchored."""
    if not acting.anchors:
        return
    from pytest_promotion.history import anchors
    from pytest_promotion.history.anchor_targets import target_at

    folder = acting.history or case.folder
    for text in acting.anchors:
        target = target_at(text)
        try:
            if folder is None:
                raise Unproven("no history lies beside it")
            if difference := anchors.compare(folder, target):
                found.against.append(difference)
        except (Unproven, OSError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
            found.unknown.append(f"whether the history is the one of {target.name} is not known: {reason}")
