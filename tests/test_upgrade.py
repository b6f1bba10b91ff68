"""The upgrade preflight: yes, no and nobody can tell; what it says would change; and that it tells no secret."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_promotion.readers.compose import project
from pytest_promotion.readers.compose.images import parse
from pytest_promotion.secrets.masking import Mask, secret_values
from pytest_promotion.suites.trading.upgrade.check import Wanted, judge
from pytest_promotion.suites.trading.upgrade.report import check
from tests.compose_programs import OLD, programs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "fixtures" / "company" / "compose"
SHA = "sha256:" + "ab" * 32
FILE = """\
services:
  web:
    image: ${APP_IMAGE:-shop/app:1.2.0}
    depends_on: [db]
  worker:
    image: docker.io/shop/app:1.2.0
    environment: {DB_PASSWORD: "${DB_PASSWORD:-}"}
  proxy:
    image: proxy:3
    depends_on: {web: {condition: service_started, restart: true}}
  db: {image: postgres:15}
"""

has_compose = pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")


@pytest.fixture
def folder(tmp_path):
    """A folder with a compose file."""
    (tmp_path / "compose.yaml").write_text(FILE)
    return tmp_path


@pytest.fixture
def ask(folder):
    """Judges a target by our own checks, without Compose and without this machine's variables."""

    def asked(target: str, **more):
        more = {"without_engine": True, "environment": {}} | more
        return check(Wanted(folder, parse(target), **more))

    return asked


def promotion(*words, cwd, **env):
    """Runs the command as it is installed."""
    code = "from pytest_promotion.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "upgrade-check", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


