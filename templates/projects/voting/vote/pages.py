"""The voting page and its files."""

from pathlib import Path
from string import Template

from settings import CHOICES

STATIC = Path(__file__).parent / "static"
PAGE = Template((STATIC / "page.html").read_text())
STYLE = (STATIC / "style.css").read_bytes()
FAILED = "Your vote was not taken: the ballot box does not answer. Please try again in a moment."


def render(*, chosen: str, result_url: str, failed: bool = False) -> bytes:
    """`chosen` comes from a cookie: anything that is no known choice shows the page of a new voter."""
    label = CHOICES.get(chosen)
    notice, kind = "Pick one. You can change your mind as often as you like.", "hint"
    if failed:
        notice, kind = FAILED, "failed"
    elif label:
        notice, kind = f"You voted for {label.lower()}. Tap the other side to change it.", "done"
    pressed = {f"{key}_pressed": "true" if key == chosen else "false" for key in CHOICES}
    return PAGE.substitute(pressed, notice=notice, kind=kind, result_url=result_url).encode()
