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


class ServerForm(Form):
    class Meta:
        model = Server
        fields = ("name", "host", "port", "username", "cluster", "privileged_allowed")

    def clean_host(self) -> Any:
        host = self.cleaned_data["host"]
        if host and not is_host(host):
            raise ValidationError(gettext("This is no host name and no IP address."), code="invalid")
        return host