class TestVerdict:
    """0 possible, 2 not, 3 nobody can tell."""

    def test_an_upgrade_that_is_possible(self, ask):
        """A preflight that never says yes is skipped."""
        document, code = ask("shop/app:1.3.0")
        assert code == 0
        assert document["status"] == "pass"
        assert [one["service"] for one in document["changes"]] == ["web", "worker"]
        assert document["stays"] == {"proxy": "proxy:3", "db": "postgres:15"}
        assert document["restarted"] == ["proxy"]
        assert document["current_images"] == ["docker.io/shop/app:1.2.0", "shop/app:1.2.0"]
        assert document["overrides"] == ["--without-engine"]

    def test_what_sets_the_image_is_named(self, ask):
        """An operator who changes the line where a variable overrules it upgrades nothing."""
        web, worker = ask("shop/app:1.3.0")[0]["changes"]
        assert web["set_by"] == "the variable APP_IMAGE (compose.yaml line 3)"
        assert worker["set_by"] == "compose.yaml line 6"
        assert web["means"] == ["the tag moves from 1.2.0 to 1.3.0", "a newer version"]

    @pytest.mark.parametrize(
        ("target", "more", "why"),
        [
            ("other/app:1", {}, "no service runs docker.io/other/app"),
            ("ghcr.io/shop/app:1.3.0", {}, "no service runs ghcr.io/shop/app"),
            ("shop/app:1.2.0", {}, "nothing would change"),
            ("shop/app:1.1.9", {}, "an older version than what web, worker run"),
            ("shop/app:1.2.0-rc1", {}, "an older version"),
            ("shop/app:1.3.0", {"services": ("wbe",)}, "there is no service 'wbe'; did you mean 'web'?"),
        ],
        ids=["nobody-runs-it", "another-registry", "the-same", "older", "candidate", "misspelt"],
    )
    def test_an_upgrade_that_is_not(self, ask, target, more, why):
        """Each of these, said yes to, changes nothing or the wrong thing."""
        document, code = ask(target, **more)
        assert code == 2
        assert document["status"] == "fail"
        assert any(why in one for one in document["reasons"]), document["reasons"]

    def test_a_downgrade_can_be_wanted(self, ask):
        """A rollback goes by the same command, and the report says that it was one."""
        document, code = ask("shop/app:1.1.9", allow_downgrade=True)
        assert code == 0
        assert "--allow-downgrade" in document["overrides"]
        assert any("older" in one for one in document["warnings"])

    @pytest.mark.parametrize(
        "target", ["shop/app:latest", "shop/app", "shop/app:main", "shop/app:1", f"shop/app@{SHA}"]
    )
    def test_what_cannot_be_ordered_is_not_judged(self, ask, target):
        """`latest` can be last year's: a yes to it is a yes to a downgrade."""
        document, code = ask(target)
        assert (code, document["checks"]["not_older"]) == (3, None)
        assert "cannot be told from the tags: web runs 1.2.0, worker runs 1.2.0" in document["not_judged"][0]
        document, code = ask(target, allow_downgrade=True)
        assert (code, document["overrides"]) == (0, ["--without-engine", "--allow-downgrade"])

    def test_tags_as_registries_write_them_are_ordered(self, folder, ask):
        """`version-2.5.0` after `version-2.12.0` is a downgrade of seven versions, and was called an upgrade."""
        (folder / "compose.yaml").write_text("services: {bot: {image: 'quay/bot:version-2.12.0'}}\n")
        assert ask("quay/bot:version-2.5.0")[1] == 2
        assert ask("quay/bot:2.13.0")[1] == 0

    def test_an_image_that_was_built_here_has_no_version_to_be_older_than(self, folder, ask):
        """A file that builds its image could never move to a published one."""
        (folder / "compose.yaml").write_text("services: {bot: {image: 'quay/bot:local'}}\n")
        assert ask("quay/bot:2.5.0")[1] == 0
        assert ask("quay/bot:2.5.0")[0]["changes"][0]["means"] == ["the tag moves from local to 2.5.0"]

    def test_a_named_service_may_move_to_another_repository(self, ask):
        """A registry that moves is an upgrade that no name matches."""
        document, code = ask("ghcr.io/shop/app:1.3.0", services=("web",))
        assert code == 0
        assert [one["service"] for one in document["changes"]] == ["web"]
        assert "the repository moves from docker.io/shop/app to ghcr.io/shop/app" in document["changes"][0]["means"]

    @pytest.mark.parametrize(
        ("target", "why"),
        [
            ("shop/app", "unpinned: no tag"),
            ("shop/app:latest", "unpinned: latest"),
            ("shop/app:1.3.0", "not pinned by a digest"),
        ],
    )
    def test_what_can_move_is_named(self, ask, target, why):
        """Tomorrow's `latest` was checked by nobody."""
        document, _ = ask(target)
        assert any(why in one for one in document["warnings"])

    def test_a_digest_pins(self, ask):
        """Only a digest means the same bytes tomorrow."""
        document, code = ask(f"shop/app:1.3.0@{SHA}")
        assert code == 0
        assert document["target"]["pinned"] is True
        assert document["warnings"] == []

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (FILE + "  gone: {image: a:1, depends_on: [nobody]}\n", "no service 'nobody'"),
            (FILE.replace("depends_on: [db]", "imge: x"), "unknown key 'imge'"),
            (FILE.replace("postgres:15", "Postgres:15"), "the image of db is no reference"),
            (FILE.replace(":-shop", ":?shop"), "APP_IMAGE is required"),
            ("services: {web: {image: a", "not YAML"),
        ],
        ids=["reference", "schema", "image", "variable", "yaml"],
    )
    def test_an_invalid_file_is_a_no(self, folder, ask, text, why):
        """New services cannot start from a file that the old ones no longer could."""
        (folder / "compose.yaml").write_text(text)
        document, code = ask("shop/app:1.3.0")
        assert code == 2
        assert any(why in one for one in document["reasons"]), document["reasons"]
        assert (document["checks"]["file_valid"] is True) == ("no reference" in why)

    def test_without_compose_nobody_can_tell(self, folder, ask):
        """Our own checks alone are not what will start the services."""
        document, code = ask("shop/app:1.3.0", without_engine=False, environment={"PATH": str(folder)})
        assert code == 3
        assert document["status"] == "fail"
        assert document["reasons"] == []
        assert "Docker Compose is missing" in document["not_judged"][0]
        assert document["checks"]["file_valid_with_target"] is True
        assert document["checks"]["compose_render"] is None

    def test_a_no_stands_though_compose_is_missing(self, folder, ask):
        """A known fault must not hide behind a missing program."""
        document, code = ask("other/app:1", without_engine=False, environment={"PATH": str(folder)})
        assert code == 2
        assert document["not_judged"]

    @pytest.mark.parametrize("name", ["compose.yaml", "gone.env"])
    def test_a_file_that_is_gone_is_not_judged(self, folder, ask, name):
        """A missing file is no empty file."""
        (folder / name).unlink(missing_ok=True)
        document, code = ask("shop/app:1.3.0", env_file=folder / "gone.env" if "env" in name else None)
        assert code == 3
        assert re.search("cannot be read|no compose file", document["not_judged"][0])

    def test_a_file_that_changes_meanwhile_is_not_judged(self, folder):
        """The file that passed is then not the file that is deployed."""
        place = folder / "bin"
        place.mkdir()
        script = '#!/bin/sh\n[ "$2" = version ] && { echo 2.29.1; exit 0; }\necho "# more" >> compose.yaml\n'
        (place / "docker").write_text(script)
        (place / "docker").chmod(0o755)
        found = judge(Wanted(folder, parse("shop/app:1.3.0"), environment={"PATH": f"{place}:/usr/bin:/bin"}))
        assert found.code == 3
        assert found.unproven == ["compose.yaml changed while it was judged"]

    def test_what_compose_refuses_is_a_no(self, folder):
        """Where Compose and we disagree, Compose starts the services."""
        place = folder / "bin"
        place.mkdir()
        script = '#!/bin/sh\n[ "$2" = version ] && { echo 2.29.1; exit 0; }\necho "web is odd" >&2; exit 15\n'
        (place / "docker").write_text(script)
        (place / "docker").chmod(0o755)
        document, code = check(Wanted(folder, parse("shop/app:1.3.0"), environment={"PATH": str(place)}))
        assert code == 2
        assert "docker compose 2.29.1 refuses the file as it is: web is odd" in document["reasons"]
        assert document["checks"]["engine_agrees"] is False

    @has_compose
    @pytest.mark.parametrize(
        "text",
        ["name: shop\n" + FILE, FILE.replace("depends_on: [db]", "annotations: {team: shop}")],
        ids=["name", "annotations"],
    )
    def test_what_an_old_compose_does_not_know_is_not_judged(self, folder, tmp_path, text):
        """The Compose of a distribution, of 2021, called files invalid that every newer one starts."""
        place = programs(tmp_path).get(OLD)
        if place is None:
            pytest.skip("there is no Compose v1 on this machine")
        (folder / "compose.yaml").write_text(text)
        document, code = check(Wanted(folder, parse("shop/app:1.3.0"), environment={**os.environ, "PATH": place}))
        assert (code, document["reasons"], document["checks"]["compose_render"]) == (3, [], None)
        assert "older than; install Compose v2" in document["not_judged"][0]

    @has_compose
    def test_what_both_refuse_is_a_no_of_an_old_compose_too(self, folder, tmp_path):
        """A key that exists in no version is wrong, whoever says so."""
        place = programs(tmp_path).get(OLD)
        if place is None:
            pytest.skip("there is no Compose v1 on this machine")
        (folder / "compose.yaml").write_text(FILE.replace("depends_on: [db]", "imge: x"))
        document, code = check(Wanted(folder, parse("shop/app:1.3.0"), environment={**os.environ, "PATH": place}))
        assert code == 2
        assert any("docker-compose 1." in reason for reason in document["reasons"])

    def test_the_env_file_beside_it_counts(self, folder, ask):
        """What runs is what the variables say, not what the defaults say."""
        (folder / ".env").write_text("APP_IMAGE=shop/app:1.3.0\n")
        document, code = ask("shop/app:1.3.0")
        assert code == 0
        assert document["already"] == ["web"]
        assert [one["service"] for one in document["changes"]] == ["worker"]
        assert [one["path"] for one in document["sources"]] == ["compose.yaml", ".env"]

    def test_an_override_file_beside_it_counts(self, folder, ask):
        """Compose reads it unasked, so a check that does not judges another project."""
        (folder / "compose.override.yaml").write_text("services: {web: {image: 'shop/app:1.1.0'}}")
        assert ask("shop/app:1.3.0")[0]["changes"][0]["before"] == "shop/app:1.1.0"


