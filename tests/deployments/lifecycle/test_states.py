"""The table of states, pair by pair."""

from __future__ import annotations

import pytest

from deployments.states import TRANSITIONS, IllegalTransitionError, Status, Transition, next_status

LEGAL = {
    (Status.PENDING, Transition.START): Status.IN_PROGRESS,
    (Status.PENDING, Transition.FAIL): Status.FAILED,
    (Status.IN_PROGRESS, Transition.FAIL): Status.FAILED,
    (Status.IN_PROGRESS, Transition.SUCCEED): Status.SUCCESS,
    (Status.IN_PROGRESS, Transition.BEGIN_ROLLBACK): Status.ROLLING_BACK,
    (Status.SUCCESS, Transition.BEGIN_ROLLBACK): Status.ROLLING_BACK,
    (Status.FAILED, Transition.BEGIN_ROLLBACK): Status.ROLLING_BACK,
    (Status.ROLLING_BACK, Transition.FINISH_ROLLBACK): Status.ROLLED_BACK,
    (Status.ROLLING_BACK, Transition.FAIL): Status.FAILED,
    (Status.ROLLING_BACK, Transition.PUT_BACK): Status.SUCCESS,
    (Status.FAILED, Transition.PROVE_LATE): Status.SUCCESS,
}
ILLEGAL = [(status, transition) for status in Status for transition in Transition if (status, transition) not in LEGAL]


@pytest.mark.parametrize(("pair", "target"), LEGAL.items(), ids=str)
def test_legal_pairs_lead_where_the_design_says(pair: tuple[Status, Transition], target: Status) -> None:
    status, transition = pair
    assert next_status(status=status, transition=transition) is target


@pytest.mark.parametrize(("status", "transition"), ILLEGAL)
def test_every_other_pair_is_an_error(status: Status, transition: Transition) -> None:
    with pytest.raises(IllegalTransitionError):
        next_status(status=status, transition=transition)


def test_every_transition_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Transition)


def test_every_status_can_be_reached() -> None:
    assert {target for _, target in TRANSITIONS.values()} | {Status.PENDING} == set(Status)
