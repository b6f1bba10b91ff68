"""Whether the services that write the evidence are watched, and alive by what they wrote."""

import os

import pytest

from pytest_promotion.suites.trading.health import bus, compose
from pytest_promotion.suites.trading.health.compose import has_one
from pytest_promotion.suites.trading.health.content import dated
from pytest_promotion.suites.trading.health.healthcheck import looks_at
from pytest_promotion.suites.trading.health.services import known


@pytest.mark.warning(owner="operations", fix="follow docs/how-to/recover.md for the service named here")
def test_service_health(artifact, freshness, measure, policy, reason, refused, setting, workspace):
    """Every service has a healthcheck that fits how often it writes, and what each wrote last is fresh."""
    composed = artifact(policy["compose"])["services"]
    own = policy["services"]
    services = known(artifact(own).data, own) if own else known()
    exempt = {one["service"]: one["because"] for one in policy["exempt"]}
    unexplained = [name for name, because in exempt.items() if not because]
    measure.none("services that are exempt without saying why", unexplained, among=len(exempt), may_be_empty=True)
    watched = {name: service for name, service in services.items() if name not in exempt}
    absent = sorted(set(watched) - set(composed))
    assert not absent, f"{policy['compose']} does not start {', '.join(absent)}"
    others = []
    for name in sorted(watched):
        command = compose.healthcheck(name, composed[name])
        looks = looks_at(name, composed[name], watched[name])
        assert looks, f"{name}: its healthcheck is {command!r}, expected `promotion health {name}` or what it does"
        if not compose.asks_of(name, command):
            others.append(f"{name}: its healthcheck is {command!r}, expected `promotion health {name}`")
    measure.none("healthchecks of another kind", refused("other_healthchecks", others), among=len(watched))
    unwatched = [name for name in sorted(set(composed) - set(exempt) - set(watched)) if not has_one(composed[name])]
    silent = [f"{name} has no healthcheck" for name in unwatched]
    measure.none("services that nothing watches", refused("unwatched_services", silent), among=len(composed))

    writers = {name: service for name, service in watched.items() if service.limit}
    for name, service in writers.items():
        limit = compose.seconds(name, composed[name], service.limit)
        # Below two intervals one late report is an outage; a limit of days notices none.
        least = setting("least_intervals") * compose.seconds(name, composed[name], service.every)
        measure.between(f"{name} {service.limit.variable}", limit, least, setting("longest_limit_sec"))
        found = [artifact(path.relative_to(workspace)) for path in sorted(workspace.glob(service.writes))]
        assert found, f"{name}: {service.writes} is missing"
        newest, moment, source = newest_of(found, service.field)
        freshness(newest, max_age=limit, timestamp=moment, source=source)

    remark = f"; without a healthcheck: {', '.join(unwatched)}" if unwatched else ""
    listeners = ", ".join(name for name, service in watched.items() if service.redis) or "no service"
    if policy["redis"] == "not_asked":
        reason(f"{len(writers)} services write; the Redis of {listeners} was not asked, by policy{remark}")
        return
    assert policy["redis"] == "ask", f"redis is {policy['redis']!r}, expected ask or not_asked"
    assert os.environ.get("REDIS_URL"), "REDIS_URL is not set: nobody can tell which Redis to ask"
    measure.equals("Redis PING", bus.ping(os.environ["REDIS_URL"]), "PONG")
    reason(f"{len(writers)} services write, and the Redis of {listeners} answers{remark}")


def newest_of(found, field):
    """The artifact with the newest content, its moment and what says so; one from the future is the newest of all."""
    moments = []
    for each in found:
        with each.open() as file:
            moments.append((*dated(each.path, file, each.size_bytes, field), each))
    moment, source, newest = max(moments, key=lambda item: (item[0], item[2].path))
    return newest, moment, source
