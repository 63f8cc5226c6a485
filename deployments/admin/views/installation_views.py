"""The page that installs a server's agent by SSH: where and as whom, the host key to confirm, each step as it goes."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from agents.admin.install import gateway_url
from agents.models import Server
from agents.wording.pages import lazy, shown
from deployments.admin.own_forms import show_refusal
from deployments.admin.ownership import caller_in, or_404, uncached_json
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.data.installation_types import (
    ENDED,
    InstallationAction,
    InstallationRequest,
    ServerAccess,
    SshAddress,
    SshLogin,
)
from deployments.errors import DeployError, Invalid
from deployments.services.fleet import machine_list
from deployments.services.installations import installation_requests
from deployments.services.installations.installation_shapes import installation_shape
from deployments.types import Caller

PAGE = "admin/agents/install.html"
# Fields of the form by the names that the use case knows them by.
FIELDS = {"privateKey": "private_key", "sudoPassword": "sudo_password", "hostKey": "host_key", "gatewayUrl": "gateway"}


def text(**attributes: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "ax-input", "autocomplete": "off", **attributes})


def secret() -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"class": "ax-input", "autocomplete": "new-password"})


class SecretArea(forms.Textarea):
    """Never sends back what was typed, as fields for passwords do."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        del value
        context: dict[str, Any] = super().get_context(name, None, attrs)
        return context


