"""What a person says of an API token, beside the row that the token library keeps of its hash."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken


class ApiToken(models.Model):
    """Name, scope and last use; owner, creation and end are the library's. A token without this row may do all."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without a constraint in the database: a version that does not know this table deletes tokens, too.
    token = models.OneToOneField(AuthToken, on_delete=models.CASCADE, related_name="terms", db_constraint=False)
    name = models.CharField(_("name"), max_length=100)
    scope = models.CharField(_("scope"), max_length=10)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_tokens"
        verbose_name_plural = _("API tokens")
        verbose_name = _("API token")

    def __str__(self) -> str:
        return self.name
