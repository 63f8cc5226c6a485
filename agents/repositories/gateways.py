"""Which gateway processes listen, and which agents none of them has heard."""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from agents.models import CommandRecord, GatewayPresence
from agents.states import OPEN

# A gateway that has not been heard of for longer is gone, or was cut off from the database: its listening begins anew.
GAP = timedelta(seconds=15)
KEPT = timedelta(days=1)

_BEAT = """
INSERT INTO agent_gateways AS gateway (id, listening_since, last_seen_at) VALUES (%s, now(), now())
ON CONFLICT (id) DO UPDATE SET last_seen_at = now(),
    listening_since = CASE WHEN gateway.last_seen_at < now() - %s THEN now() ELSE gateway.listening_since END
"""


def beat(*, gateway_id: UUID) -> None:
    """This gateway listens now. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, [gateway_id, GAP])


def forget_old() -> None:
    """Drop the rows of processes that ended long ago."""
    GatewayPresence.objects.filter(last_seen_at__lt=Now() - KEPT).delete()


def deployments_unheard_for(*, silence: timedelta) -> tuple[UUID, ...]:
    """Deployments with an open command whose agent was not heard for this long, by the database's clock.

    Empty until a gateway has listened without a gap for as long: nobody is silent where nobody listens.
    """
    listening = GatewayPresence.objects.filter(last_seen_at__gt=Now() - GAP, listening_since__lt=Now() - silence)
    if not listening.exists():
        return ()
    unheard = Q(agent__last_seen_at__isnull=True) | Q(agent__last_seen_at__lt=Now() - silence)
    gone = unheard | Q(agent__revoked_at__isnull=False)
    commands = CommandRecord.objects.filter(gone, status__in=sorted(OPEN))
    return tuple(commands.values_list("deployment_id", flat=True).distinct())