class TestReport:
    """What is written, and what must not be."""

    SECRETS = ("hunter2-hunter2", "tr0ub4dor&3x", "s3cr3t-of-db", "AKIAQYLPMN5HNM4OZ2QA")

    def test_no_secret_is_told(self, folder):
        """The report is committed, mailed and scanned; the earlier one leaked the environment file."""
        one, two, three, key = self.SECRETS
        (folder / ".env").write_text(f"DB_PASSWORD={one}\nAPI_TOKEN='{two}'\n")
        (folder / "compose.yaml").write_text(
            FILE
            + "  odd:\n    image: odd:1\n    environment:\n"
            + f'      - "URL=postgres://shop:{three}@db/shop"\n      - "AWS_SECRET={key}"\n'
        )
        place = folder / "bin"
        place.mkdir()
        told = f"invalid: DB_PASSWORD={one} and {two} in postgres://shop:{three}@db/shop {key}"
        script = f'#!/bin/sh\n[ "$2" = version ] && {{ echo 2.29.1; exit 0; }}\necho "{told}"; exit 15\n'
        (place / "docker").write_text(script)
        (place / "docker").chmod(0o755)
        done = promotion("--target-image", "shop/app:1.3.0", cwd=folder, PATH=str(place))
        assert done.returncode == 2, done.stderr
        written = "".join(path.read_text() for path in (folder / "reports").rglob("*.*") if path.is_file())
        assert "invalid: DB_PASSWORD=***" in written
        for secret in self.SECRETS:
            assert secret not in written + done.stdout + done.stderr

    def test_a_password_that_is_a_name_garbles_no_name(self, folder, ask):
        """With the password `postgres`, the image `postgres:15` was `***:15`, and nobody could read what stays."""
        (folder / ".env").write_text("DB_PASSWORD=postgres\n")
        text = FILE.replace("{image: postgres:15}", "{image: postgres:15, environment: {POSTGRES_PASSWORD: postgres}}")
        (folder / "compose.yaml").write_text(text)
        document, _ = ask("shop/app:1.3.0")
        assert document["stays"]["db"] == "postgres:15"
        (folder / ".env").write_text("DB_PASSWORD=correcthorse\n")
        (folder / "compose.yaml").write_text(
            FILE + "  odd: {image: 'x:1', labels: {a: correcthorse, b: [correcthorse]}}\n"
        )
        assert "correcthorse" not in json.dumps(ask("shop/app:1.3.0")[0])

    def test_latest_says_fail_until_the_end(self, folder, monkeypatch):
        """A check that was killed must not leave yesterday's yes."""
        wanted = Wanted(folder, parse("shop/app:1.3.0"), without_engine=True, environment={})
        _, code = check(wanted, reports=folder)
        assert code == 0

        def killed(_):
            raise KeyboardInterrupt

        monkeypatch.setattr("pytest_promotion.suites.trading.upgrade.report.judge", killed)
        with pytest.raises(KeyboardInterrupt):
            check(wanted, reports=folder)
        left = json.loads((folder / "upgrade_check" / "latest.json").read_text())
        assert (left["status"], left["finished"], left["rc"]) == ("fail", False, 3)

    def test_two_runs_keep_both_reports(self, folder):
        """Two runs in one second overwrote each other's evidence."""
        for target in ("shop/app:1.3.0", "shop/app:1.4.0"):
            check(Wanted(folder, parse(target), without_engine=True, environment={}), reports=folder)
        place = folder / "upgrade_check"
        dated = sorted(place.glob("upgrade_check_*.json"))
        assert [json.loads(path.read_text())["target_image"] for path in dated] == ["shop/app:1.3.0", "shop/app:1.4.0"]
        assert (place / "latest.json").read_text() == dated[-1].read_text()
        assert "+  image: shop/app:1.4.0" in (place / "latest.md").read_text()

    def test_the_fields_of_the_earlier_report_are_there(self, ask):
        """Programs that read the earlier report keep working."""
        document, _ = ask("shop/app:1.3.0")
        assert {"ts_utc", "status", "target_image", "current_default_image", "checks", "compose_check", "notes"} <= set(
            document
        )
        assert {"compose_render_with_target", "target_differs_from_current_default"} <= set(document["checks"])


