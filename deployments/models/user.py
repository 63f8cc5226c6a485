"""Who signs in. The id is a UUID because the platform's other services name users by one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken


class User(AbstractUser):
    """An operator, here or in the platform's auth service: both by the same id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The row stays: history goes on naming who did what.
    deleted_at = models.DateTimeField(null=True, editable=False)
    language = models.CharField(
        max_length=8,
        default="",
        db_default="",
        blank=True,
        help_text=_("Of pages and messages; empty for the browser's."),
    )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """API tokens end with the password they were made under, and with the account."""
        # Set by `set_password` until the row is saved; a stronger hash of the same password leaves it empty.
        new_password = getattr(self, "_password", None) is not None or not self.has_usable_password()
        ends = not self._state.adding and (new_password or not self.is_active)
        with transaction.atomic():
            super().save(*args, **kwargs)
            if ends:
                AuthToken.objects.filter(user=self).delete()

    class Meta(AbstractUser.Meta):
        db_table = "users"
