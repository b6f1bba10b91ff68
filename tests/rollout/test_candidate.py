"""What is deployed is what was decided: the files of a commit, a file, or an image, and never what lies in the folder."""

from __future__ import annotations

import json
import os
import subprocess
from hashlib import sha256

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout.checkout import Checkout, check_out
from pytest_promotion.suites.release.rollout.mounts import Placing
from pytest_promotion.suites.release.rollout.permission import Permission, Refused
from tests.compose_programs import CURRENT, OLD
from tests.rollout.site import QUICK, shop_image
from tests.verifying import LENIENT

PATH = {"PATH": os.environ["PATH"]}
WWW = {"volumes": ["./www:/www", "./data:/data"]}


def git(folder, *words):
    """What git prints."""
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *settings, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder, message="a change"):
    """Commits what lies in *folder*, but for data and reports; the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
        (folder / ".gitignore").write_text("data/\n.runtime/\n.env\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def compose_path(compose_programs, request):
    """The Compose that starts in a fifth of the time, where a test does not say which one."""
    return compose_programs.get(getattr(request, "param", CURRENT), "")


@pytest.fixture
def decided(decide_about):
    """`decided(subject)`: the permission of a decision about it."""
    return lambda subject: Permission(decide_about(subject), acting=LENIENT)


@pytest.mark.real
class TestCommit:
    """A decision about a commit."""

    def test_the_bytes_of_the_commit_are_served_whatever_lies_in_the_folder(self, site, decided):
        """The decision was about one commit, HEAD was another, the tree was dirty, and the unreviewed bytes went out."""
        (site.path / "www").mkdir()
        (site.path / "www" / "version").write_text("reviewed\n")
        reviewed = commit(site.write("1", **WWW).path)
        (site.path / "www" / "version").write_text("another commit\n")
        commit(site.path)
        (site.path / "www" / "version").write_text("unreviewed\n")
        site.write("2", "sleep 600")
        done = site.deploy(permission=decided(f"git=gitCommit:{reviewed}"), roll_back=False)
        assert done["status"] == "deployed", done["reasons"]
        assert site.answer() == "reviewed"
        assert (done["commit"], done["subject"]["digest"]) == (reviewed, {"gitCommit": reviewed})
        assert mounted(site)["/data"] == str(site.path / "data"), "the state of the service stays where it is"

    def test_a_build_takes_the_files_of_the_commit(self, site, decided):
        """An image is the longest way to bring an unreviewed byte to production."""
        reviewed = commit(site.write("1", build=True).path)
        (site.path / "app" / "Dockerfile").write_text("FROM shop:2\n")
        shop_image(site.engine, "2")
        done = site.deploy(permission=decided(f"git=gitCommit:{reviewed}"))
        assert (done["status"], site.answer()) == ("deployed", "version 1"), done["reasons"]

    def test_files_of_variables_come_from_the_folder_by_their_digest(self, site, decided):
        """They are no part of a commit, and the report says which ones they were."""
        reviewed = commit(site.write("1", environment={"COLOUR": "${COLOUR}"}, env_file=[".env"]).path)
        (site.path / ".env").write_text("COLOUR=red\nMORE=1\n")
        done = site.deploy(permission=decided(f"git=gitCommit:{reviewed}"))
        assert done["status"] == "deployed", done["reasons"]
        digest = sha256(b"COLOUR=red\nMORE=1\n").hexdigest()
        assert done["environment_files"] == [{"path": str(site.path / ".env"), "sha256": digest}]
        assert {"COLOUR=red", "MORE=1"} <= set(environment(site))

    def test_going_back_and_on_after_a_failure(self, site, decided):
        """The journal names the files of the working folder, and each attempt its own commit."""
        permission = decided(f"git=gitCommit:{commit(site.path)}")
        assert site.deploy(permission=permission)["status"] == "deployed"
        before = site.running()
        broken = decided(f"git=gitCommit:{commit(site.write('2', 'exit 1').path)}")
        assert site.deploy(permission=broken, roll_back=False, limits=QUICK)["status"] == "failed"
        repaired = decided(f"git=gitCommit:{commit(site.write('3').path)}")
        done = site.write("2", "exit 1").deploy("resume", permission=repaired)
        assert (done["status"], site.answer()) == ("deployed", "version 3"), done["reasons"]
        assert site.deploy("revert")["status"] == "rolled back"
        assert site.running() == before

    def test_without_a_repository_it_is_refused(self, site, decided):
        """A copy of the folder without its history: its bytes cannot be compared with those of the commit."""
        permission = decided("git=gitCommit:" + "a" * 40)
        done = site.deploy(permission=permission)
        assert (done["status"], done["exit_code"]) == ("refused", 2)
        assert "git finds no repository" in done["reasons"][0]
        assert site.running() == {}
        done = site.deploy(permission=permission, allow_dirty=True)
        assert (done["status"], done["allowances"]) == ("deployed", ["--allow-dirty", "--allow-unjudged-configuration"])
        assert any(note.startswith("--allow-dirty: what lies in") for note in done["notes"])

    def test_a_commit_that_was_not_fetched(self, site, decided):
        """The commit may be a good one, but its files are not here."""
        commit(site.path)
        done = site.deploy(permission=decided("git=gitCommit:" + "a" * 40))
        assert (done["status"], "git fetch" in done["reasons"][0]) == ("not done", True), done["reasons"]

    def test_a_compose_file_that_the_commit_does_not_have(self, site, decided):
        """One more `--compose` is one more way past the review."""
        reviewed = commit(site.path)
        more = site.path / "more.yaml"
        more.write_text(json.dumps({"services": {"web": {"command": "sleep 1"}}}))
        done = site.deploy(permission=decided(f"git=gitCommit:{reviewed}"), files=(site.path / "compose.yaml", more))
        assert (done["status"], "not in the commit" in done["reasons"][0]) == ("refused", True), done["reasons"]

    def test_an_image_by_its_tag_is_noted(self, site, decided):
        """The tag was moved after the decision, and the report had no word of it."""
        identity = shop_image(site.engine, "1").removeprefix("sha256:")
        more = {"network_mode": "none", "command": ["/bin/busybox", "sleep", "600"]}
        site.services(side={"image": "shop:1", **more}, by_id={"image": f"sha256:{identity}", **more})
        site.services(built={"image": "shop:built", "build": "./app", **more})
        (site.path / "app").mkdir()
        (site.path / "app" / "Dockerfile").write_text("FROM shop:1\n")
        done = site.deploy(permission=decided(f"git=gitCommit:{commit(site.path)}"))
        assert done["status"] == "deployed", done["reasons"]
        noted = [note for note in done["notes"] if "by its tag" in note]
        assert [note.partition(" by its tag, which may be another image")[0] for note in noted] == [
            "side runs shop:1",
            "web runs shop:1",
        ]

    @pytest.mark.parametrize("compose_path", [CURRENT, OLD], indirect=True)
    def test_profiles_of_the_environment_and_of_the_env_file(self, site, decided):
        """A variable of the shell started services that no gate had seen, or left out those that it had."""
        site.services(
            debug={
                "image": "shop:1",
                "network_mode": "none",
                "command": ["/bin/busybox", "sleep", "600"],
                "profiles": ["debug"],
            }
        )
        permission = decided(f"git=gitCommit:{commit(site.path)}")
        for value in ("debug", "*", "other"):
            done = site.deploy(permission=permission, environment=site.environment | {"COMPOSE_PROFILES": value})
            assert (done["status"], site.running()) == ("refused", {}), done["reasons"]
            assert "COMPOSE_PROFILES is set in the environment" in done["reasons"][0]
        (site.path / "others.yaml").write_text(json.dumps({"services": {"other": {"image": "shop:1"}}}))
        (site.path / "others.env").write_text("COMPOSE_PROFILES=debug\n")
        around = {"COMPOSE_PROFILES": "", "COMPOSE_FILE": "others.yaml", "COMPOSE_PROJECT_NAME": "other"}
        around |= {"COMPOSE_ENV_FILES": str(site.path / "others.env"), "COMPOSE_DISABLE_ENV_FILE": "1"}
        done = site.deploy(permission=permission, environment=site.environment | around)
        assert (done["status"], list(site.running())) == ("deployed", ["web"]), done["reasons"]
        (site.path / ".env").write_text("COMPOSE_PROFILES=debug\n")
        done = site.deploy(permission=permission, environment=site.environment | around)
        assert (done["status"], set(site.running())) == ("deployed", {"web", "debug"}), done["reasons"]
        assert any("debug" in step["details"] for step in done["steps"] if step["step"] == "health-check")

    def test_a_compose_file_that_is_a_link_out_of_the_commit(self, site, decided):
        """The commit has the link, and another repository says what runs."""
        outside = site.path.parent / "shared.yaml"
        (site.path / "compose.yaml").rename(outside)
        (site.path / "compose.yaml").symlink_to(outside)
        done = site.deploy(permission=decided(f"git=gitCommit:{commit(site.path)}"))
        assert (done["status"], "compose.yaml is a link to /" in done["reasons"][0]) == ("refused", True), done[
            "reasons"
        ]


@pytest.mark.real
class TestFileOrImage:
    """A decision about a release manifest, or an image."""

    def test_a_file_that_is_another_one_by_now(self, site, decision):
        """The manifest was built again after it was decided."""
        (site.path / "candidate.whl").write_bytes(b"something else")
        done = site.deploy(permission=Permission(decision.latest, acting=LENIENT))
        assert (done["status"], done["exit_code"]) == ("refused", 2)
        assert "candidate.whl is sha256:" in done["reasons"][0]

    def test_the_image_that_was_decided_is_the_one_that_runs(self, site, decided):
        """A tag is moved in a second."""
        digest = site.engine.docker("image", "inspect", "-f", "{{.Id}}", "shop:1")
        permission = decided(f"shop={digest}")
        done = site.deploy(permission=permission)
        assert done["status"] == "deployed", done["reasons"]
        done = site.write("2").deploy(permission=permission)
        assert (done["status"], "another image" in done["reasons"][0]) == ("refused", True), done["reasons"]
        assert site.answer() == "version 1"

    def test_neither_file_nor_image(self, site, decided):
        """A decision about something that is not deployed here allows nothing."""
        done = site.deploy(permission=decided("other=sha256:" + "c" * 64))
        assert (done["status"], "no service runs such an image" in done["reasons"][0]) == ("refused", True)


class TestCheckout:
    """The files of a commit, and no others."""

    def test_it_has_what_an_archive_leaves_out(self, tmp_path):
        """`export-ignore` is an attribute that anybody can commit."""
        (tmp_path / ".gitattributes").write_text("kept export-ignore\n")
        (tmp_path / "kept").write_text("1")
        found = check_out(tmp_path, commit(tmp_path), tmp_path / ".runtime" / "source", PATH)
        assert (found.folder / "kept").read_text() == "1"

    def test_a_replacement_of_the_commit_is_not_followed(self, tmp_path):
        """`git replace` shows other files under the same commit."""
        (tmp_path / "file").write_text("reviewed")
        reviewed = commit(tmp_path)
        (tmp_path / "file").write_text("replaced")
        git(tmp_path, "replace", reviewed, commit(tmp_path))
        found = check_out(tmp_path, reviewed, tmp_path / ".runtime" / "source", PATH)
        assert (found.folder / "file").read_text() == "reviewed"

    def test_the_index_and_the_folder_are_left_alone(self, tmp_path):
        """A deployment that changes what people have staged is not used twice."""
        (tmp_path / "file").write_text("1")
        first = commit(tmp_path)
        (tmp_path / "file").write_text("staged")
        git(tmp_path, "add", "file")
        before = git(tmp_path, "status", "--porcelain")
        check_out(tmp_path, first, tmp_path / ".runtime" / "source", PATH)
        assert (git(tmp_path, "status", "--porcelain"), (tmp_path / "file").read_text()) == (before, "staged")

    def test_submodules_come_along(self, tmp_path):
        """An empty folder where code should be is an image without it."""
        part, whole = tmp_path / "part", tmp_path / "whole"
        part.mkdir()
        whole.mkdir()
        (part / "code").write_text("1")
        commit(part)
        git(whole, "init", "-q")
        git(whole, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part), "part")
        (whole / "part" / "code").write_text("changed")
        found = check_out(whole, commit(whole), whole / ".runtime" / "source", PATH)
        assert (found.folder / "part" / "code").read_text() == "1"

    def test_a_commit_that_is_none(self, tmp_path):
        """A word that git would take for an option, or for a branch that moves."""
        commit(tmp_path)
        with pytest.raises(Unproven, match="not in the repository"):
            check_out(tmp_path, "--all", tmp_path / ".runtime" / "source", PATH)


class TestPlacing:
    """Each path of the configuration comes from the commit or from the working folder."""

    @pytest.fixture
    def placed(self, tmp_path):
        """`placed(source, mode)`: what becomes of a mount; `tracked/` is in the commit, `data/` is not."""
        folder, working = tmp_path / "source", tmp_path / "working"
        for name in ("tracked/a", "empty/.gitkeep", "one.conf"):
            for base in (folder, working):
                (base / name).parent.mkdir(parents=True, exist_ok=True)
                (base / name).write_text(name)
        (working / "data").mkdir()
        placing = Placing(Checkout("c" * 40, working, folder), [])

        def place(source, mode="rw", databases=()):
            placing._databases = [working / one for one in databases]
            volume = f"{folder / source}:/x:{mode}"
            found = placing.configuration({"services": {"web": {"volumes": [volume]}}})
            return found["services"]["web"]["volumes"][0].partition(":")[0].removeprefix(f"{tmp_path}/")

        place.working, place.placing = working, placing
        return place

    @pytest.mark.parametrize(
        ("source", "mode", "place"),
        [
            ("data", "rw", "working/data"),
            ("data", "ro", "working/data"),
            ("tracked", "ro", "source/tracked"),
            ("tracked", "rw", "source/tracked"),
            ("one.conf", "rw", "source/one.conf"),
            ("empty", "rw", "working/empty"),
        ],
    )
    def test_what_the_commit_has_comes_from_it(self, placed, source, mode, place):
        """Code from the folder is unreviewed; state from a commit is lost."""
        assert placed(source, mode) == place

    def test_a_folder_with_a_database_and_files_of_the_commit_is_state_while_those_are_unchanged(self, placed):
        """A schema beside its database is common; an edited one was not decided."""
        (placed.working / "tracked" / "shop.db").write_text("")
        assert placed("tracked", databases=["tracked/shop.db"]) == "working/tracked"
        (placed.working / "tracked" / "a").write_text("edited")
        with pytest.raises(Refused, match="tracked, which has a database and files of the commit, and a differ"):
            placed("tracked", databases=["tracked/shop.db"])

    def test_a_folder_that_may_be_state_or_code_is_refused(self, placed):
        """Either the service loses what it wrote, or unreviewed files run."""
        (placed.working / "tracked" / "more.py").write_text("")
        with pytest.raises(Refused, match=r"others \(more\.py\)"):
            placed("tracked")
        assert placed("tracked", "ro") == "source/tracked"

    def test_an_absolute_path_into_the_working_folder_is_no_way_around(self, placed):
        """`${PWD}/app` is written as often as `./app`."""
        working = placed.working
        data = {
            "services": {
                "web": {
                    "volumes": [
                        {"type": "bind", "source": str(working / "tracked"), "target": "/x", "read_only": True}
                    ],
                    "build": {"context": str(working / "tracked")},
                }
            },
            "secrets": {"key": {"file": str(working / "one.conf")}},
        }
        found = placed.placing.configuration(data)
        source = str(working.parent / "source")
        assert found["services"]["web"]["volumes"][0]["source"] == f"{source}/tracked"
        assert found["services"]["web"]["build"]["context"] == f"{source}/tracked"
        assert found["secrets"]["key"]["file"] == f"{source}/one.conf"

    @pytest.mark.parametrize("target", ["../outside", "{outside}", "{working}/tracked", "hop"])
    @pytest.mark.parametrize("below", ["", "/more/a"])
    def test_a_link_that_leads_out_of_the_commit(self, placed, target, below):
        """The link was reviewed; the folder that it leads to may have other files every day."""
        source, outside = placed.working.parent / "source", placed.working.parent / "outside"
        for folder in (outside, placed.working / "tracked"):
            (folder / "more").mkdir(parents=True)
        (source / "hop").symlink_to(outside)
        (source / "link").symlink_to(target.format(outside=outside, working=placed.working))
        for mode in ("ro", "rw"):
            with pytest.raises(Refused, match=f"web mounts link{below}, which the commit has as a link to /.*"):
                placed(f"link{below}", mode)
        place = str(placed.working / f"link{below}")
        builds = [place, {"context": place}, {"context": str(placed.working), "dockerfile": f"link{below}"}]
        builds += [{"context": str(placed.working), "additional_contexts": {"more": place}}]
        builds += [{"context": str(placed.working), "dockerfile": place}]
        for build in builds:
            with pytest.raises(Refused, match=f"web is built from link{below}, which the commit has as a link"):
                placed.placing.configuration({"services": {"web": {"build": build}}})
        with pytest.raises(Refused, match="secrets.key mounts link"):
            placed.placing.configuration({"services": {}, "secrets": {"key": {"file": place}}})

    def test_a_link_within_the_commit_is_followed(self, placed):
        """It leads to what was decided."""
        (placed.working.parent / "source" / "link").symlink_to("tracked")
        assert placed("link", "ro") == "source/link"

    def test_a_build_from_outside_of_the_repository(self, placed):
        """The Dockerfile beside the repository is in no review, whichever way its path is written."""
        source, outside = placed.working.parent / "source", placed.working.parent / "outside"
        outside.mkdir()
        (outside / "Dockerfile").write_text("FROM scratch\n")
        (source / "deep" / "er").mkdir(parents=True)
        (source / "tracked" / "Dockerfile").write_text("FROM scratch\n")
        (source / "shallow").symlink_to("deep/er")
        context = str(placed.working / "tracked")
        for build in (
            str(outside),
            {"context": str(outside), "dockerfile": "Dockerfile"},
            {"context": context, "dockerfile": str(outside / "Dockerfile")},
            {"context": context, "dockerfile": "../../outside/Dockerfile"},
            {"context": context, "additional_contexts": {"more": str(outside)}},
            {"context": str(placed.working / "shallow"), "dockerfile": "../../../outside/Dockerfile"},
            {"context": "https://example.org/shop.git", "dockerfile": str(outside / "Dockerfile")},
        ):
            with pytest.raises(Refused, match="web is built from /.*/outside.*, which is outside of the repository"):
                placed.placing.configuration({"services": {"web": {"build": build}}})
        with pytest.raises(Refused, match="web is built from tracked/gone, which the commit"):
            placed.placing.configuration({"services": {"web": {"build": {"context": context, "dockerfile": "gone"}}}})
        for build in (
            {"context": context, "dockerfile": "Dockerfile"},
            {"context": str(placed.working / "deep" / "er"), "dockerfile": "../../tracked/Dockerfile"},
            {"context": "https://example.org/shop.git", "dockerfile": "Dockerfile"},
            {"context": context, "additional_contexts": {"base": "docker-image://alpine", "other": "service:db"}},
        ):
            found = placed.placing.configuration({"services": {"web": {"build": build}}})["services"]["web"]["build"]
            assert found["context"].startswith((str(source), "https://"))
            assert found.get("dockerfile") == build.get("dockerfile")

    def test_an_image_built_from_what_the_commit_does_not_have(self, placed):
        """Nothing that git ignores was part of a review."""
        data = {"services": {"web": {"build": {"context": str(placed.working / "data")}}}}
        with pytest.raises(Refused, match="built from data, which the commit"):
            placed.placing.configuration(data)


def mounted(site):
    """What the web has mounted: the place on the host by the place in the container."""
    [one] = site.engine.docker("ps", "-q", "--filter", f"label=com.docker.compose.project={site.project}").split()
    found = json.loads(site.engine.docker("inspect", "-f", "{{json .Mounts}}", one))
    return {mount["Destination"]: mount["Source"] for mount in found}


def environment(site):
    """The variables of the web."""
    [one] = site.engine.docker("ps", "-q", "--filter", f"label=com.docker.compose.project={site.project}").split()
    return json.loads(site.engine.docker("inspect", "-f", "{{json .Config.Env}}", one))