class TestMask:
    """Taking secrets out of texts."""

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("password=correct-horse-9 stays", "password=*** stays"),
            ("redis://:pw12@host:1/0", "redis://***@host:1/0"),
            ("https://u:p@reg/app", "https://***@reg/app"),
            ("value abcd1234 here", "value *** here"),
            ("image shop/app:1.3.0@" + SHA, "image shop/app:1.3.0@" + SHA),
            ("two\nlines abcd1234", "two\nlines ***"),
        ],
    )
    def test_a_text_is_masked(self, text, shown):
        """A mask with a hole is a leak; one that covers all is thrown away."""
        assert Mask(["abcd1234"]).text(text) == shown

    def test_the_longest_goes_first(self):
        """A secret that begins with another one must not leave its tail."""
        assert Mask(["abcd", "abcdefgh"]).text("abcdefgh") == "***"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PWD", "/srv/shop"),
            ("OLDPWD", "shop-prod"),
            ("SSH_AUTH_SOCK", "/tmp/agent"),
            ("SIGNING_KEY", str(ROOT)),
            ("TOKEN_FILE", "token.txt"),
            ("DB_PASSWORD", "admin"),
            ("DB_PASSWORD", "my-db"),
            ("API_KEY", "8080"),
        ],
    )
    def test_a_path_and_a_short_word_are_no_secrets(self, name, value):
        """`PWD` masked every path of a report, and the password `admin` the names of services."""
        assert secret_values({name: value}) == set()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DB_PASSWORD", "hunter2"),
            ("DB_PASSWORD", "correcthorse"),
            ("API_KEY", "12345678"),
            ("API_TOKEN", "/aB3dE5fG7hI9/kLmNoP+q"),
            ("SLACK_WEBHOOK_URL", "https://hooks.example.org/services/T1/B2/x3"),
            ("DATABASE_DSN", "postgres://u:p@db/shop"),
        ],
    )
    def test_what_can_be_a_secret_is_one(self, name, value):
        """Each is the value of a variable that says so."""
        assert secret_values({name: value}) == {value}

    def test_keys_and_numbers_stay(self):
        """A report whose shape changes with its secrets cannot be read by programs."""
        assert Mask(["abcd"]).document({"abcd": ["abcd", 1, None, True]}) == {"abcd": ["***", 1, None, True]}


