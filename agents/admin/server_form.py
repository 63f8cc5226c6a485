"""The form of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from agents.models import Server
from agents.services.host_names import is_host

if TYPE_CHECKING:
    Form = forms.ModelForm[Server]
else:
    Form = forms.ModelForm


SSH_PORT = 22


class ServerForm(Form):
    class Meta:
        model = Server
        fields = ("name", "host", "port", "username", "cluster", "privileged_allowed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only an installation over SSH needs it; an agent dials in by itself.
        if "port" in self.fields:
            self.fields["port"].required = False

    def clean_port(self) -> Any:
        port = self.cleaned_data["port"]
        return SSH_PORT if port is None else port

    def clean_host(self) -> Any:
        host = self.cleaned_data["host"]
        if host and not is_host(host):
            raise ValidationError(gettext("This is neither a host name nor an IP address."), code="invalid")
        return host
