"""Who signs in. The id is a UUID because the platform's other services name users by one."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """An operator, here or in the platform's auth service: both by the same id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta(AbstractUser.Meta):
        db_table = "users"