class InstallForm(forms.Form):
    """Never shown again with what was typed as a secret."""

    host = forms.CharField(
        label=lazy("Host"), max_length=255, widget=text(), help_text=lazy("Host name or address for SSH.")
    )
    port = forms.IntegerField(
        label=lazy("Port"), min_value=1, max_value=65535, widget=forms.NumberInput(attrs={"class": "ax-input"})
    )
    username = forms.CharField(
        max_length=100, label=lazy("User"), widget=text(), help_text=lazy("root, or a user who may use sudo.")
    )
    password = forms.CharField(label=lazy("Password"), max_length=1024, required=False, strip=False, widget=secret())
    private_key = forms.CharField(
        label=lazy("Private key"),
        max_length=32 * 1024,
        required=False,
        strip=False,
        widget=SecretArea(attrs={"class": "ax-input ax-tall", "rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=lazy("Instead of a password. OpenSSH or PEM."),
    )
    passphrase = forms.CharField(
        label=lazy("Passphrase"),
        max_length=1024,
        required=False,
        strip=False,
        widget=secret(),
        help_text=lazy("If the private key has one."),
    )
    sudo_password = forms.CharField(
        max_length=1024, required=False, strip=False, widget=secret(), label=lazy('Password for sudo'),
        help_text=lazy('If it is not the password above.'),
    )  # fmt: skip
    host_key = forms.CharField(
        max_length=100,
        required=False,
        label=lazy("Expected host key"),
        widget=text(placeholder="SHA256:…"),
        help_text=lazy("If you know it: nothing is sent to any other. Otherwise you will be asked to confirm the key."),
    )
    gateway = forms.CharField(
        max_length=300,
        label=lazy("Gateway"),
        widget=text(),
        help_text=lazy("The agent gateway's address, as the server reaches it."),
    )
    install_docker = forms.BooleanField(
        required=False,
        label=lazy("Install Docker and Compose if they are missing"),
        help_text=lazy("On Debian and Ubuntu."),
    )
    keep_login = forms.BooleanField(
        required=False,
        label=lazy("Keep the login for next time"),
        help_text=lazy("Encrypted. Otherwise it is deleted when the installation ends."),
    )
    replace = forms.BooleanField(
        required=False,
        label=lazy("Replace the connected agent"),
        help_text=lazy("Needed only if an agent is already connected."),
    )


def install_page(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Show how the installation goes and the form for the next one; by POST, request it."""
    caller = caller_in(request)
    server = or_404(machine_list.get_server, caller=caller, server_id=server_id)
    access = installation_requests.get_access(caller=caller, server_id=server_id)
    usual = installation_requests.default_address(
        host=server.host, port=server.port, username=server.username, access=access
    )
    form = InstallForm(
        request.POST if request.method == "POST" else None,
        initial={"host": usual.host, "port": usual.port, "username": usual.username, "gateway": gateway_url(request)},
    )
    form.fields["password"].help_text = (
        gettext("Leave empty to use the stored login.") if access and access.has_login else ""
    )
    if request.method == "POST" and form.is_valid() and _request(request, caller, server_id, form):
        return redirect("admin:agents_server_install", server_id)
    return _page(request, caller, of=Server(pk=server.id, name=server.name), form=form, access=access)


def _page(
    request: HttpRequest, caller: Caller, *, of: Server, form: InstallForm, access: ServerAccess | None
) -> HttpResponse:
    listed = installation_requests.list_installations(caller=caller, server_id=of.pk)
    address = {
        "state": reverse("admin:agents_server_installation", args=[of.pk]),
        "socket": f"/ws/servers/{of.pk}/",
        "server": reverse("admin:agents_server_overview", args=[of.pk]),
    }
    return render_page(
        request,
        PAGE,
        title=gettext("Install the agent on {of}").format(of=of.name),
        of=of,
        form=form,
        access=access,
        earlier=[each for each in listed if each.state in ENDED],
        state={"installation": installation_shape(listed[0]) if listed else None, "address": address},
    )


def _request(request: HttpRequest, caller: Caller, server_id: UUID, form: InstallForm) -> bool:
    """Request the posted installation; False when the form has to say what is wrong with it."""
    given, do = form.cleaned_data, request.POST.get("do", "")
    if do not in set(InstallationAction):
        form.add_error(None, shown(unknown_action().message))
        return False
    wanted = InstallationRequest(
        action=InstallationAction(do),
        address=SshAddress(host=given["host"], port=given["port"], username=given["username"]),
        login=SshLogin(**{name: given[name] for name in ("password", "private_key", "passphrase", "sudo_password")}),
        host_key=given["host_key"],
        install_docker=given["install_docker"],
        keep_login=given["keep_login"],
        replace=given["replace"],
        gateway_url=given["gateway"],
    )
    try:
        installation_requests.request_installation(
            caller=caller, server_id=server_id, request=wanted, installation_id=uuid4()
        )
    except Invalid as error:
        show_refusal(form, error, fields={**{name: name for name in form.fields}, **FIELDS})
        return False
    except DeployError as error:
        form.add_error(None, shown(error.message))
        return False
    return True


def installation_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Return how the newest installation goes; by POST, confirm its host key, cancel it, or forget the host key."""
    caller = caller_in(request)
    or_404(machine_list.get_server, caller=caller, server_id=object_id)
    if request.method == "POST":
        _act(request, caller, object_id)
        return redirect("admin:agents_server_install", object_id)
    listed = installation_requests.list_installations(caller=caller, server_id=object_id)
    return uncached_json({"installation": installation_shape(listed[0]) if listed else None})


def _act(request: HttpRequest, caller: Caller, server_id: UUID) -> None:
    """Do what was posted; the next page says what became of it."""
    do = request.POST.get("do", "")
    try:
        if do == "forget":
            if installation_requests.forget_access(caller=caller, server_id=server_id):
                forgotten = gettext("The host key was forgotten. The next installation asks you to confirm it again.")
                messages.success(request, forgotten)
            else:
                messages.info(request, gettext("No host key of this server is stored, so there is none to forget."))
            return
        installation_id = UUID(request.POST.get("installation", ""))
        if do == "confirm":
            installation_requests.confirm_host_key(
                caller=caller, installation_id=installation_id, fingerprint=request.POST.get("hostKey", "")
            )
        elif do == "cancel":
            installation_requests.cancel_installation(caller=caller, installation_id=installation_id)
        else:
            raise unknown_action()
    except ValueError:
        messages.error(request, gettext("No such installation."))
    except DeployError as error:
        show_error(request, error)
