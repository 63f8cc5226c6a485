"""Why the servers of the tests are not there."""


class Unavailable(Exception):
    """The text is one sentence for people: what is missing and how to get it."""
