"""The Compose configuration that was judged is the one that is deployed, to the last variable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_promotion.readers.compose import configuration
from pytest_promotion.readers.compose.engine import find
from pytest_promotion.suites.release.rollout.permission import Permission, Refused
from pytest_promotion.suites.release.rollout.resolving import resolve, warnings_of
from pytest_promotion.suites.release.rollout.services import Composing
from tests.compose_programs import CURRENT, OLD
from tests.rollout.test_candidate import commit, environment
from tests.verifying import LENIENT

REPOSITORY = Path(__file__).resolve().parents[2]
BOTH = pytest.mark.parametrize("compose_path", [OLD, CURRENT], indirect=True)
SECRET = "kX9-correct-horse-battery"
TEXT = """
services:
  web:
    image: "shop:${TAG}"
    command: ["run", "${COLOUR:-red}", "${BLANK:-}", "$$HOME"]
    environment: {SECRET_KEY: "${SECRET_KEY}"}
    volumes: ["./data:/data", "named:/n"]
volumes: {named: {}}
"""


@pytest.fixture
def resolved(tmp_path, compose_path):
    """`resolved(text, env, …)`: what Compose makes of a file with these variables, in a folder of its own."""

    def run(text, env="", project="shop", folder="a", **variables):
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        (root / "compose.yaml").write_text(text)
        (root / ".env").write_text(env)
        around = {"PATH": os.pathsep.join((compose_path, os.environ["PATH"])), **variables}
        files = (root / "compose.yaml",)
        composing = Composing(find(root, around), project, files, root / ".env", around)
        return resolve(composing, 120, [(root.resolve(), root.resolve())])

    return run


@BOTH
class TestResolved:
    """What both versions of Compose say of the same files."""

    def test_a_variable_without_a_value_is_found_and_an_empty_default_is_none(self, resolved):
        """Compose takes an empty text and goes on; v5 says so in other words than 1.29."""
        found = resolved(TEXT, "TAG=1\n")
        assert found.unset == ("SECRET_KEY",)
        assert any("SECRET_KEY" in one and "not set" in one for one in found.warnings), found.warnings
        assert resolved(TEXT, "TAG=1\nSECRET_KEY=\n").unset == (), "it has a value, which is empty"
        assert resolved(TEXT, "TAG=1\n", SECRET_KEY="x").unset == ()

    def test_it_is_the_same_wherever_it_lies_and_whatever_it_is_called(self, resolved):
        """The gate runs on another machine than the deployment, and knows nothing of the project."""
        env = f"TAG=1\nSECRET_KEY={SECRET}\n"
        one, other = resolved(TEXT, env), resolved(TEXT, env, project="shop-prod", folder="b")
        assert one.sha256 == other.sha256
        assert one.data != other.data

    def test_another_value_is_another_configuration_and_its_key_is_listed(self, resolved):
        """`compose_config` judged one file of variables, and `deploy` used another one."""
        one = resolved(TEXT, f"TAG=1\nSECRET_KEY={SECRET}\n")
        other = resolved(TEXT.replace("/n", "/m"), "TAG=1\nSECRET_KEY=other\n")
        assert one.sha256 != other.sha256
        keys = configuration.differing(one.evidence()["keys"], other.evidence()["keys"])
        assert keys == ["services.web.environment.SECRET_KEY", "services.web.volumes"]

    def test_no_value_is_in_what_is_kept(self, resolved):
        """The evidence is read by more people than the secrets."""
        found = resolved(TEXT, f"TAG=1\nSECRET_KEY={SECRET}\n")
        assert SECRET not in json.dumps(found.evidence())
        assert SECRET not in repr(found)
        assert {len(one) for one in found.evidence()["keys"].values()} == {4}

    def test_an_invalid_file_is_refused_in_the_words_of_compose(self, resolved):
        """A reason that names the key."""
        with pytest.raises(Refused, match="nonsense"):
            resolved(TEXT + "nonsense: true\n", "TAG=1\nSECRET_KEY=x\n")

    def test_a_required_variable_is_refused(self, resolved):
        """`${NAME:?}` is the way to say it in the file."""
        with pytest.raises(Refused, match="TAG"):
            resolved(TEXT.replace("${TAG}", "${TAG:?which one}"), "SECRET_KEY=x\n")


@pytest.mark.parametrize("compose_path", [CURRENT], indirect=True)
def test_variables_in_defaults_and_in_included_files_are_found(resolved, tmp_path):
    """`config --variables` lists them all, and `${NAME:-}` as if it had no default."""
    (tmp_path / "more.yaml").write_text("services: {more: {image: 'x:${INCLUDED}', command: '${BLANK:-}'}}")
    text = TEXT.replace("$$HOME", "${A:-${B}}") + f"include: [{tmp_path}/more.yaml]\n"
    assert resolved(text, "TAG=1\nSECRET_KEY=x\n").unset == ("B", "INCLUDED")


def test_warnings_are_read_in_both_forms():
    """Off a terminal the current one logs `key=value`, with quotes in quotes."""
    logged = 'time="2026-01-01T00:00:00Z" level=warning msg="The \\"NAME\\" variable is not set. Defaulting to a blank string."'
    plain = "The NAME variable is not set. Defaulting to a blank string."
    assert warnings_of(f"{logged}\n{logged}\n") == ('The "NAME" variable is not set. Defaulting to a blank string.',)
    assert warnings_of(plain) == (plain,)


def test_paths_beside_the_files_are_part_of_what_is_deployed():
    """A compose file in `deploy/` that builds `../backend` is deployed from another checkout than it is judged in."""

    def form(root):
        data = {"services": {"web": {"build": {"context": f"{root}/backend", "args": {"A": f"{root}/x"}}}}}
        return configuration.canonical_form(data, "shop", [(Path(root), Path(root) / "deploy")])

    assert form("/one")["services"]["web"]["build"]["context"] == "../backend"
    assert configuration.key_digests(form("/one")).keys() == configuration.key_digests(form("/two")).keys()
    differing = configuration.differing(*map(configuration.key_digests, (form("/one"), form("/two"))))
    assert differing == ["services.web.build.args"], "what is no path of Compose's stays as it is"


@pytest.fixture
def judged(site, tmp_path):
    """`judged()`: the gate `compose_config` on the site as it is, and the permission that its decision gives."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def decide(outcome="PASS", **variables):
        reports = tmp_path / f"reports{len(list(tmp_path.glob('reports*')))}"
        thresholds = {"compose": "compose.yaml", "env_file": ".env"}
        given = [f"--promotion-set=gates.compose_config.thresholds.{key}={value}" for key, value in thresholds.items()]
        words = [sys.executable, "-m", "pytest_promotion.cli", "gates", "gates/release", "-q", "-p", "no:cacheprovider"]
        words += ["--promotion-policy=fixtures/release_policy.yaml", f"--promotion-root={site.path}"]
        words += [f"--promotion-reports={reports}", "--promotion-set=required=compose_config", *given]
        around = {**os.environ, "PATH": site.environment["PATH"], **variables}
        done = subprocess.run(words, cwd=REPOSITORY, env=around, capture_output=True, text=True, check=False)
        latest = reports / "promotion_gates" / "latest.json"
        [check] = [one for one in json.loads(latest.read_text())["checks"] if one["name"] == "compose_config"]
        assert check["outcome"] == outcome, done.stdout + done.stderr
        return Permission(latest, acting=LENIENT), check

    return decide


