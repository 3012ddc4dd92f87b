"""What a session proposes: files and their hunks, as the last ``proposal`` event of a run shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hunk:
    """One change that can be applied by itself."""

    #: Its id, stable while the hunk means the same.
    id: str
    #: ``pending``, ``accepted``, ``rejected``, ``conflict`` or ``unverified``.
    state: str
    #: First line of the old text in the file, counted from 1.
    start_line: int
    old_text: str
    new_text: str
    #: The names of what it stands in, joined by dots.
    symbol: str | None = None
    summary: str | None = None
    #: What to look at before applying it: ``protected``, ``hidden_characters``, ``syntax``.
    flags: tuple[str, ...] = ()
    #: Ids of hunks without which this one makes no sense.
    needs: tuple[str, ...] = ()

    @property
    def needs_own_yes(self) -> bool:
        """Whether it is applied only where it is named: its path is protected, or it holds what can not be seen."""
        return "protected" in self.flags or "hidden_characters" in self.flags


@dataclass(frozen=True)
class ProposedFile:
    """One file of a proposal."""

    #: Relative to the workspace.
    path: str
    uri: str
    #: ``edit``, ``create``, ``delete`` or ``rename``.
    change: str
    hunks: tuple[Hunk, ...]
    #: Where a renamed file is now.
    old_uri: str | None = None


def files_of(event: Mapping[str, Any]) -> tuple[ProposedFile, ...]:
    """The files of a ``proposal`` event."""
    return tuple(
        ProposedFile(
            path=str(file.get("path") or file.get("uri", "")),
            uri=str(file.get("uri", "")),
            change=str(file.get("change", "")),
            hunks=_hunks_of(file.get("hunks") or ()),
            old_uri=file.get("old_uri"),
        )
        for file in event.get("files") or ()
    )


def _hunks_of(hunks: Iterable[Mapping[str, Any]]) -> tuple[Hunk, ...]:
    return tuple(
        Hunk(
            id=str(hunk.get("hunk", "")),
            state=str(hunk.get("state", "")),
            start_line=int(hunk.get("start_line", 0)),
            old_text=str(hunk.get("old_text", "")),
            new_text=str(hunk.get("new_text", "")),
            symbol=hunk.get("symbol"),
            summary=hunk.get("summary"),
            flags=tuple(hunk.get("flags") or ()),
            needs=tuple(hunk.get("needs") or ()),
        )
        for hunk in hunks
    )
