"""When an incident opens, goes on and closes: a table, and that no order of what is heard changes where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.data.incident_types import Cause, OpenIncident, Severity
from deployments.rules.conditions import ServiceCondition, StackCondition
from deployments.rules.incident_rules import (
    CERTIFICATE_MS,
    DEGRADED_MS,
    DIFFERENT_MS,
    OBSERVED,
    QUIET_MS,
    SILENT_MS,
    AgentFacts,
    Changed,
    Closed,
    Difference,
    FailedDeployment,
    Opened,
    Quieted,
    StackFacts,
    Step,
    findings,
    judge,
    not_known,
)
from deployments.rules.observed import ObservedService, ObservedState

NOW = 100_000_000
WELL = AgentFacts(heard_ms=NOW, online=True, disk_full="")
FAILED = FailedDeployment(words="It failed.", since_ms=NOW - 5)
DIFFERENCE = Difference(service="web", message="web has another image.", since_ms=NOW - DIFFERENT_MS)


def state(condition: StackCondition, *, running: int = 1) -> ObservedState:
    service = ObservedService(
        name="web", node_id="n", condition=ServiceCondition.DEGRADED, running=running, copies=2, since_ms=0
    )
    return ObservedState(condition=condition, since_ms=0, message=f"It is {condition}.", services=(service,))


def facts(condition: StackCondition = StackCondition.RUNNING, *, for_ms: int = 0, **more: Any) -> StackFacts:
    usual: dict[str, Any] = {"agent": WELL, "differences": (), "unrestorable": ""}
    return StackFacts(state=state(condition), since_ms=NOW - for_ms, **{**usual, **more})


@pytest.mark.parametrize(
    ("given_facts", "causes"),
    [
        (facts(), {}),
        (facts(StackCondition.NOTHING), {}),
        (facts(StackCondition.STOPPED, for_ms=10**7), {}),
        (facts(StackCondition.STARTING, for_ms=10**7), {}),
        (facts(StackCondition.DEGRADED, for_ms=DEGRADED_MS - 1), {}),
        (facts(StackCondition.DEGRADED, for_ms=DEGRADED_MS), {"degraded": "warning"}),
        (replace(facts(for_ms=DEGRADED_MS), state=state(StackCondition.DEGRADED, running=0)), {"degraded": "critical"}),
        (facts(StackCondition.RESTARTING), {"restarting": "critical"}),
        (facts(StackCondition.GONE), {"gone": "critical"}),
        (facts(agent=AgentFacts(heard_ms=NOW - SILENT_MS + 1, online=False)), {}),
        (facts(agent=AgentFacts(heard_ms=NOW - SILENT_MS, online=False)), {"agent_silent": "critical"}),
        (facts(agent=AgentFacts(heard_ms=0, online=False)), {}),
        (facts(agent=None), {}),
        (facts(for_ms=SILENT_MS, agent=replace(WELL, engine_message="away")), {"agent_silent": "critical"}),
        (facts(agent=replace(WELL, disk_full="Little space.")), {"disk_nearly_full": "warning"}),
        (facts(failed=FAILED), {"deployment_failed": "critical"}),
        (facts(failed=replace(FAILED, harmless=True)), {"deployment_failed": "warning"}),
        (facts(unrestorable="v1 cannot."), {"unrestorable": "warning"}),
        (facts(differences=(DIFFERENCE,)), {"drift": "warning"}),
        (facts(differences=(replace(DIFFERENCE, since_ms=NOW - DIFFERENT_MS + 1),)), {}),
        (facts(StackCondition.UNKNOWN, differences=(DIFFERENCE,)), {}),
    ],
)
def test_what_holds(given_facts: StackFacts, causes: dict[str, str]) -> None:
    assert {each.cause: each.severity for each in findings(given_facts, now_ms=NOW)} == causes


def test_many_differences_are_told_in_few_words() -> None:
    many = tuple(Difference(service=f"s{n}", message=f"s{n} differs.", since_ms=n) for n in range(7))
    (found,) = findings(facts(differences=many), now_ms=NOW)
    assert (found.message, found.since_ms) == (
        "s0 differs. s1 differs. s2 differs. s3 differs. s4 differs. And 2 more.", 0
    )  # fmt: skip


def apply(known: dict[Cause, OpenIncident], steps: tuple[Step, ...]) -> dict[Cause, OpenIncident]:
    """What the store holds after these steps; it would refuse a second incident of one cause."""
    after = dict(known)
    for step in steps:
        if isinstance(step, Opened | Changed):
            told = step.finding
            assert (told.cause in after) is isinstance(step, Changed)
            former = after[told.cause].quiet_ms if told.cause in after else 0
            after[told.cause] = OpenIncident(
                cause=told.cause, severity=told.severity, message=told.message, services=told.services, quiet_ms=former
            )
        elif isinstance(step, Quieted):
            after[step.cause] = replace(after[step.cause], quiet_ms=step.quiet_ms)
        else:
            assert isinstance(step, Closed)
            del after[step.cause]
    return after


def rounds(known: dict[Cause, OpenIncident], given_facts: StackFacts, *, start_ms: int) -> dict[Cause, OpenIncident]:
    """The same facts, judged for long enough."""
    for now_ms in (start_ms, start_ms + QUIET_MS, start_ms + 2 * QUIET_MS):
        known = apply(known, judge(facts=given_facts, open_incidents=known.values(), now_ms=now_ms))
    return known


def test_what_comes_back_at_once_is_the_same_incident() -> None:
    gone, well = facts(StackCondition.GONE), facts()
    known = apply({}, judge(facts=gone, open_incidents=(), now_ms=NOW))
    known = apply(known, judge(facts=well, open_incidents=known.values(), now_ms=NOW + 1))
    assert judge(facts=well, open_incidents=known.values(), now_ms=NOW + QUIET_MS) == ()
    assert judge(facts=gone, open_incidents=known.values(), now_ms=NOW + 2) == (Quieted(cause=Cause.GONE, quiet_ms=0),)
    assert judge(facts=well, open_incidents=known.values(), now_ms=NOW + 1 + QUIET_MS) == (Closed(cause=Cause.GONE),)


def test_an_incident_that_goes_on_takes_new_words_and_nothing_else() -> None:
    known = apply({}, judge(facts=facts(StackCondition.GONE), open_incidents=(), now_ms=NOW))
    assert judge(facts=facts(StackCondition.GONE), open_incidents=known.values(), now_ms=NOW) == ()
    other = replace(facts(), state=replace(state(StackCondition.GONE), message="Other words."))
    (changed,) = judge(facts=other, open_incidents=known.values(), now_ms=NOW)
    assert isinstance(changed, Changed)
    assert changed.finding.message == "Other words."


def test_while_nobody_can_look_nothing_opens_and_nothing_closes() -> None:
    known = rounds({}, facts(StackCondition.GONE), start_ms=NOW)
    for condition in (StackCondition.UNKNOWN, StackCondition.DEPLOYING):
        assert rounds(known, facts(condition), start_ms=NOW) == known
    assert rounds(known, facts(), start_ms=NOW) == {}


ANY_AGENT = st.one_of(
    st.none(),
    st.builds(
        AgentFacts,
        heard_ms=st.sampled_from([0, NOW - 2 * SILENT_MS, NOW]),
        online=st.booleans(),
        engine_message=st.sampled_from(["", "away"]),
        disk_full=st.sampled_from([None, "", "Little space."]),
    ),
)
ANY_FACTS = st.builds(
    StackFacts,
    state=st.builds(state, st.sampled_from(list(StackCondition)), running=st.integers(0, 2)),
    since_ms=st.sampled_from([NOW - 10 * DEGRADED_MS, NOW]),
    agent=ANY_AGENT,
    failed=st.sampled_from([None, FAILED, replace(FAILED, harmless=True)]),
    differences=st.sampled_from([None, (), (DIFFERENCE,)]),
    unrestorable=st.sampled_from([None, "", "v1 cannot."]),
)
TOLD = st.lists(st.tuples(ANY_FACTS, st.integers(0, 3 * QUIET_MS)), max_size=12)


# However slow the machine is just then.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=TOLD, last=ANY_FACTS)
def test_any_order_repeats_and_losses_end_where_a_full_look_does(
    told: list[tuple[StackFacts, int]], last: StackFacts
) -> None:
    known: dict[Cause, OpenIncident] = {}
    now_ms = NOW
    for each, later in told:
        now_ms += later
        steps = judge(facts=each, open_incidents=known.values(), now_ms=now_ms)
        known = apply(known, steps)
        assert judge(facts=each, open_incidents=known.values(), now_ms=now_ms) == (), "a repeat changes nothing"
    unknowable = not_known(last)
    settled = rounds(known, last, start_ms=now_ms)
    full = rounds({}, last, start_ms=now_ms)
    kept = {cause: known[cause] for cause in known.keys() & unknowable if cause not in full}
    assert settled == {**full, **kept}
    assert {each.cause for each in findings(last, now_ms=now_ms + 2 * QUIET_MS)} == set(full)


def test_severities_and_causes_are_words_that_stay() -> None:
    assert {str(each) for each in Severity} == {"critical", "warning"}
    others = {
        Cause.AGENT_SILENT, Cause.DEPLOYMENT_FAILED, Cause.DISK_NEARLY_FULL, Cause.UNRESTORABLE, Cause.CERTIFICATE_ENDS
    }  # fmt: skip
    assert {*OBSERVED, *others} == set(Cause)


def test_a_certificate_is_told_of_when_it_should_have_been_renewed_and_no_longer_when_it_was() -> None:
    def told(left_ms: int, known: tuple[OpenIncident, ...] = ()) -> tuple[Step, ...]:
        agent = replace(WELL, certificate_ends_ms=NOW + left_ms)
        return judge(facts=facts(agent=agent), open_incidents=known, now_ms=NOW)

    assert told(CERTIFICATE_MS + 1) == ()
    (opened,) = told(CERTIFICATE_MS)
    assert isinstance(opened, Opened)
    assert (opened.finding.cause, opened.finding.since_ms) == (Cause.CERTIFICATE_ENDS, NOW)
    assert "is good until 1970-01-07 03:46 UTC" in opened.finding.message
    known = OpenIncident(
        cause=Cause.CERTIFICATE_ENDS, severity=Severity.WARNING, message=opened.finding.message, services=()
    )
    assert told(CERTIFICATE_MS, (known,)) == ()
    assert told(30 * 24 * 3_600_000, (replace(known, quiet_ms=NOW - QUIET_MS),)) == (
        Closed(cause=Cause.CERTIFICATE_ENDS),
    )
