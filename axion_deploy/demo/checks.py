"""Is the sample more than healthy: does a vote that goes in at the gateway come out in the result?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.http import NoAnswer, ask

DEADLINE_SECONDS = 30.0
POLL_SECONDS = 0.2
CHOICE = "sea"


@dataclass(frozen=True)
class Sample:
    """The addresses of the sample behind its gateway."""

    url: str

    @property
    def link(self) -> str:
        """Return the address for browsers: by another name than the admin's, because cookies ignore ports."""
        return self.url.replace("//127.0.0.1", "//localhost")


def count_a_vote(sample: Sample) -> int:
    """Post one vote and return the new number of votes. Raises DemoError when it is not counted within 30 s."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    before = _wait_for_votes(sample, more_than=-1, deadline=deadline)
    while True:
        try:
            answer = ask(f"{sample.url}/cast", send={"choice": CHOICE})
        except NoAnswer as error:
            raise DemoError(f"The sample's gateway at {sample.url} does not answer: {error}") from error
        if answer.status == 202:
            break
        if time.monotonic() > deadline:
            raise DemoError(f"The vote was refused with {answer.status}: {answer.data}")
        time.sleep(POLL_SECONDS)
    return _wait_for_votes(sample, more_than=before, deadline=deadline)


def _wait_for_votes(sample: Sample, *, more_than: int, deadline: float) -> int:
    while True:
        votes, reason = _votes(sample)
        if votes is not None and votes > more_than:
            return votes
        if time.monotonic() > deadline:
            reason = reason or f"still {votes} votes"
            raise DemoError(f"The vote did not show up in the result within {DEADLINE_SECONDS:g} s: {reason}")
        time.sleep(POLL_SECONDS)


def _votes(sample: Sample) -> tuple[int | None, str]:
    """Return the votes for CHOICE, or why they are not known."""
    try:
        answer = ask(f"{sample.url}/result/api/results")
    except NoAnswer as error:
        return None, str(error)
    for choice in (answer.data or {}).get("choices", ()):
        if choice.get("key") == CHOICE:
            return int(choice["votes"]), ""
    return None, f"status {answer.status}"
