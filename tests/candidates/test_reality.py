"""The reality check: it finds an edge, does not find luck, and says the same whoever computes it."""

from __future__ import annotations

import json
import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research import bootstrap
from pytest_promotion.suites.research.bootstrap import counts, indices, key_of, long_run_variance
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, reality_check, summary

pytestmark = pytest.mark.slow

NAMES = [f"h{number:03}" for number in range(5)]


def panel(edge=0.0, moments=500, hypotheses=5, seed=3, decoy=1.0):
    """Noise, of which the first hypothesis has an edge of so many standard errors, and the last one is so volatile."""
    values = np.random.default_rng(seed).normal(size=(moments, hypotheses))
    values[:, 0] += edge / math.sqrt(moments)
    values[:, -1] *= decoy
    return Panel.of([f"h{number:03}" for number in range(hypotheses)], values)


def bits(found):
    return found.p_value, found.observed, found.adjusted, found.null_max.tobytes()


@pytest.mark.parametrize("method", ["stationary", "circular"])
@pytest.mark.parametrize("length", [48, 500])
def test_counts_are_those_of_the_indices(method, length):
    """The quick way to count is only worth having if it counts what would have been drawn."""
    key = key_of(7, method)
    found = counts(method, length, 12, key, 3, 20)
    for row in range(20):
        drawn = indices(method, length, 12, key, 3 + row)
        assert len(drawn) == length
        assert (np.bincount(drawn, minlength=length) == found[row]).all()


def test_blocks_are_as_long_as_they_should_be_and_begin_anywhere():
    """Moments at the edges that are drawn less often are a data set without its edges."""
    key = key_of(1, "x")
    drawn = counts("stationary", 60, 5, key, 0, 6000)
    assert drawn.sum() == 6000 * 60
    assert np.abs(drawn.mean(axis=0) - 1).max() < 0.08
    at, _ = bootstrap.blocks("stationary", 3000, 12, key, 0, 40)
    assert 40 * 3000 / len(at) == pytest.approx(12, rel=0.05)


def test_a_replicate_depends_on_the_key_and_its_number_alone():
    """Streams of neighbouring seeds that share all but one draw are one stream that is counted twice."""
    key = key_of(42, "x")
    assert (counts("stationary", 100, 8, key, 0, 30)[20:] == counts("stationary", 100, 8, key, 20, 10)).all()
    one, other = (counts("stationary", 100, 8, key_of(seed, "x"), 0, 40) for seed in (42, 43))
    assert not any((row == each).all() for row in one for each in other)


def test_the_null_agrees_with_the_reference_implementation():
    """Given the same draws, arch's test has to simulate the same values; only what is made of them may differ."""
    arch = pytest.importorskip("arch.bootstrap")
    found = panel(edge=2, moments=300)
    config = Config(statistic="white", centre="upper", replicates=200, block=6)
    key = key_of(config.seed, config.method, repr(6.0), "300")

    class Shared:
        """The draws of ours, handed out as arch's own bootstrap does."""

        def bootstrap(self, reps):
            for replicate in range(reps):
                yield (found.values[indices("stationary", 300, 6, key, replicate)],), {}

    theirs = arch.SPA(np.zeros(300), -found.values, block_size=6, reps=200)
    theirs.bootstrap = Shared()
    theirs._loss_diff = found.values
    theirs.compute()
    simulated = theirs._simulated_vals[:, :, 2].max(axis=0) * math.sqrt(300)
    assert np.abs(simulated - reality_check(found, config).null_max).max() < 1e-12
    assert np.abs(theirs._loss_diff_var - long_run_variance(found.values, 6)).max() < 1e-12


@pytest.mark.parametrize("statistic", ["spa", "white"])
def test_an_edge_is_found_and_luck_is_not(statistic):
    """Uncentred, the p-value was a half whatever the edge."""
    config = Config(statistic=statistic, replicates=500)
    assert reality_check(panel(edge=8), config).p_value < 0.01
    assert reality_check(panel(edge=0), config).p_value > 0.05
    found = reality_check(panel(edge=112), config)
    assert (found.p_value, found.best) == (1 / 501, "h000")


def test_a_volatile_decoy_does_not_hide_an_edge():
    """Five times the noise in one of ten useless hypotheses cost White's test nearly all of its power."""
    found = {
        statistic: reality_check(
            panel(edge=5, hypotheses=10, decoy=6), Config(statistic=statistic, replicates=500)
        ).p_value
        for statistic in ("spa", "white")
    }
    assert found["spa"] < 0.02 < found["white"]


