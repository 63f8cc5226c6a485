"""What control plane and agent say of themselves. pyproject.toml and CHANGELOG.md name the same version."""

from __future__ import annotations

VERSION = "0.2.0"

# Versions of the session's protocol. From this one on stored reports are named with a command, a proven deployment
# outlasts an order to go back that nobody asked for, and both sides tell which journal and which ledger they hold.
SETTLING_PROTOCOL = 2
# From this one on agents tell what runs between commands, too.
OBSERVING_PROTOCOL = 3
# From this one on agents read the logs of containers when they are asked to.
LOGS_PROTOCOL = 4
# From this one on agents start services anew whose containers somebody changed, and prove how they set them up.
RENEWING_PROTOCOL = 5
# From this one on agents tell of the volumes on their hosts, and delete one when a person asks for it.
VOLUMES_PROTOCOL = 6
# From this one on agents tell every ten seconds what their machine and its containers use.
SAMPLING_PROTOCOL = 7
# From this one on agents tell which Swarm their engine is in, and change it when they are ordered to.
CLUSTERS_PROTOCOL = 8
# From this one on agents renew their certificates within a session.
CERTIFICATES_PROTOCOL = 9
# From this one on agents tell of the runs of jobs on a schedule, and stop one when they are told to.
JOB_RUNS_PROTOCOL = 10
# From this one on agents tell whether they reach what lies elsewhere.
REACH_PROTOCOL = 11
# From this one on agents describe containers that are not ours, and take them over.
ADOPTION_PROTOCOL = 12
# From this one on agents update themselves when they are told to.
UPDATES_PROTOCOL = 13
# From this one on agents of managers tell of the tasks in their Swarm.
TASKS_PROTOCOL = 14
# That of the release before this one, 0.2.0: both sides work with it in full.
FORMER_PROTOCOL = OBSERVING_PROTOCOL
# The oldest that is given new work. An agent that speaks an older one stays connected, so that what it works on ends,
# and its page says that it is too old; new commands are refused by name.
MINIMUM_PROTOCOL = FORMER_PROTOCOL
# The newest that this version speaks.
PROTOCOL = TASKS_PROTOCOL