@pytest.mark.real
class TestDeployed:
    """The gate's configuration, and that of the deployment after it."""

    @pytest.fixture
    def shop(self, site):
        site.write("1", environment={"SECRET_KEY": "${SECRET_KEY}"})
        (site.path / ".env").write_text(f"SECRET_KEY={SECRET}\n")
        commit(site.path)
        return site

    @BOTH
    def test_the_file_of_variables_that_was_judged_is_deployed(self, shop, judged):
        """And no other: the container ran with a blank SECRET_KEY, "deployed", without a note."""
        permission, check = judged()
        [digest] = [one["value"] for one in check["measurements"] if one["name"] == "compose_configuration_sha256"]
        done = shop.deploy(permission=permission, allow_unjudged_configuration=False)
        assert done["status"] == "deployed", done["reasons"]
        assert (done["compose_configuration_sha256"], done["allowances"]) == (digest, [])
        assert f"SECRET_KEY={SECRET}" in environment(shop)
        assert SECRET not in json.dumps(done)

        (shop.path / ".env").write_text("SECRET_KEY=\n")
        done = shop.deploy(permission=permission, allow_unjudged_configuration=False)
        assert (done["status"], done["exit_code"]) == ("refused", 2)
        assert "services.web.environment.SECRET_KEY differs" in done["reasons"][0]
        (shop.path / ".env").unlink()
        done = shop.deploy(permission=permission, allow_unjudged_configuration=False)
        assert "nothing for SECRET_KEY" in done["reasons"][0]
        done = shop.deploy(permission=permission, environment=shop.environment | {"SECRET_KEY": SECRET})
        assert (done["status"], done["allowances"]) == ("deployed", []), "the same value, from the environment"

    @pytest.mark.parametrize("compose_path", [CURRENT], indirect=True)
    def test_the_gate_refuses_a_variable_without_a_value(self, shop, judged):
        """The same at the other end."""
        (shop.path / ".env").write_text("")
        _, check = judged("FAIL")
        assert "nothing for SECRET_KEY" in check["reason"]


@pytest.mark.real
@pytest.mark.parametrize("env", ["prod", "staging", "dev"])
def test_a_configuration_that_was_not_judged_is_for_development_alone(site, decision, env):
    """A decision without the gate says nothing of the variables."""
    done = site.deploy(
        permission=Permission(decision.latest, acting=LENIENT),
        env=env,
        allow_unjudged_configuration=False,
        dry_run=True,
    )
    assert done["status"] == ("dry run" if env == "dev" else "refused"), done["reasons"]
    assert "has judged no Compose configuration" in json.dumps(done["notes"] if env == "dev" else done["reasons"])
