"""The null cache: it saves time, never changes a bit, and never hides what it found."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.research import null_cache
from pytest_promotion.suites.research.null_cache import SWITCH, NullCache, checked, key_of
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, Null, Origin, reality_check

pytestmark = pytest.mark.slow

CONFIG = Config(replicates=199, block=5)
ORIGIN = Origin("rcfam_1", "mean_ic", 4, "dex", "c0ffee")
NAMES = ["a", "b", "c", "d"]
HERE = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _switched_on(monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)


@pytest.fixture
def cache(tmp_path):
    """A cache that knows nothing yet."""
    return NullCache(tmp_path / "reports" / "rc_cache")


@pytest.fixture
def panel():
    """Four hypotheses, one of which is somewhat better than nothing."""
    return numbers(3)


def numbers(seed, names=NAMES):
    values = np.random.default_rng(seed).normal(size=(120, len(names)))
    values[:, 0] += 0.2
    return Panel.of(list(names), values)


def fields(found):
    """Everything that was found, floats as they are held."""
    told = {name: getattr(found, name) for name in found.__slots__ if name != "null_max"}
    return told | {"null_max": (found.null_max.dtype, found.null_max.tobytes())}


def entry(cache, panel):
    """The key of what was asked, and the file that is kept under it."""
    key = key_of(CONFIG, ORIGIN, panel.sha256)
    return key, cache.folder / f"{key}.npz"


def snapshot(folder):
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("statistic", ["spa", "white"])
@pytest.mark.parametrize("method", ["stationary", "circular"])
def test_a_hit_is_what_computing_gives(cache, panel, method, statistic):
    """A kept null without the counts of the step-down gives every hypothesis but the best another p-value."""
    config = Config(replicates=251, block=5, method=method, statistic=statistic)
    first, computed = checked(panel, config, ORIGIN, cache)
    second, hit = checked(panel, config, ORIGIN, cache)
    assert (computed.outcome, hit.outcome) == ("computed", "hit")
    assert fields(first) == fields(second) == fields(reality_check(panel, config))


@pytest.mark.parametrize(
    ("config", "origin"),
    [
        (Config(replicates=200, block=5), ORIGIN),
        (Config(replicates=199, block=6), ORIGIN),
        (Config(replicates=199, block=5, seed=43), ORIGIN),
        (Config(replicates=199, block=5, method="circular"), ORIGIN),
        (Config(replicates=199, block=5, statistic="white"), ORIGIN),
        (Config(replicates=199, block=5, centre="upper"), ORIGIN),
        (CONFIG, Origin("rcfam_2", "mean_ic", 4, "dex", "c0ffee")),
        (CONFIG, Origin("rcfam_1", "deflated_sharpe", 4, "dex", "c0ffee")),
        (CONFIG, Origin("rcfam_1", "mean_ic", 12, "dex", "c0ffee")),
        (CONFIG, Origin("rcfam_1", "mean_ic", 4, "dex2", "c0ffee")),
        (CONFIG, Origin("rcfam_1", "mean_ic", 4, "dex", "c0ffef")),
        (CONFIG, Origin("rcfam_1", "mean_ic", 4, "dex")),
        (CONFIG, Origin("rcfam_1", "mean_ic", 4, "dex", "")),
    ],
    ids="replicates block seed method statistic centre family metric horizon dataset commit absent empty".split(),
)
def test_another_question_has_another_key(panel, config, origin):
    """What is not in the key is a null of one question that answers another."""
    assert key_of(config, origin, panel.sha256) != key_of(CONFIG, ORIGIN, panel.sha256)


def test_other_data_another_algorithm_and_other_arithmetic_have_another_key(panel, monkeypatch):
    """The earlier key did not change when a price was edited, a hypothesis dropped, or the random stream changed."""
    value = np.array(panel.values)
    value[60, 2] = np.nextafter(value[60, 2], 2)
    others = [Panel.of(NAMES, value), Panel.of(["a", "b", "c", "e"], panel.values), Panel.of(NAMES[:3], value[:, :3])]
    keys = {key_of(CONFIG, ORIGIN, one.sha256) for one in (panel, *others)}
    monkeypatch.setattr(null_cache, "VERSION", "philox-2")
    keys.add(key_of(CONFIG, ORIGIN, panel.sha256))
    monkeypatch.setattr(null_cache, "arithmetic", lambda: ["another BLAS"])
    keys.add(key_of(CONFIG, ORIGIN, panel.sha256))
    assert len(keys) == 6
    assert all(len(key) == 64 for key in keys)


def test_a_name_that_is_no_text_is_refused(panel):
    """Half a character from a command line has no JSON, so it would have no key or somebody else's."""
    with pytest.raises(PolicyError, match="JSON"):
        checked(panel, CONFIG, Origin("\udc80"))


