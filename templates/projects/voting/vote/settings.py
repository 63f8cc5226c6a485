"""What the voting page is told by its environment."""

import os
from dataclasses import dataclass

CHOICES = {"mountains": "The mountains", "sea": "The sea"}


@dataclass(frozen=True)
class Settings:
    """`result_url` is a link for the browser, so it is relative to the page that the gateway serves."""

    redis_url: str
    port: int
    result_url: str


def read_settings() -> Settings:
    """Raises KeyError with the variable's name when the connection to Redis is not given."""
    return Settings(
        redis_url=os.environ["REDIS_URL"],
        port=int(os.environ.get("PORT", "8000")),
        result_url=os.environ.get("RESULT_URL", "result/"),
    )
