"""Bounds of what travels between the control plane and its agents, in bytes where a name says nothing else. Pure.

Each bound is smaller than the next one that the same bytes meet; tests/test_bounds.py holds them against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

KIB = 1024
MIB = 1024 * KIB

# Down: one command with all generated files, then whatever the gateway writes, then what an agent takes.
MAX_COMMAND_BYTES = 12 * MIB
MAX_SENT_BYTES = 16 * MIB
MAX_AGENT_RECEIVED_BYTES = 32 * MIB
# Up: one report, one message of a session, and one message of a call that agents make besides.
MAX_REPORT_BYTES = 256 * KIB
MAX_RECEIVED_BYTES = 512 * KIB
MAX_CALL_BYTES = 64 * KIB

# Inside a report. A line of output is cut by the agent at MAX_LINE_BYTES; a few of them are told at once.
CUT = "... (cut)"
MAX_MESSAGE_BYTES = 4 * KIB
MAX_LOG_BYTES = 64 * KIB
MAX_LINE_BYTES = 8 * KIB
MAX_SHORT_LINE_BYTES = KIB
MAX_TAIL_LINES = 30
# Of one check of what lies elsewhere.
MAX_ENDPOINTS = 20
MAX_ERROR_BYTES = 300
MAX_NAME_BYTES = 200
MAX_WORD_BYTES = 64
MAX_CONTAINERS = 100
MAX_VOLUMES = 20
# Volumes of ours on one host, and containers named for each.
MAX_HOST_VOLUMES = 1000
MAX_VOLUME_USERS = 5
# Containers that are not ours, described at once, within one message of a call.
MAX_DESCRIBED_CONTAINERS = 300
MAX_DESCRIBED_BYTES = 450 * KIB
# Nodes of one Swarm, labels of a node, and addresses of its managers: together less than one message of a session.
MAX_NODES = 150
MAX_NODE_LABELS = 8
MAX_MANAGERS = 20
# Services and tasks of one Swarm, told in one message of a session; with more, nobody knows how its stacks are.
MAX_TASKS = 5000
MAX_TASKS_BYTES = 400 * KIB
# Aspects of how a container is set up.
MAX_SETTINGS = 16
# Of one stack; more are refused before they are sent, so that all of them fit into one report at the end.
MAX_SERVICES = 2000
# Ids in an inventory, and unfinished commands in a Hello.
MAX_IMAGES = 5000
MAX_UNFINISHED = 5000
# Of what a container writes, at a look: lines of the past, lines and bytes told at once, and characters to search for.
MAX_PAST_LINES = 5000
MAX_BATCH_LINES = 200
MAX_BATCH_BYTES = 128 * KIB
MAX_SEARCH = 200
MAX_REMARKS = 20
# Runs of jobs on a schedule told at once, and the end of what each wrote.
MAX_JOB_RUNS = 16
MAX_JOB_OUTPUT_BYTES = 16 * KIB
# Events of one deployment, log lines among them; what an agent says beyond is seen at the end alone.
MAX_EVENTS = 30_000

# Commands that wait in memory for one agent's stream, and that are read from the ledger at once for all agents.
MAX_QUEUED_BYTES = 16 * MIB
MAX_CLAIMED_BYTES = 32 * MIB

# Of one variable, and of all of a stack together: they become the environment of a program on the host, for which
# Linux takes 128 KiB each and about 2 MiB in all.
MAX_VALUE_BYTES = 120 * KIB
MAX_VALUES_BYTES = 3 * MIB // 2

# Of a text, a number or a list on the wire, beside its own bytes: never more than this.
ENVELOPE_BYTES = 16


def wire_bytes(value: Any) -> int:
    """Return an upper bound of the value's bytes on the wire: of frozen values, mappings, sequences, texts, numbers."""
    if isinstance(value, str):
        return ENVELOPE_BYTES + (len(value) if value.isascii() else len(value.encode(errors="surrogatepass")))
    if isinstance(value, Mapping):
        return ENVELOPE_BYTES + sum(wire_bytes(key) + wire_bytes(each) for key, each in value.items())
    if is_dataclass(value):
        return ENVELOPE_BYTES + sum(wire_bytes(getattr(value, each.name)) for each in fields(value))
    if isinstance(value, Iterable):
        return ENVELOPE_BYTES + sum(map(wire_bytes, value))
    return ENVELOPE_BYTES


def mebibytes(size: int) -> str:
    """Return the size for people: with a decimal where it says something."""
    return f"{size / MIB:.1f}".removesuffix(".0") + " MiB"