def test_the_manifest_names_each_entry_by_its_digest(cache, panel):
    """Whoever looks at the cache by other means has to find what is there, and whether it is whole."""
    checked(panel, CONFIG, ORIGIN, cache)
    key, place = entry(cache, panel)
    content = place.read_bytes()
    told = json.loads((cache.folder / "manifest.json").read_text())
    row = {"path": place.name, "sha256": sha256(content).hexdigest(), "size_bytes": len(content)}
    assert told == {key: row}
    with np.load(BytesIO(content), allow_pickle=False) as file:
        assert file["null_max"].tobytes() == reality_check(panel, CONFIG).null_max.tobytes()


def repacked(place, manifest, **changes):
    """An entry with other arrays, and its digest in the manifest, as somebody who knows the format would do it."""
    with np.load(place, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files} | changes
    content = BytesIO()
    np.savez(content, **{name: array for name, array in arrays.items() if array is not None})
    known(place, manifest, content.getvalue())


def known(place, manifest, content):
    place.write_bytes(content)
    rows = json.loads(manifest.read_text())
    rows[place.stem] |= {"sha256": sha256(content).hexdigest(), "size_bytes": len(content)}
    manifest.write_text(json.dumps(rows))


def said(manifest, key, **changes):
    rows = json.loads(manifest.read_text())
    rows[key] = {name: value for name, value in (rows[key] | changes).items() if value is not None}
    manifest.write_text(json.dumps(rows))


def linked(place):
    copy = place.parent.parent / "elsewhere.npz"
    shutil.move(place, copy)
    place.symlink_to(copy)


def flipped(place):
    content = bytearray(place.read_bytes())
    content[200] ^= 1
    place.write_bytes(content)


