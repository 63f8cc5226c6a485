"""REST for people and groups of people, for administrators."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.requests import PageQuery
from deployments.api.schemas.responses import PaginationOut
from deployments.api.schemas.team_schemas import (
    GroupIn,
    GroupOut,
    OwnedOut,
    PasswordLinkOut,
    PersonChangeIn,
    PersonDeletionIn,
    PersonIn,
    PersonOut,
)
from deployments.data.sharing_types import LinkRecord, PersonRecord
from deployments.event_types import epoch_ms
from deployments.roles import GroupRecord
from deployments.services.accounts import groups, people
from deployments.services.ends import person_deletion
from deployments.wire import pagination_shape

TAG = "people"
PersonAnswer = enveloped_data("PersonAnswer", person=PersonOut())
GroupAnswer = enveloped_data("GroupAnswer", group=GroupOut())


class People(BaseView):
    fresh = ("POST",)

    @documented(
        "listPeople",
        "List everybody who has an account, by name; for administrators",
        tag=TAG,
        query=PageQuery,
        answers={200: enveloped_data("PeopleAnswer", people=PersonOut(many=True), pagination=PaginationOut())},
    )
    def get(self, request: Request) -> Response:
        page = people.list_people(caller=self.caller, **validated(PageQuery, request.query_params))
        shapes = [person_shape(each) for each in page.items]
        return success({"data": {"people": shapes, "pagination": pagination_shape(page)}})

    @documented(
        "addPerson",
        "Add a person, and get the link with which they choose a password; for administrators",
        tag=TAG,
        takes=PersonIn,
        answers={201: enveloped_data("NewPersonAnswer", person=PersonOut(), link=PasswordLinkOut())},
        key=True,
    )
    @idempotent(keep=False)
    def post(self, request: Request) -> Response:
        body = validated(PersonIn, request.data)
        made, text = people.create_person(
            caller=self.caller,
            name=body["name"],
            email=body["email"],
            administrator=body["administrator"],
            at=timezone.now(),
        )
        assert made.user_id is not None, "a link of a person"
        person = people.get_person(caller=self.caller, user_id=made.user_id)
        shape = {"person": person_shape(person), "link": password_link_shape(request, made, text)}
        return success({"data": shape}, status=201, location=reverse("api-person", args=[person.id]))


class Person(BaseView):
    @documented(
        "getPerson", "Get a person: yourself, or anybody for administrators", tag=TAG, answers={200: PersonAnswer}
    )
    def get(self, request: Request, person_id: UUID) -> Response:
        found = people.get_person(caller=self.caller, user_id=person_id)
        return success({"data": {"person": person_shape(found)}})

    @documented(
        "changePerson",
        "Disable or enable a person, make them an administrator, change the e-mail address; for administrators",
        tag=TAG,
        takes=PersonChangeIn,
        answers={200: PersonAnswer},
    )
    def patch(self, request: Request, person_id: UUID) -> Response:
        body = validated(PersonChangeIn, request.data)
        given = {name: body.get(name) for name in ("email", "active", "administrator")}
        changed = people.change_person(caller=self.caller, user_id=person_id, **given)
        return success({"data": {"person": person_shape(changed)}})


class PasswordLink(BaseView):
    fresh = ("POST",)

    @documented(
        "createPasswordLink",
        "Create a link with which a person chooses a new password; earlier ones end; for administrators",
        tag=TAG,
        answers={201: enveloped_data("PasswordLinkAnswer", link=PasswordLinkOut())},
        key=True,
    )
    @idempotent(keep=False)
    def post(self, request: Request, person_id: UUID) -> Response:
        made, text = people.create_password_link(caller=self.caller, user_id=person_id, at=timezone.now())
        return success({"data": {"link": password_link_shape(request, made, text)}}, status=201)


class PersonDeletion(BaseView):
    fresh = ("POST",)

    @documented(
        "getPersonDeletion",
        "Get what somebody else would have to take over from a person; for administrators",
        tag=TAG,
        answers={200: enveloped_data("OwnedAnswer", owned=OwnedOut())},
    )
    def get(self, request: Request, person_id: UUID) -> Response:
        owned = person_deletion.owned_by(caller=self.caller, user_id=person_id)
        shape = {"projects": owned.projects, "servers": owned.servers, "clusters": owned.clusters}
        return success({"data": {"owned": {name: list(names) for name, names in shape.items()}}})

    @documented(
        "deletePerson",
        "Delete a person by their whole name; what they own goes to the heir; history keeps their name",
        tag=TAG,
        takes=PersonDeletionIn,
        answers={204: None},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, person_id: UUID) -> Response:
        body = validated(PersonDeletionIn, request.data)
        person_deletion.delete_person(
            caller=self.caller,
            user_id=person_id,
            typed_name=body["name"],
            heir=body["heir"],
            at=timezone.now(),
        )
        return Response(status=204)


class Groups(BaseView):
    @documented(
        "listGroups",
        "List the groups of people, by name; for administrators",
        tag=TAG,
        answers={200: enveloped_data("GroupsAnswer", groups=GroupOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        found = groups.list_groups(caller=self.caller)
        return success({"data": {"groups": [people_group_shape(each) for each in found]}})

    @documented(
        "addGroup",
        "Add a group of people; projects give it a role; for administrators",
        tag=TAG,
        takes=GroupIn,
        answers={201: GroupAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        made = saved(self, request, group_id=uuid4())
        return success({"data": {"group": people_group_shape(made)}}, status=201)


class Group(BaseView):
    @documented("getGroup", "Get a group of people; for administrators", tag=TAG, answers={200: GroupAnswer})
    def get(self, request: Request, group_id: UUID) -> Response:
        found = groups.get_group(caller=self.caller, group_id=group_id)
        return success({"data": {"group": people_group_shape(found)}})

    @documented(
        "changeGroup",
        "Give a group this name and exactly these people; who leaves loses what it gave them; for administrators",
        tag=TAG,
        takes=GroupIn,
        answers={200: GroupAnswer},
    )
    def put(self, request: Request, group_id: UUID) -> Response:
        groups.get_group(caller=self.caller, group_id=group_id)
        return success({"data": {"group": people_group_shape(saved(self, request, group_id=group_id))}})

    @documented(
        "deleteGroup", "Delete a group with its roles in all projects; for administrators", tag=TAG, answers={204: None}
    )
    def delete(self, request: Request, group_id: UUID) -> Response:
        groups.delete_group(caller=self.caller, group_id=group_id, at=timezone.now())
        return Response(status=204)


def saved(view: BaseView, request: Request, *, group_id: UUID) -> GroupRecord:
    body = validated(GroupIn, request.data)
    return groups.save_named(
        caller=view.caller, group_id=group_id, name=body["name"], people=body["people"], at=timezone.now()
    )


def person_shape(person: PersonRecord) -> dict[str, Any]:
    return {
        "id": str(person.id),
        "name": person.name,
        "email": person.email,
        "active": person.active,
        "administrator": person.administrator,
        "joinedAt": epoch_ms(person.joined_at),
        "lastLoginAt": epoch_ms(person.last_login_at),
    }


def password_link_shape(request: Request, link: LinkRecord, text: str) -> dict[str, Any]:
    address = request.build_absolute_uri(reverse("choose-password", args=[text]))
    return {"address": address, "expiresAt": epoch_ms(link.expires_at)}


def people_group_shape(group: GroupRecord) -> dict[str, Any]:
    return {"id": str(group.id), "name": group.name, "people": list(group.members)}
