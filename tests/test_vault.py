"""A vault at a URL: the same promises as a folder, over a network that breaks."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.remote_vault import RemoteVault, vault_at
from pytest_promotion.evidence.vault import Vault
from tests.conftest import GOOD as GATE
from tests.verifying import LOOSE

pytestmark = pytest.mark.slow

GOOD = b'{"score": 0.9}\n'
DIGEST = sha256(GOOD).hexdigest()
PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]


@pytest.fixture
def url(bucket, request):
    """A place of its own in the bucket."""
    return f"s3://events/{sha256(request.node.name.encode()).hexdigest()[:12]}"


def at(url: str, digest: str) -> str:
    """Where something is kept."""
    return f"{url}/sha256/{digest[:2]}/{digest}"


def promotion(place, *words):
    """The command."""
    return subprocess.run([*PROMOTION, *words], cwd=place.path, capture_output=True, text=True, check=False)


def test_a_path_is_a_folder_and_a_url_is_not(tmp_path):
    """Everybody would pay for what few need."""
    code = f"""
import sys
from pytest_promotion.evidence.remote_vault import vault_at
vault_at({str(tmp_path)!r}).keep({DIGEST!r}, {GOOD!r})
vault_at("file://" + {str(tmp_path)!r}).keep({DIGEST!r}, {GOOD!r})
print("fsspec" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    assert Vault(tmp_path).where(DIGEST).read_bytes() == GOOD


@pytest.mark.parametrize("url", ["nonsense://x", "unheard-of://user:secret@host/x"], ids=["nobody", "signed-in"])
def test_a_url_that_nothing_can_write_to_is_wrong_usage(good_place, url):
    """Hours of gates are for nothing if the vault is only looked for at the end."""
    with pytest.raises(PolicyError, match="evidence vault") as refusal:
        vault_at(url)
    assert "secret" not in str(refusal.value)
    done = good_place.run(f"--promotion-vault={url}")
    assert done.ret == 4
    for words in (("verify", "x.json"), ("bundle", "export", "x.json", "x.zip"), ("merge", "x.json")):
        assert promotion(good_place, *words, "--vault", url).returncode == 4
    assert "secret" not in done.stdout.str() + done.stderr.str()


def test_what_is_kept_is_there_byte_for_byte(bucket, url):
    """Evidence that arrives otherwise than it was judged is none."""
    vault_at(url).keep(DIGEST, GOOD)
    assert bucket.cat(at(url, DIGEST)) == GOOD
    with vault_at(url).open(DIGEST) as file:
        assert file.read() == GOOD


@pytest.mark.parametrize(
    "damaged", [b"", b"x" * len(GOOD), GOOD[:-1], GOOD + b"x"], ids=["empty", "other", "cut", "longer"]
)
def test_a_damaged_copy_is_replaced(bucket, url, damaged):
    """A copy that is there is compared, not believed."""
    bucket.pipe(at(url, DIGEST), damaged)
    vault_at(url).keep(DIGEST, GOOD)
    assert bucket.cat(at(url, DIGEST)) == GOOD


def test_a_large_file_goes_up_from_the_copy_that_was_hashed(bucket, url, tmp_path):
    """What is read twice can be two things."""
    content = b"0123456789abcdef" * 2**16
    path = tmp_path / "large"
    path.write_bytes(content)
    with path.open("rb") as file:
        hashed, copy = vault_at(url).keep_stream(file.fileno(), len(content))
    digest = hashed.sha256
    assert (digest, hashed.size) == (sha256(content).hexdigest(), len(content))
    assert bucket.cat(at(url, digest)) == content
    bucket.pipe(at(url, digest), content[:-1] + b"x")
    with path.open("rb") as file:
        vault_at(url).keep_stream(file.fileno(), len(content))
    assert bucket.cat(at(url, digest)) == content
    assert copy.name == digest


def test_the_copies_go_with_the_vault(url):
    """Every session would leave its evidence in the temporary folder."""
    vault = vault_at(url)
    folder = vault.path
    assert folder.is_dir()
    del vault
    assert not folder.exists()


def test_a_store_that_does_not_answer_is_no_evidence():
    """A network that is down must not be a traceback, and never a PASS."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{closed.getsockname()[1]}/vault"
    pytest.importorskip("aiohttp")
    with pytest.raises(Unproven, match="cannot be written"):
        vault_at(place).keep(DIGEST, GOOD)
    with pytest.raises(OSError, match="127"):
        vault_at(place).open(DIGEST)


def test_a_missing_bucket_is_a_fail(bucket, good_place):
    """Gates that judged what nobody kept have shown nothing."""
    done = good_place.run("--promotion-vault=s3://no-such-bucket/x")
    assert done.ret == 1
    assert good_place.latest()["status"] == "FAIL"
    done.stdout.fnmatch_lines(["*the evidence vault s3://no-such-bucket/x cannot be written*"])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_decision_rests_on_the_vault_that_was_named(bucket, url, good_place, workers):
    """A machine that is thrown away after the session must not take the evidence along."""
    done = good_place.run(f"--promotion-vault={url}", *workers)
    assert done.ret == 0, done.stdout.str()
    assert not (good_place.folder / "evidence").exists()
    latest = good_place.latest()
    for one in (*latest["evidence_bundle"]["artifacts"], *latest["policy"]["files"]):
        assert sha256(bucket.cat(at(url, one["sha256"]))).hexdigest() == one["sha256"]
    local = promotion(good_place, "verify", *LOOSE, "reports/promotion_gates/latest.json")
    there = promotion(good_place, "verify", *LOOSE, "reports/promotion_gates/latest.json", "--vault", url, "--rerun")
    assert (local.returncode, there.returncode) == (2, 0), there.stdout + there.stderr


def test_a_bundle_and_a_no_come_from_the_vault_that_was_named(bucket, url, good_place):
    """Evidence in a bucket can be damaged like any other."""
    assert good_place.run(f"--promotion-vault={url}").ret == 0
    latest = "reports/promotion_gates/latest.json"
    done = promotion(good_place, "bundle", "export", latest, "b.zip", "--vault", url)
    assert done.returncode == 0, done.stderr
    assert promotion(good_place, "verify", *LOOSE, "b.zip").returncode == 0
    [artifact] = good_place.latest()["evidence_bundle"]["artifacts"]
    bucket.pipe(at(url, artifact["sha256"]), b"other")
    done = promotion(good_place, "verify", *LOOSE, latest, "--vault", url)
    assert (done.returncode, "was changed in the vault" in done.stdout) == (2, True)
    assert promotion(good_place, "bundle", "export", latest, "c.zip", "--vault", url).returncode == 3


def test_shards_meet_in_one_vault(bucket, url, place):
    """Machines that share a bucket need not send folders to each other."""
    place.write(test_good=GATE, test_more=GATE.replace("test_good", "test_more"))
    for share in ("1/2", "2/2"):
        words = (f"--promotion-shard={share}", "--promotion-run-id=r", f"--promotion-vault={url}")
        place.run(*words, f"--promotion-reports=s{share[0]}")
    shards = [str(path) for path in place.path.glob("s*/promotion_gates/shard_*.json")]
    assert len(shards) == 2
    done = promotion(place, "merge", *shards, "--vault", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert promotion(place, "merge", *shards).returncode != 0


def test_clearing_a_bucket_looks_at_the_age_that_it_tells(bucket, url, good_place):
    """Removing by a clock that is not the store's removes what was put there a minute ago."""
    assert good_place.run(f"--promotion-vault={url}").ret == 0
    vault_at(url).keep(DIGEST, GOOD)
    words = ("vault", "gc", "--keep-last", "1", "--reports", "reports", "--vault", url, "--json")
    assert json.loads(promotion(good_place, *words).stdout)["young"] == 1
    vault = vault_at(url)
    assert isinstance(vault, RemoteVault)
    [loose] = [one for one in vault.kept() if one.digest == DIGEST]
    assert vault.discard(loose, datetime.now(UTC) - timedelta(hours=12)) is False
    assert vault.discard(loose, datetime.now(UTC) + timedelta(hours=1)) is True
    assert DIGEST not in {one.digest for one in vault.kept()}
    assert (
        promotion(good_place, "verify", *LOOSE, "reports/promotion_gates/latest.json", "--vault", url).returncode == 0
    )


def test_a_store_that_has_folders_gets_them_below_its_url(tmp_path):
    """What the URL names has to be there: a mistyped place would be a new vault with nothing in it."""
    vault_at(f"local://{tmp_path}").keep(DIGEST, GOOD)
    assert Vault(tmp_path).where(DIGEST).read_bytes() == GOOD
    with pytest.raises(Unproven, match="cannot be written"):
        vault_at(f"local://{tmp_path}/none").keep(DIGEST, GOOD)
    assert not (tmp_path / "none").exists()
