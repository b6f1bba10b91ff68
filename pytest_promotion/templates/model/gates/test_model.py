"""May this model replace the one in use? Each test is one gate. gates/evaluate.py writes the reports."""

import pytest

CANDIDATE = "reports/evaluation/candidate.json"
CHAMPION = "reports/evaluation/champion.json"
FIX = "python gates/evaluate.py"


@pytest.mark.critical(owner="ml", fix=FIX)
def test_evaluation(artifact, freshness, measure, policy):
    """The candidate was evaluated lately, on enough examples, and is good enough."""
    report = artifact(CANDIDATE)
    freshness(report)
    measure.at_least(
        "score", report["score"], policy["min_score"], min_samples=policy["min_samples"], samples=report["samples"]
    )


@pytest.mark.critical(owner="ml", fix=FIX, requires=["evaluation"])
def test_champion(artifact, freshness, measure, policy):
    """On the same examples the candidate is not worse than the model in use."""
    candidate, champion = artifact(CANDIDATE), artifact(CHAMPION)
    for report in (candidate, champion):
        freshness(report)
    assert candidate["dataset_sha256"], f"{CANDIDATE} does not say which examples it is about"
    measure.equals("digest of the examples", candidate["dataset_sha256"], champion["dataset_sha256"])
    measure.equals("examples", candidate["samples"], champion["samples"])
    bound = "bound by digest to its report"
    models = [artifact(policy[name], max_age="none", because=bound).sha256 for name in ("candidate", "champion")]
    for report, digest in zip((candidate, champion), models, strict=True):
        measure.equals(f"digest of the model in {report.path}", report["model_sha256"], digest)
    assert models[0] != models[1], "the candidate is the model that is in use"
    measure.at_most("loss against the champion", champion["score"] - candidate["score"], policy["max_loss"])


@pytest.mark.critical(owner="ml", fix=FIX)
def test_slices(artifact, freshness, measure, policy):
    """No group of examples is left behind, and each has enough of them."""
    report = artifact(CANDIDATE)
    freshness(report)
    slices = report["slices"]
    measure.equals("slices", " ".join(sorted(slices)), " ".join(sorted(policy["slices"])))
    for name in policy["slices"]:
        one = slices[name]
        measure.at_least(
            f"score of {name}",
            one["score"],
            policy["min_score"],
            min_samples=policy["min_samples"],
            samples=one["samples"],
        )
