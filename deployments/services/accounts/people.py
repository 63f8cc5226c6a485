"""People who can sign in: created by administrators, who hand them a link to choose their own password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.list_types import Page, PageRequest
from deployments.data.sharing_types import LinkRecord, PersonRecord
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.repositories import users
from deployments.repositories.people import link_rows
from deployments.services.audit.record import names_in, record
from deployments.types import Caller

NO_LINK = "This link is not valid: it was used, replaced, or has ended. Ask an administrator for a new one."
MAX_PASSWORD = 4096


def create_person(
    *, caller: Caller, name: str, email: str, administrator: bool, at: datetime
) -> tuple[LinkRecord, str]:
    """Create a person without a password, and the link with which they choose one; its text is in the answer alone.

    For administrators. Opens its own transaction. Raises Forbidden, Invalid naming the field, or Conflict when the name
    is taken.
    """
    _require_administrator(caller)
    _check(UnicodeUsernameValidator(), name, field="username")
    if email:
        _check(validate_email, email, field="email")
    try:
        with transaction.atomic():
            user = users.add(user_id=uuid4(), name=name, email=email, administrator=administrator)
            detail = f"{name}{', an administrator' if administrator else ''}"
            record(by=caller, action=AuditAction.PERSON_CREATED, detail=detail, person_id=user.pk)
            return link_rows.add(created_by=caller.user_id, at=at, user_id=user.pk)
    except IntegrityError as error:
        raise Conflict(
            sentence("There is a person of this name already."), details={"username": sentence("taken")}
        ) from error


def _check(check: Callable[[str], object], value: str, *, field: str) -> None:
    try:
        check(value)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), details={field: sentence("not valid")}) from error


def list_people(*, caller: Caller, page: int = 1, limit: int = 20) -> Page[PersonRecord]:
    """Return everybody who was not deleted, by name. Raises Forbidden for others than administrators."""
    _require_administrator(caller)
    wanted = PageRequest(page=page, limit=limit)
    found, total = users.page(number=wanted.page, limit=wanted.limit)
    return Page(items=found, page=wanted.page, limit=wanted.limit, total=total)


def get_person(*, caller: Caller, user_id: UUID) -> PersonRecord:
    """Return a person to themselves and to administrators. Raises NotFound, also for who may not know."""
    user = users.find(user_id=user_id)
    if user is None or user.deleted_at is not None or not (caller.sees_everything or caller.user_id == user_id):
        raise NotFound(sentence("No such person."))
    return users.person_record(user)


def change_person(
    *, caller: Caller, user_id: UUID, email: str | None, active: bool | None, administrator: bool | None
) -> PersonRecord:
    """Change what is given of a person; who is disabled is out at once, and their API tokens end.

    For administrators, and never to their own rights. Opens its own transaction. Raises Forbidden, Invalid, NotFound or
    Conflict.
    """
    _require_administrator(caller)
    if email:
        _check(validate_email, email, field="email")
    if user_id == caller.user_id and (active is False or administrator is False):
        raise Conflict(sentence("You cannot take your own access away. Ask another administrator."))
    wanted = {"email": email, "is_active": active, "is_superuser": administrator}
    with transaction.atomic():
        user = users.lock(user_id=user_id)
        if user is None or user.deleted_at is not None:
            raise NotFound(sentence("No such person."))
        changed = {name: value for name, value in wanted.items() if value not in (None, getattr(user, name))}
        for name, value in changed.items():
            setattr(user, name, value)
        if changed:
            user.save()
            said = names_in(f"{name} {_said(value)}" for name, value in changed.items())
            detail = f"{user.get_username()}: {said}"
            record(by=caller, action=AuditAction.PERSON_CHANGED, detail=detail, person_id=user_id)
    return users.person_record(user)


def _said(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def create_password_link(*, caller: Caller, user_id: UUID, at: datetime) -> tuple[LinkRecord, str]:
    """Make a link with which a person chooses a new password; earlier ones end, the old password works until then.

    For administrators. Opens its own transaction. Raises Forbidden, NotFound, or Conflict for a disabled account.
    """
    _require_administrator(caller)
    user = users.find(user_id=user_id)
    if user is None:
        raise NotFound(sentence("No such person."))
    if not user.is_active:
        raise Conflict(sentence("The account is disabled. Enable it first."))
    with transaction.atomic():
        record(by=caller, action=AuditAction.LINK_CREATED, detail="to choose a password", person_id=user_id)
        return link_rows.add(created_by=caller.user_id, at=at, user_id=user_id)


def _require_administrator(caller: Caller) -> None:
    if not caller.sees_everything:
        raise Forbidden(sentence("Only administrators manage people."))


def look_at_password_link(*, text: str, at: datetime) -> LinkRecord:
    """Return whose password the link is for, without using it. Raises NotFound."""
    found = link_rows.find(text=text, at=at)
    if found is None or found.user_id is None:
        raise NotFound(NO_LINK)
    return found


def choose_password(*, text: str, password: str, at: datetime) -> LinkRecord:
    """Store the password that the link's person chose, and end the link, their sessions and their API tokens.

    Opens its own transaction. Raises NotFound, or Invalid with what is wrong with the password; the link is good
    still then.
    """
    with transaction.atomic():
        taken = link_rows.take(text=text, at=at)
        user = users.find(user_id=taken.user_id) if taken is not None and taken.user_id is not None else None
        if taken is None or user is None or not user.is_active:
            raise NotFound(NO_LINK)
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise Invalid(" ".join(error.messages), details={"password": sentence("not strong enough")}) from error
        user.set_password(password)
        user.save()
        person = Caller(user_id=user.pk, name=user.get_username())
        record(by=person, action=AuditAction.LINK_USED, detail="chose a password", person_id=user.pk)
    return taken
