"""The feed: every note with its address, newest first."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Note:
    title: str
    written: date


def address(note: Note) -> str:
    """Where a note lives: `/2026/11/hello-world/`."""
    slug = note.title.lower().replace(" ", "-")
    return f"/{note.written:%Y/%m}/{slug}/"


def entries(notes: list[Note]) -> list[tuple[str, str]]:
    """Title and address of each note, newest first."""
    newest_first = sorted(notes, key=lambda note: note.written, reverse=True)
    return [(note.title, address(note)) for note in newest_first]