DAMAGE = {
    "cut": (lambda place, _: place.write_bytes(place.read_bytes()[:-7]), "another digest"),
    "one bit": (lambda place, _: flipped(place), "another digest"),
    "empty": (lambda place, _: place.write_bytes(b""), "another digest"),
    "gone": (lambda place, _: place.unlink(), "not there"),
    "link": (lambda place, _: linked(place), "is a link"),
    "fifo": (lambda place, _: (place.unlink(), os.mkfifo(place)), "a FIFO"),
    "outside": (lambda place, rows: said(rows, place.stem, path="../../elsewhere.npz"), "expected"),
    "another's file": (lambda place, rows: said(rows, place.stem, path=f"{'0' * 64}.npz"), "expected"),
    "no digest": (lambda place, rows: said(rows, place.stem, sha256=None), "no row"),
    "digest of a type": (lambda place, rows: said(rows, place.stem, sha256=7), "no row"),
    "size that is true": (lambda place, rows: said(rows, place.stem, size_bytes=True), "no row"),
    "other size": (lambda place, rows: said(rows, place.stem, size_bytes=1), "another digest"),
    "manifest cut": (lambda _, rows: rows.write_text(rows.read_text()[:-4]), "not JSON"),
    "manifest empty": (lambda _, rows: rows.write_text(""), "empty"),
    "manifest a list": (lambda _, rows: rows.write_text("[]"), "expected an object"),
    "manifest a link": (lambda _, rows: linked(rows), "is a link"),
    "key twice": (
        lambda _, rows: rows.write_text('{"k": 1, "k": 1}'),
        "stands twice",
    ),
    "nan": (lambda place, rows: repacked(place, rows, null_max=np.full(199, np.nan)), "no statistics"),
    "infinity": (lambda place, rows: repacked(place, rows, null_max=np.full(199, -np.inf)), "no statistics"),
    "too few": (lambda place, rows: repacked(place, rows, null_max=np.zeros(198)), r"float64\(198,\)"),
    "matrix": (lambda place, rows: repacked(place, rows, null_max=np.zeros((199, 1))), r"\(199, 1\)"),
    "half precision": (lambda place, rows: repacked(place, rows, null_max=np.zeros(199, "f4")), "float32"),
    "only the maxima": (lambda place, rows: repacked(place, rows, reached=None), "cannot be read: KeyError"),
    "too many reached": (lambda place, rows: repacked(place, rows, reached=np.full(4, 200)), "no counts"),
    "fewer than none": (lambda place, rows: repacked(place, rows, reached=np.full(4, -1)), "no counts"),
    "another question's": (lambda place, rows: repacked(place, rows, key=np.array("0" * 64)), "another question"),
    "pickle": (lambda place, rows: known(place, rows, pickle.dumps(np.zeros(199))), "cannot be read"),
    "pickle inside": (
        lambda place, rows: repacked(place, rows, null_max=np.array([None] * 199)),
        "cannot be read: ValueError",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_drawn_anew_and_said(cache, panel, damage):
    """A cache that is trusted when it is damaged is a p-value that nobody computed."""
    spoil, why = DAMAGE[damage]
    checked(panel, CONFIG, ORIGIN, cache)
    _, place = entry(cache, panel)
    spoil(place, cache.folder / "manifest.json")
    found, mended = checked(panel, CONFIG, ORIGIN, cache)
    assert mended.outcome == "mended"
    assert re.search(why, mended.because), mended.because
    assert fields(found) == fields(reality_check(panel, CONFIG))
    assert checked(panel, CONFIG, ORIGIN, cache)[1].outcome == "hit"


def test_one_damaged_entry_leaves_the_others(cache, panel):
    """A file that is cut must cost its own null, and not a night of all of them."""
    other = numbers(4)
    for each in (panel, other):
        checked(each, CONFIG, ORIGIN, cache)
    entry(cache, panel)[1].write_bytes(b"")
    assert checked(panel, CONFIG, ORIGIN, cache)[1].outcome == "mended"
    assert checked(other, CONFIG, ORIGIN, cache)[1].outcome == "hit"


def test_an_entry_exchanged_with_its_digest_shows_as_kept(cache, panel):
    """Who can write into the folder can choose the null: so the summary has to say where its null is from."""
    checked(panel, CONFIG, ORIGIN, cache)
    _, place = entry(cache, panel)
    repacked(place, cache.folder / "manifest.json", null_max=np.full(199, -9.0))
    found, outcome = checked(panel, CONFIG, ORIGIN, cache)
    assert (outcome.outcome, found.p_value) == ("hit", 1 / 200)
    honest, outcome = checked(panel, CONFIG, ORIGIN)
    assert (outcome.outcome, fields(honest)) == ("off", fields(reality_check(panel, CONFIG)))


@pytest.mark.parametrize("value", ["1", "true", "0", ""])
def test_switched_off_it_neither_reads_nor_writes(cache, panel, monkeypatch, value):
    """A switch that stops only the writing still answers from what was kept."""
    checked(panel, CONFIG, ORIGIN, cache)
    _, place = entry(cache, panel)
    repacked(place, cache.folder / "manifest.json", null_max=np.full(199, -9.0))
    before = snapshot(cache.folder)
    monkeypatch.setenv(SWITCH, value)
    off = value not in {"0", ""}
    found, outcome = checked(panel, CONFIG, ORIGIN, cache)
    assert outcome.outcome == ("off" if off else "hit")
    assert (fields(found) == fields(reality_check(panel, CONFIG))) is off
    elsewhere = NullCache(cache.folder / "elsewhere")
    checked(panel, CONFIG, ORIGIN, elsewhere)
    assert elsewhere.folder.exists() is not off
    if off:
        assert snapshot(cache.folder) == before


def test_a_cache_that_cannot_be_written_costs_no_answer(tmp_path, panel):
    """A full disk in the cache must not stop what needs no cache, nor may it go unseen."""
    (tmp_path / "file").write_text("")
    found, outcome = checked(panel, CONFIG, ORIGIN, NullCache(tmp_path / "file" / "cache"))
    assert fields(found) == fields(reality_check(panel, CONFIG))
    assert outcome.outcome == "computed"
    assert "nor could it be kept: not a directory" in outcome.because


def test_a_cache_that_is_locked_for_ever_costs_no_answer(cache, panel, monkeypatch):
    """A writer that hangs must not make everyone else hang."""
    monkeypatch.setattr(null_cache, "_LOCK_S", 0.05)
    cache.folder.mkdir(parents=True)
    with null_cache.FileLock(cache.folder / ".lock"):
        found, outcome = checked(panel, CONFIG, ORIGIN, cache)
    assert fields(found) == fields(reality_check(panel, CONFIG))
    assert "nor could it be kept" in outcome.because
    assert checked(panel, CONFIG, ORIGIN, cache)[1].outcome == "computed"


def _write(folder, first, many):
    cache = NullCache(folder)
    for number in range(first, first + many):
        key = sha256(str(number).encode()).hexdigest()
        cache.keep(key, Null(np.full(99, float(number)), np.full(3, number % 99)))


def test_four_processes_lose_nothing(tmp_path):
    """Read, changed and written by four at a time, the earlier manifest kept 59 of 400 entries."""
    context = multiprocessing.get_context("spawn")
    # Half of what each writes another one writes too.
    writers = [context.Process(target=_write, args=(tmp_path, 25 * number, 50)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 4
    cache = NullCache(tmp_path)
    assert len(cache.manifest()) == 125
    for number in range(125):
        kept = cache.find(sha256(str(number).encode()).hexdigest(), 99, 3)
        assert kept is not None
        assert (kept.maxima == number).all()
    assert not list(tmp_path.glob(".new-*"))


@pytest.mark.parametrize("rename", [1, 2], ids=["entry", "manifest"])
def test_killed_while_it_writes_it_leaves_no_half_entry(cache, panel, rename):
    """A process that is killed has no chance to tidy up: what it left must be whole or unknown."""
    checked(numbers(9), CONFIG, ORIGIN, cache)
    code = f"""
import os, signal
from pathlib import Path
from tests.candidates.test_null_cache import CONFIG, ORIGIN, NullCache, checked, numbers
left, rename = {rename}, os.replace
def replace(*words):
    global left
    left -= 1
    os.kill(os.getpid(), signal.SIGKILL) if not left else rename(*words)
os.replace = replace
checked(numbers(3), CONFIG, ORIGIN, NullCache(Path({str(cache.folder)!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, cwd=HERE)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(cache.manifest()) == [key_of(CONFIG, ORIGIN, numbers(9).sha256)]
    assert checked(numbers(9), CONFIG, ORIGIN, cache)[1].outcome == "hit"
    found, outcome = checked(panel, CONFIG, ORIGIN, cache)
    assert outcome.outcome == "computed"
    assert fields(found) == fields(reality_check(panel, CONFIG))
    assert checked(panel, CONFIG, ORIGIN, cache)[1].outcome == "hit"


@pytest.fixture
def sweep(tmp_path, panel):
    """The panel as a CSV file."""
    lines = ["ts," + ",".join(NAMES)]
    for number, row in enumerate(panel.values.tolist()):
        lines.append(f"2026-01-{1 + number // 24:02}T{number % 24:02}:00:00Z," + ",".join(map(repr, row)))
    path = tmp_path / "sweep.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_the_command_says_how_it_came_by_its_null(sweep, tmp_path, monkeypatch):
    """A p-value from a cache that looks like a computed one cannot be doubted by anybody."""
    words = ["reality-check", sweep, "--replicates", "199", "--family-id", "f", "--horizon", "4", "--json"]
    kept = ["--cache", str(tmp_path / "rc_cache")]

    def ask(*more):
        done = CliRunner().invoke(main, [*words, *more])
        told = json.loads(done.stdout)
        return done.exit_code, told.pop("cache")["outcome"], told

    code, outcome, told = ask()
    assert outcome == "off"
    assert (told["family_id"], told["rc_horizon"]) == ("f", 4)
    assert ask(*kept) == (code, "computed", told)
    assert ask(*kept, "--workers", "2") == (code, "hit", told)
    assert ask(*kept, "--no-cache") == (code, "off", told)
    monkeypatch.setenv(SWITCH, "1")
    assert ask(*kept) == (code, "off", told)
    plain = CliRunner().invoke(main, [*words[:-1], *kept])
    assert f"null: off, {SWITCH}=1" in plain.stdout


def test_the_command_answers_where_the_cache_cannot_be(sweep, tmp_path):
    """A folder that is a file is no reason to have no p-value."""
    (tmp_path / "file").write_text("")
    words = ["reality-check", sweep, "--replicates", "199", "--json", "--cache", str(tmp_path / "file")]
    done = CliRunner().invoke(main, words)
    assert json.loads(done.stdout)["cache"]["outcome"] == "computed"


@pytest.mark.parametrize("seed", ["9007199254740992", "-99999999999999999999"])
def test_a_seed_that_is_no_json_number_is_wrong_usage(sweep, seed):
    """Beyond 2**53 two seeds are one to half of the readers of JSON."""
    done = CliRunner().invoke(main, ["reality-check", sweep, "--seed", seed])
    assert (done.exit_code, "Traceback" in done.output) == (4, False)
