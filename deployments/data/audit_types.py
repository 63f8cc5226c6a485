"""What the audit log tells. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from agents.wording.sentences import sentence


class AuditAction(StrEnum):
    """What was done, in the past tense; the detail of an entry says to whom or what."""

    MEMBER_INVITED = "member_invited"
    MEMBER_JOINED = "member_joined"
    MEMBER_ROLE_CHANGED = "member_role_changed"
    MEMBER_REMOVED = "member_removed"
    INVITATION_DECLINED = "invitation_declined"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    LINK_CREATED = "link_created"
    LINK_USED = "link_used"
    LINK_WITHDRAWN = "link_withdrawn"
    GROUP_ROLE_CHANGED = "group_role_changed"
    GROUP_REMOVED = "group_removed"
    GROUP_PEOPLE_CHANGED = "group_people_changed"
    OWNER_CHANGED = "owner_changed"
    PROJECT_CREATED = "project_created"
    PROJECT_DELETED = "project_deleted"
    DELETION_CANCELLED = "deletion_cancelled"
    SETTINGS_CHANGED = "settings_changed"
    VARIABLES_CHANGED = "variables_changed"
    SERVER_ALLOWED = "server_allowed"
    SERVER_REVOKED = "server_revoked"
    TOKEN_CREATED = "token_created"  # noqa: S105 - a name, no password
    TOKEN_DELETED = "token_deleted"  # noqa: S105 - a name, no password
    PERSON_CREATED = "person_created"
    PERSON_CHANGED = "person_changed"
    PERSON_DELETED = "person_deleted"
    MACHINE_CREATED = "machine_created"
    MACHINE_CHANGED = "machine_changed"
    MACHINE_DELETED = "machine_deleted"
    MACHINE_DELETION_REQUESTED = "machine_deletion_requested"
    AGENT_REVOKED = "agent_revoked"
    CONTAINERS_READ = "containers_read"
    CONTAINERS_ADOPTED = "containers_adopted"
    AGENT_INSTALLATION_REQUESTED = "agent_installation_requested"
    AGENT_REMOVAL_REQUESTED = "agent_removal_requested"
    AGENT_UPDATE_REQUESTED = "agent_update_requested"
    HOST_KEY_CONFIRMED = "host_key_confirmed"
    HOST_KEY_FORGOTTEN = "host_key_forgotten"
    ENROLMENT_TOKEN_CREATED = "enrolment_token_created"  # noqa: S105 - a name, no password
    ENROLMENT_TOKEN_DELETED = "enrolment_token_deleted"  # noqa: S105 - a name, no password


# As pages and terminals say it, with the detail after it.
ACTION_WORDS = {
    AuditAction.MEMBER_INVITED: sentence("Invited"),
    AuditAction.MEMBER_JOINED: sentence("Joined"),
    AuditAction.MEMBER_ROLE_CHANGED: sentence("Changed the role of"),
    AuditAction.MEMBER_REMOVED: sentence("Removed the member"),
    AuditAction.INVITATION_DECLINED: sentence("Declined an invitation"),
    AuditAction.INVITATION_WITHDRAWN: sentence("Withdrew the invitation of"),
    AuditAction.LINK_CREATED: sentence("Created a link"),
    AuditAction.LINK_USED: sentence("Used a link"),
    AuditAction.LINK_WITHDRAWN: sentence("Withdrew a link"),
    AuditAction.GROUP_ROLE_CHANGED: sentence("Changed the role of the group"),
    AuditAction.GROUP_REMOVED: sentence("Removed the group"),
    AuditAction.GROUP_PEOPLE_CHANGED: sentence("Changed the people of the group"),
    AuditAction.OWNER_CHANGED: sentence("Changed the owner"),
    AuditAction.PROJECT_CREATED: sentence("Created the project"),
    AuditAction.PROJECT_DELETED: sentence("Deleted the project"),
    AuditAction.DELETION_CANCELLED: sentence("Cancelled the deletion"),
    AuditAction.SETTINGS_CHANGED: sentence("Changed settings"),
    AuditAction.VARIABLES_CHANGED: sentence("Changed variables"),
    AuditAction.SERVER_ALLOWED: sentence("Allowed the server"),
    AuditAction.SERVER_REVOKED: sentence("Revoked the server"),
    AuditAction.TOKEN_CREATED: sentence("Created the API token"),
    AuditAction.TOKEN_DELETED: sentence("Deleted the API token"),
    AuditAction.PERSON_CREATED: sentence("Created the person"),
    AuditAction.PERSON_CHANGED: sentence("Changed the person"),
    AuditAction.PERSON_DELETED: sentence("Deleted the person"),
    AuditAction.MACHINE_CREATED: sentence("Added"),
    AuditAction.MACHINE_CHANGED: sentence("Changed"),
    AuditAction.MACHINE_DELETED: sentence("Deleted"),
    AuditAction.MACHINE_DELETION_REQUESTED: sentence("Asked to delete"),
    AuditAction.AGENT_REVOKED: sentence("Revoked the agent"),
    AuditAction.CONTAINERS_READ: sentence("Looked at the containers of"),
    AuditAction.CONTAINERS_ADOPTED: sentence("Made a project of the containers of"),
    AuditAction.AGENT_INSTALLATION_REQUESTED: sentence("Requested the installation of the agent"),
    AuditAction.AGENT_REMOVAL_REQUESTED: sentence("Requested the removal of the agent"),
    AuditAction.AGENT_UPDATE_REQUESTED: sentence("Requested the update of the agent"),
    AuditAction.HOST_KEY_CONFIRMED: sentence("Confirmed the host key"),
    AuditAction.HOST_KEY_FORGOTTEN: sentence("Forgot the host key and any login"),
    AuditAction.ENROLMENT_TOKEN_CREATED: sentence("Created an enrolment token"),
    AuditAction.ENROLMENT_TOKEN_DELETED: sentence("Deleted an enrolment token"),
}


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """One entry. `action` is a text because a newer version may have written it."""

    id: int
    at: datetime
    actor_id: UUID
    actor: str
    action: str
    detail: str
    project_id: UUID | None
    server_id: UUID | None
    person_id: UUID | None

    @property
    def words(self) -> str:
        """What was done, as a sentence without its subject."""
        known = ACTION_WORDS.get(AuditAction(self.action)) if self.action in set(AuditAction) else self.action
        known = known or self.action
        return sentence("{done}: {detail}", done=known, detail=self.detail) if self.detail else known
