"""Tables of machines and commands: fields, constraints and indexes, no behaviour. Reached through repositories only."""

from __future__ import annotations

from agents.models.commands import CommandRecord
from agents.models.gateways import GatewayPresence
from agents.models.ledger import LaneFloor, Ledger
from agents.models.machines import Agent, Cluster, EnrolmentToken, Server, SwarmNodes
from agents.models.trust import AgentCertificate, Authority, SealedLogins, SealedValues
from agents.models.updates import AgentUpdate, UpdateRollout

__all__ = [
    "Agent",
    "AgentCertificate",
    "AgentUpdate",
    "Authority",
    "Cluster",
    "CommandRecord",
    "EnrolmentToken",
    "GatewayPresence",
    "LaneFloor",
    "Ledger",
    "SealedLogins",
    "SealedValues",
    "Server",
    "SwarmNodes",
    "UpdateRollout",
]