class TestCommand:
    """The command line."""

    def test_it_says_yes_with_compose(self, tmp_path):
        """The demo's own upgrade, asked as the handbook says."""
        if shutil.which("docker-compose") is None:
            pytest.skip("docker-compose is not installed")
        done = promotion(
            "--target-image", "harbour-lane:2.1.0", "--root", str(DEMO), "--reports", str(tmp_path), "--json", cwd=ROOT
        )
        document = json.loads(done.stdout)
        assert done.returncode == 0, document
        assert len(document["changes"]) == 17
        assert document["checks"] == dict.fromkeys(document["checks"], True)

    @pytest.mark.parametrize("image", ["Shop/App:1", "shop/app:", "--nope", "shop app", ""])
    def test_a_malformed_reference_is_wrong_usage(self, folder, image):
        """2 means no; a typo is not a no."""
        done = promotion("--target-image", image, "--without-engine", cwd=folder)
        assert done.returncode == 4
        assert "Traceback" not in done.stderr
        assert not (folder / "reports").exists()

    def test_a_root_that_is_not_there_is_wrong_usage(self, folder):
        """A report in a folder that was made by a typo is found by nobody."""
        done = promotion("--target-image", "shop/app:1.3.0", "--root", "gone", cwd=folder)
        assert done.returncode == 4
        assert not (folder / "gone").exists()

    def test_reports_that_cannot_be_written_are_no_verdict(self, folder):
        """A verdict that nobody can read later was not given."""
        (folder / "reports").write_text("in the way")
        done = promotion("--target-image", "shop/app:1.3.0", "--without-engine", cwd=folder)
        assert done.returncode == 3
        assert "Traceback" not in done.stderr

    def test_what_was_not_asked_is_said(self, folder):
        """A yes without Compose must not look like one with it."""
        done = promotion("--target-image", "shop/app:1.3.0", "--without-engine", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "not by Compose itself" in done.stdout
        assert "Compose itself was not asked" in (folder / "reports/upgrade_check/latest.md").read_text()


class TestWithAnEngine:
    """The same against a real engine."""

    def test_the_image_is_told_present_or_to_be_pulled(self, docker_engine, folder):
        """An image that nobody pushed is found out when the old services are down already."""
        made = docker_engine.build("shop/app:1.3.0", "new")
        for target, there in (("shop/app:1.3.0", True), ("shop/app:1.4.0", False)):
            found = judge(Wanted(folder, parse(target), environment=docker_engine.environment))
            assert (found.image is not None) is there, found.image_told
            if there:
                assert found.image["id"] == made

    @has_compose
    def test_what_it_says_is_what_compose_then_does(self, docker_engine, tmp_path):
        """A list of changes that is wrong restarts what should have kept running."""
        (tmp_path / "compose.yaml").write_text(
            "services:\n"
            "  app: {image: 'shop/up:${V:-1.0.0}', network_mode: none}\n"
            "  two: {image: 'shop/up:${V:-1.0.0}', network_mode: none, profiles: [more]}\n"
            "  base: {image: 'shop/base:1.0.0', network_mode: none}\n"
        )
        for tag in ("shop/up:1.0.0", "shop/up:1.1.0", "shop/base:1.0.0"):
            docker_engine.build(tag, tag)
        before = self.up(docker_engine, tmp_path)
        found = judge(Wanted(tmp_path, parse("shop/up:1.1.0"), environment=docker_engine.environment))
        assert found.code == 0, (found.reasons, found.unproven)
        assert [change.service for change in found.plan.changes] == ["app", "two"]
        after = self.up(docker_engine, tmp_path, V="1.1.0")
        assert {name for name in before if before[name] != after[name]} == {"app"}
        assert set(found.plan.stays) == {"base"}

    @has_compose
    def test_the_demos_healthchecks_turn_containers_healthy_and_unhealthy(self, docker_engine, tmp_path):
        """A healthcheck that an engine reads otherwise than we do watches nothing."""
        docker_engine.build("shop/health:1", "health")
        fields = dict(project.load([DEMO / "docker-compose.yml"], {}).services["soak-monitor"]["healthcheck"])
        assert set(fields) == {"test", "interval", "timeout", "retries", "start_period"}
        # The same fields in seconds that a test can wait for.
        fields |= {"interval": "1s", "timeout": "1s", "retries": 2, "start_period": "1s"}

        def service(seconds):
            age = f"test $$(( $$(date +%s) - $$(stat -c %Y /proc/1) )) -lt {seconds}"
            return {
                "image": "shop/health:1",
                "network_mode": "none",
                "healthcheck": fields | {"test": ["CMD-SHELL", age]},
            }

        (tmp_path / "compose.yaml").write_text(
            json.dumps({"services": {"fresh": service("${HEALTH_MAX_SEC:-600}"), "stale": service("${STALE_SEC:-0}")}})
        )
        found = judge(
            Wanted(tmp_path, parse("shop/health:2"), environment=docker_engine.environment, allow_downgrade=True)
        )
        assert found.code == 0, (found.reasons, found.unproven)
        ids = self.up(docker_engine, tmp_path)
        until = time.monotonic() + 120
        while (told := self.health(docker_engine, ids)) != {"fresh": "healthy", "stale": "unhealthy"}:
            assert time.monotonic() < until, told
            time.sleep(0.2)

    @staticmethod
    def up(engine, folder, **variables):
        """Starts the services; the container of each."""
        environment = {**engine.environment, **variables, "COMPOSE_PROJECT_NAME": folder.name.replace("_", "")}
        words = ["docker-compose", "-f", "compose.yaml", "up", "-d", "--timeout", "0"]
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        listed = engine.docker(
            "ps",
            "--filter",
            f"label=com.docker.compose.project={environment['COMPOSE_PROJECT_NAME']}",
            "--format",
            '{{.Label "com.docker.compose.service"}} {{.ID}}',
        )
        return dict(line.split() for line in listed.splitlines())

    @staticmethod
    def health(engine, ids):
        """What the engine says of each container."""
        return {name: engine.docker("inspect", "-f", "{{.State.Health.Status}}", one) for name, one in ids.items()}