def test_a_p_value_is_never_0_and_counts_ties():
    """A p-value of 0 is a claim that no number of replicates can make."""
    found = reality_check(panel(edge=200), Config(replicates=99))
    assert found.p_value == 1 / 100
    null = found.null_max
    assert found.p_value == (1 + (null >= found.observed).sum()) / (1 + len(null))


def test_the_step_down_is_that_of_the_whole_matrix():
    """Computed chunk by chunk it must be what the definition says over everything at once."""
    found = panel(edge=5, hypotheses=8, moments=200)
    config = Config(replicates=300, block=5)
    ours = reality_check(found, config)
    errors = np.sqrt(long_run_variance(found.values, 5) / 200)
    centres = found.values.mean(axis=0)
    centres[centres < -errors * math.sqrt(2 * math.log(math.log(200)))] = 0
    key = key_of(config.seed, "stationary", repr(5.0), "200")
    drawn = counts("stationary", 200, 5, key, 0, 300)
    null = (drawn @ found.values / 200 - centres) / errors
    seen = np.array(ours.statistics)
    left, least = list(np.argsort(-seen, kind="stable")), 0.0
    for number in list(left):
        value = (1 + (null[:, left].max(axis=1) >= seen[number]).sum()) / 301
        least = max(least, value)
        assert ours.adjusted[number] == pytest.approx(least, abs=1 / 301 + 1e-12)
        left.remove(number)
    assert min(ours.adjusted) == ours.p_value


def test_workers_and_order_do_not_change_a_bit():
    """A p-value that depends on the machine is two p-values, and somebody takes the better one."""
    found, config = panel(edge=2, hypotheses=40), Config(replicates=1100)
    alone = bits(reality_check(found, config))
    for kind in (ThreadPoolExecutor, ProcessPoolExecutor):
        for workers in (1, 3):
            with kind(workers) as executor:
                assert bits(reality_check(found, config, executor)) == alone


def test_more_replicates_begin_with_the_fewer():
    """Whoever asks for more later gets more of the same, and not another draw."""
    few, many = (reality_check(panel(), Config(replicates=count)).null_max for count in (130, 1000))
    assert (many[:130] == few).all()


def test_a_dask_cluster_gives_the_same_bits():
    """The cluster that a research group has is the one that it uses."""
    distributed = pytest.importorskip("distributed")
    found, config = panel(edge=2, hypotheses=20), Config(replicates=600)
    with (
        distributed.LocalCluster(n_workers=2, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert bits(reality_check(found, config, client.get_executor())) == bits(reality_check(found, config))


def test_names_and_order_do_not_matter():
    """The same hypotheses in another order are the same test."""
    found = panel(edge=3)
    moments = list(range(500))
    series = {name: (moments, found.values[:, number].tolist()) for number, name in enumerate(NAMES)}
    turned = {name: (moments[::-1], series[name][1][::-1]) for name in reversed(NAMES)}
    one, other = (reality_check(Panel.aligned(each), Config(replicates=200)) for each in (series, turned))
    assert bits(one) == bits(other)
    assert one.data_sha256 == other.data_sha256 == found.sha256


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({}, "no hypothesis"),
        (
            {"a": (range(100), [0.1 * n for n in range(100)]), "b": (range(100, 200), [0.1 * n for n in range(100)])},
            "0 moments in common",
        ),
        ({"a": (range(10), list(range(10)))}, "10 moments in common"),
        ({"a": (range(100), [math.nan, *range(99)])}, "no numbers in a"),
        ({"a": (range(100), [math.inf, *range(99)])}, "no numbers in a"),
        ({"a": (range(100), [1.0] * 100)}, "a never changes"),
        ({"a": ([0, *range(99)], list(range(100)))}, "99 of them distinct"),
        ({"a": (range(100), list(range(99)))}, "100 moments"),
    ],
    ids=range(8),
)
def test_what_cannot_be_tested_is_refused(series, said):
    """Two series without a common moment had a p-value of 0.005, because NaN is not above anything."""
    with pytest.raises(Unproven, match=said):
        Panel.aligned(series)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (Config(replicates=98), PolicyError),
        (Config(block=0.5), PolicyError),
        (Config(block=math.nan), PolicyError),
        (Config(method="circular", block=2.5), PolicyError),
        (Config(block=200), Unproven),
    ],
    ids=range(5),
)
def test_a_test_that_could_say_nothing_is_refused(config, problem):
    """With nine replicates the smallest p-value is a tenth; with one block there is one replicate."""
    with pytest.raises(problem):
        reality_check(panel(), config)


