"""Who may approve: so many people of each role, each of them once, and nobody for himself."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.model import Approver
from pytest_promotion.trust import signers as people
from pytest_promotion.trust import ssh
from pytest_promotion.trust.approvals import Approval, Matter, approved, lacking
from tests.trust.firm import NOW

WANTED = {"backend": 1, "qa": 1, "product-owner": 1}
MATTER = Matter("waiver", b'{"a":1}')
ROLES = ("backend", "qa", "product-owner")


def persons(*roles):
    """People with these roles."""
    return [Approver(f"p{number}", tuple(own)) for number, own in enumerate(roles)]


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        ([["backend"], ["qa"], ["product-owner"]], []),
        ([["backend", "qa"], ["product-owner"]], ["qa"]),
        ([["backend", "qa"], ["backend"], ["product-owner"]], []),
        ([["backend", "qa", "product-owner"]] * 3, []),
        ([["backend", "qa", "product-owner"]] * 2, ["qa"]),
        ([["qa"], ["qa"], ["product-owner"]], ["backend"]),
        ([], ["backend", "product-owner", "qa"]),
    ],
    ids=["three", "one-with-two-roles", "moved", "three-of-all", "two-of-all", "two-of-one", "nobody"],
)
def test_a_person_fills_one_place(roles, missing):
    """Two roles in one head are one opinion."""
    assert lacking(WANTED, persons(*roles)) == missing


def test_any_counts_everyone_once():
    """A place for anyone is still a place for one."""
    assert lacking({"any": 2}, persons(["qa"])) == ["any"]
    assert lacking({"any": 2}, persons(["qa"], ["backend"])) == []


@given(
    wanted=st.dictionaries(st.sampled_from(ROLES), st.integers(1, 2), min_size=1),
    roles=st.lists(st.lists(st.sampled_from(ROLES), unique=True), max_size=5),
)
def test_a_quorum_is_met_where_some_assignment_meets_it(wanted, roles):
    """A greedy count refuses people who are enough, or accepts some who are not."""
    places = list(Counter(wanted).elements())
    possible = any(
        all(place in own for place, own in zip(places, chosen, strict=True))
        for chosen in itertools.permutations(roles, len(places))
    )
    assert (not lacking(wanted, persons(*roles))) == possible


@pytest.fixture
def ask(firm):
    """Asks whether approvals are enough."""

    def asked(approvals, *, now=NOW, excluded=("dora",), wanted=WANTED, **changed):
        known = people.read(firm.signers(**changed).encode(), "signers.yaml")
        return [one.name for one in approved(approvals, MATTER, known, wanted, now, excluded)]

    return asked


def test_three_people_of_three_roles_are_enough(firm, ask):
    """A quorum that nobody can meet is switched off."""
    assert ask(firm.approve(MATTER, "cleo", "ben", "pat")) == ["cleo", "ben", "pat"]


@pytest.mark.parametrize("left", ["cleo", "ben", "pat"])
def test_one_less_is_not_enough(firm, ask, left):
    """k of n with one missing is not k."""
    names = [name for name in ("cleo", "ben", "pat") if name != left]
    with pytest.raises(Unproven, match="it lacks the approval of"):
        ask(firm.approve(MATTER, *names))


@pytest.mark.parametrize("name", ["ben", "pat"], ids=["ssh", "dsse"])
class TestRefused:
    """One approval among good ones that must not count; each makes the whole refused."""

    def others(self, firm, name):
        return firm.approve(MATTER, *({"cleo", "ben", "pat"} - {name}))

    def refused(self, firm, ask, name, approval, said, **more):
        with pytest.raises(Unproven, match=said):
            ask([*self.others(firm, name), approval], **more)

    def test_one_under_other_bytes(self, firm, ask, name):
        """A signature of another waiver is none of this one."""
        [other] = firm.approve(Matter("waiver", b'{"a":2}'), name)
        self.refused(firm, ask, name, other, "not good")

    @pytest.mark.parametrize("kind", ["override", "post-mortem", "commit"])
    def test_one_under_another_kind(self, firm, ask, name, kind):
        """Whoever signed a commit, or an override, did not sign this."""
        [other] = firm.approve(Matter(kind, MATTER.payload), name)
        self.refused(firm, ask, name, other, "not good")

    def test_one_by_somebody_else_in_his_name(self, firm, ask, name):
        """A name is a claim; the key is the proof."""
        from pytest_promotion.trust.approvals import approve

        stranger = "eve" if name == "ben" else "cleo"
        self.refused(firm, ask, name, approve(MATTER, name, **firm.key(stranger)), "not good")

    def test_one_by_nobody_who_may(self, firm, ask, name):
        """Everybody can make a key."""
        self.refused(firm, ask, name, *firm.approve(MATTER, "eve"), "'eve' is nobody who may sign")

    def test_one_whose_key_is_over_or_not_yet(self, firm, ask, name):
        """A key that somebody took along when he left."""
        [own] = firm.approve(MATTER, name)
        until = {name: {"valid_until": NOW.isoformat()}}
        since = {name: {"valid_from": (NOW + timedelta(seconds=1)).isoformat()}}
        self.refused(firm, ask, name, own, "was valid until", **until)
        self.refused(firm, ask, name, own, "not valid before", **since)
        assert ask([*self.others(firm, name), own], now=NOW - timedelta(microseconds=1), **until)

    def test_the_same_one_twice(self, firm, ask, name):
        """Two signatures are not two people."""
        twice = firm.approve(MATTER, name, name)
        with pytest.raises(Unproven, match=f"{name} has approved it twice"):
            ask([*self.others(firm, name), *twice])

    def test_the_one_who_asked(self, firm, ask, name):
        """Nobody approves his own exception."""
        self.refused(
            firm, ask, name, *firm.approve(MATTER, name), "may not approve what he asked for", excluded=(name,)
        )

    @pytest.mark.parametrize(
        "signature", ["", "!", "AAAA", "QQ", "a" * 5000], ids=["empty", "no", "short", "bits", "long"]
    )
    def test_what_is_no_signature(self, firm, ask, name, signature):
        """Half a signature, or a word, is not one."""
        field = "ssh" if name == "ben" else "dsse"
        with pytest.raises(Unproven):
            ask([*self.others(firm, name), Approval(by=name, **{field: signature})])

    def test_one_of_the_other_kind_or_of_both(self, firm, ask, name):
        """A signature that nothing checks must not be one that counts."""
        [own] = firm.approve(MATTER, name)
        text = own.ssh or own.dsse
        swapped = Approval(by=name, dsse=own.ssh, ssh=own.dsse)
        self.refused(firm, ask, name, swapped, "is one by")
        self.refused(firm, ask, name, Approval(by=name, ssh=text, dsse=text), "needs one of")
        self.refused(firm, ask, name, Approval(by=name), "needs one of")


def test_without_ssh_keygen_nothing_is_accepted(firm, ask, monkeypatch, tmp_path):
    """A check that cannot be made must not be one that passes."""
    approvals = firm.approve(MATTER, "cleo", "ben", "pat")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unproven, match="ssh-keygen is not installed"):
        ask(approvals)


def test_ssh_keygen_that_hangs_is_no_yes(firm, ask, monkeypatch, tmp_path):
    """A program that never answers has not said yes."""
    approvals = firm.approve(MATTER, "ben")
    slow = tmp_path / "ssh-keygen"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ssh, "_VERIFY_S", 0.2)
    with pytest.raises(Unproven, match="cannot be run"):
        ask(approvals, wanted={"qa": 1})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "*"}, "the name '\\*' is none"),
        ({"name": "a,b"}, "is none"),
        ({"name": "ben\nana"}, "is none"),
        ({"name": "ana"}, "the signer 'ana' stands twice"),
        ({"roles": []}, "line 4: signers.1.roles"),
        ({"roles": ["any"]}, "the role 'any' is none"),
        ({"roles": ["QA"]}, "the role 'QA' is none"),
        ({"key": "ssh-rsa AAAA"}, "neither a public key in PEM form nor one of ssh-ed25519"),
        ({"key": "ssh-ed25519 AAAA"}, "is damaged"),
        ({"key": 'ssh-ed25519 AAAA\nana namespaces="x" ssh-ed25519 AAAA'}, "neither"),
        ({"key": "-----BEGIN PUBLIC KEY-----"}, "no public key in PEM form"),
        ({"valid_until": "2026-12-01"}, "which has no offset"),
        ({"valid_from": "2027-01-01T00:00:00Z", "valid_until": "2026-12-01T00:00:00Z"}, "is never valid"),
        ({"valid_untli": "2027-01-01T00:00:00Z"}, "unknown key 'valid_untli'; did you mean 'valid_until'"),
    ],
    ids=repr,
)
def test_a_bad_signers_file_names_its_line(firm, change, said):
    """A person who is misread is one who may sign too much, or for ever."""
    lines = [
        json.dumps({"name": name, "roles": ["qa"], "key": firm.public(name)} | (change if name == "ben" else {}))
        for name in ("ana", "ben")
    ]
    text = "version: 1\nsigners:\n" + "".join(f"  - {line}\n" for line in lines)
    with pytest.raises(PolicyError, match=said) as refusal:
        people.read(text.encode(), "signers.yaml")
    assert "signers.yaml line 4" in str(refusal.value)


def test_one_key_is_one_person(firm):
    """With two names for one key, one person is a quorum."""
    with pytest.raises(PolicyError, match="ben has the key of ana"):
        people.read(firm.signers(ben={"key": firm.public("ana") + " another comment"}).encode(), "signers.yaml")


def test_one_key_in_two_forms_is_one_person(firm):
    """The same key reads quite differently in PEM form."""
    from cryptography.hazmat.primitives import serialization as forms

    key = forms.load_pem_public_key(firm.public("cleo").encode())
    line = key.public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH).decode()
    with pytest.raises(PolicyError, match="pat has the key of cleo"):
        people.read(firm.signers(pat={"key": line}).encode(), "signers.yaml")
