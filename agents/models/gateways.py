"""Gateway processes that listen for agents."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class GatewayPresence(models.Model):
    """One gateway process. Whether an agent is silent can only be told while somebody listens."""

    id = models.UUIDField(primary_key=True, editable=False)
    listening_since = models.DateTimeField(
        help_text=_("Start of the time without a gap in which it could hear agents.")
    )
    last_seen_at = models.DateTimeField()

    class Meta:
        db_table = "agent_gateways"
        indexes = [models.Index(fields=["last_seen_at"], name="gateways_by_last_seen")]

    def __str__(self) -> str:
        return f"gateway {str(self.id)[:8]}"