def test_the_summary_says_how_it_can_be_had_again():
    """A p-value without its data, its draws and its version cannot be checked by anybody."""
    found = reality_check(panel(edge=8), Config(replicates=200, seed=5))
    told = summary(found)
    assert told["rc_p_value"] == found.p_value
    assert (told["n_sim"], told["n_obs"], told["config"]["seed"]) == (200, 500, 5)
    assert told["data_sha256"] == panel(edge=8).sha256
    assert told["rw_adjusted_p_values"]["h000"] == found.p_value
    assert bootstrap.VERSION in told["algorithm"]


def test_size_and_power():
    """A test that never rejects passes every check of its size, and one that always does every check of its power."""
    rng = np.random.default_rng(20260521)
    trials, rejected = 120, {"null": 0, "edge": 0, "decoy": 0}
    config = Config(replicates=199, block=6)
    for _ in range(trials):
        noise = rng.normal(size=(400, 10))
        for case in rejected:
            values = noise.copy()
            if case != "null":
                values[:, 0] += 4 / math.sqrt(400)
            if case == "decoy":
                values[:, 9] *= 5
            found = reality_check(Panel.of([f"h{n}" for n in range(10)], values), config)
            rejected[case] += found.p_value <= 0.05
    share = {case: count / trials for case, count in rejected.items()}
    assert share["null"] <= 0.12, share  # the standard error is 2 %; the figures in the docs have more trials
    assert share["edge"] > 0.85, share
    assert share["decoy"] > 0.85, share


@pytest.fixture
def sweep(tmp_path):
    """A sweep as a CSV file, and how to write another."""
    found = panel(edge=8, moments=200)

    def write(edit=lambda text: text):
        lines = ["ts," + ",".join(found.names)]
        for number, row in enumerate(found.values.tolist()):
            lines.append(f"2026-01-{1 + number // 24:02}T{number % 24:02}:00:00Z," + ",".join(map(repr, row)))
        path = tmp_path / "sweep.csv"
        path.write_text(edit("\n".join(lines) + "\n"))
        return path

    return write


def test_the_command_answers_by_its_exit_code(sweep, tmp_path):
    """The number is argued about; the exit code is what stops the promotion."""
    words = ["--replicates", "199", "--json"]
    done = CliRunner().invoke(main, ["reality-check", str(sweep()), *words, "--out", str(tmp_path / "rc.json")])
    assert (done.exit_code, json.loads(done.stdout)["best"]) == (0, "h000")
    assert json.loads((tmp_path / "rc.json").read_text()) == json.loads(done.stdout)
    assert CliRunner().invoke(main, ["reality-check", str(sweep()), *words, "--max-p-value", "0.001"]).exit_code == 2
    again = CliRunner().invoke(main, ["reality-check", str(sweep()), *words, "--workers", "2"])
    assert again.stdout == done.stdout
    assert CliRunner().invoke(main, ["reality-check", str(sweep()), "--replicates", "9"]).exit_code == 4


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "",
        lambda text: text[: text.index("\n") + 1],
        lambda text: "\n".join(text.splitlines()[:20]) + "\n",
        lambda text: text.replace("T00:00:00Z", "T00:00:00", 1),
        lambda text: text.replace("2026-01-01T01", "2026-01-01T00", 1),
        lambda text: text[:-9],
        lambda text: text.replace(text.splitlines()[5].split(",")[1], "nan", 1),
        lambda text: text.replace(text.splitlines()[5].split(",")[1], "", 1),
    ],
    ids=["empty", "head only", "few", "naive", "moment twice", "cut", "nan", "blank"],
)
def test_a_sweep_that_cannot_be_tested_is_no_answer(sweep, edit):
    """A file that is cut short is a shorter sweep to whoever does not look."""
    done = CliRunner().invoke(main, ["reality-check", str(sweep(edit)), "--replicates", "99"])
    assert done.exit_code == 3, done.output
    assert "Traceback" not in done.output
