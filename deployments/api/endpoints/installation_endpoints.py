"""REST for installing and removing agents by SSH."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from agents.admin.install import gateway_url
from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.installation_schemas import HostKeyIn, InstallationIn, InstallationOut, ServerAccessOut
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    ServerAccess,
    SshAddress,
    SshLogin,
)
from deployments.services.fleet import machine_list
from deployments.services.installations import installation_requests
from deployments.services.installations.installation_shapes import access_shape, installation_shape

TAG = "machines"
InstallationAnswer = enveloped("InstallationAnswer", installation=InstallationOut())


class Installations(BaseView):
    fresh = ("POST",)

    @documented(
        "installAgent",
        "Install the server's agent by SSH, or remove it; the login is sealed, used once, and forgotten unless kept",
        tag=TAG,
        takes=InstallationIn,
        answers={202: InstallationAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, server_id: UUID) -> Response:
        body = validated(InstallationIn, request.data)
        server = machine_list.get_server(caller=self.caller, server_id=server_id)
        access = installation_requests.get_access(caller=self.caller, server_id=server_id)
        usual = installation_requests.default_address(
            host=server.host, port=server.port, username=server.username, access=access
        )
        made = installation_requests.request_installation(
            caller=self.caller,
            server_id=server_id,
            request=request_in(body, usual=usual, gateway=gateway_url(request._request)),
            installation_id=uuid4(),
        )
        return answer(made, status=202, location=reverse("api-installation", args=[made.id]))

    @documented(
        "listInstallations",
        "List the newest installations on a server, and how it is reached by SSH",
        tag=TAG,
        answers={
            200: enveloped_data(
                "InstallationsAnswer", installations=InstallationOut(many=True), access=ServerAccessOut(allow_null=True)
            )
        },
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        listed = installation_requests.list_installations(caller=self.caller, server_id=server_id)
        access = installation_requests.get_access(caller=self.caller, server_id=server_id)
        return success(
            {"data": {"installations": [installation_shape(each) for each in listed], "access": shape_of(access)}}
        )


class SshAccess(BaseView):
    fresh = ("DELETE",)

    @documented(
        "forgetSshAccess",
        "Forget the server's pinned host key and any kept login: the next installation asks again",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, server_id: UUID) -> Response:
        installation_requests.forget_access(caller=self.caller, server_id=server_id)
        return Response(status=204)


class Installation(BaseView):
    @documented("getInstallation", "Get an installation and its steps", tag=TAG, answers={200: InstallationAnswer})
    def get(self, request: Request, installation_id: UUID) -> Response:
        return answer(
            installation_requests.get_installation(caller=self.caller, installation_id=installation_id), status=200
        )


class ConfirmHostKey(BaseView):
    @documented(
        "confirmHostKey",
        "Say that the host key that was shown is the server's: it is pinned, and the installation goes on",
        tag=TAG,
        takes=HostKeyIn,
        answers={202: InstallationAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, installation_id: UUID) -> Response:
        body = validated(HostKeyIn, request.data)
        return answer(
            installation_requests.confirm_host_key(
                caller=self.caller, installation_id=installation_id, fingerprint=body["hostKey"]
            ),
            status=202,
        )


class CancelInstallation(BaseView):
    @documented(
        "cancelInstallation",
        "Cancel an installation; what was done until then stays on the server",
        tag=TAG,
        answers={202: InstallationAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, installation_id: UUID) -> Response:
        return answer(
            installation_requests.cancel_installation(caller=self.caller, installation_id=installation_id), status=202
        )


def request_in(body: Mapping[str, Any], *, usual: SshAddress, gateway: str) -> InstallationRequest:
    return InstallationRequest(
        action=InstallationAction(body.get("action", InstallationAction.INSTALL)),
        address=SshAddress(
            host=body.get("host", usual.host),
            port=body.get("port", usual.port),
            username=body.get("username", usual.username),
        ),
        login=SshLogin(
            password=body.get("password", ""),
            private_key=body.get("privateKey", ""),
            passphrase=body.get("passphrase", ""),
            sudo_password=body.get("sudoPassword", ""),
        ),
        host_key=body.get("hostKey", "").strip(),
        install_docker=body.get("installDocker", False),
        keep_login=body.get("keepLogin", False),
        replace=body.get("replace", False),
        gateway_url=body.get("gatewayUrl", gateway).strip(),
    )


def answer(record: InstallationRecord, *, status: int, location: str = "") -> Response:
    return success({"installation": installation_shape(record)}, status=status, location=location)


def shape_of(access: ServerAccess | None) -> dict[str, Any] | None:
    return None if access is None else access_shape(access)
