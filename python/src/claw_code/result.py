"""What came of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ApplyError, ClawError
from .proposal import Hunk, ProposedFile
from .step import Step

if TYPE_CHECKING:
    from ._program import Program


@dataclass(frozen=True)
class Usage:
    """Tokens as the provider counted them."""

    input: int = 0
    output: int = 0
    #: The part of ``input`` that came from the provider's cache.
    cached: int = 0
    #: The part of ``input`` that was put into it, where the provider tells.
    cache_write: int = 0

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Usage:
        """From the ``usage`` of an event."""
        return cls(*(int(fields.get(name) or 0) for name in ("input", "output", "cached", "cache_write")))


@dataclass(frozen=True)
class Skipped:
    """A hunk that was not written."""

    path: str
    hunk: str
    #: Why, and what to do about it.
    reason: str


@dataclass(frozen=True)
class Applied:
    """What :meth:`RunResult.apply` did."""

    #: Paths that were written, relative to the workspace.
    files: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class RunResult:
    """A turn that has ended, and what it proposes. Nothing is written before :meth:`apply`."""

    def __init__(
        self,
        *,
        program: Program,
        session: str,
        status: str,
        answer: str,
        trace: Sequence[Step],
        files: tuple[ProposedFile, ...],
        usage: Usage,
        cost: float | None,
        error: str | None,
    ) -> None:
        self._program = program
        #: The session's id, to go on with: ``agent.run(task, session=result.session)``.
        self.session = session
        #: ``done``, ``limit`` (one was reached) or ``cancelled``. A ``failed`` turn is a :class:`TurnFailed`.
        self.status = status
        #: The model's last words.
        self.answer = answer
        #: What happened, in order: the events that also stand in the session's trace file.
        self.trace: list[Step] = list(trace)
        #: What the session proposed at the end, file by file.
        self.files = files
        #: What the session proposed at the end, as a unified diff; empty where that is nothing.
        self.diff = ""
        self.usage = usage
        #: US dollars; ``None`` where what the model costs is not known, which is never zero.
        self.cost = cost
        #: What went wrong, for a status other than ``done``.
        self.error = error

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        """The hunks of all files."""
        return tuple(hunk for file in self.files for hunk in file.hunks)

    def apply(self, hunks: Sequence[Hunk | str] | None = None) -> Applied:
        """Writes what the session proposes, by ``claw sessions apply``; returns what was written and what was left.

        Each file is replaced at once or not at all, and only where it still holds the lines that a hunk replaces.
        Hunks on protected paths (such as ``.git``, ``.vscode``, ``AGENTS.md``), and those that put in characters
        which can not be seen, are left out, with the reason in :attr:`Applied.skipped`. They are written where they
        are named in ``hunks``, as is then nothing else. A session that has gone on since proposes what it proposes
        now, and not what it did then.

        Where nothing at all could be written it is an :class:`ApplyError`. It blocks; within asyncio, use
        ``await asyncio.to_thread(result.apply)``.
        """
        if hunks is not None and not hunks:
            return Applied()
        named = [hunk.id if isinstance(hunk, Hunk) else hunk for hunk in hunks or ()]
        try:
            told = self._program.ask(self._apply_arguments(named))
        except ClawError as error:
            if error.exit_code != 1:
                raise
            raise ApplyError(error.message, exit_code=1, stderr=error.stderr, result=self) from None
        skipped = (Skipped(left["path"], left["hunk"], left["reason"]) for left in told["skipped"])
        return Applied(tuple(told["applied"]), tuple(skipped))

    @property
    def _proposes(self) -> bool:
        return any(hunk.state in ("pending", "conflict") for hunk in self.hunks)

    def _apply_arguments(self, extra: Sequence[str]) -> list[str]:
        return ["sessions", "apply", "--json", "-C", self._program.workspace, self.session, *extra]

    def __repr__(self) -> str:
        return f"<RunResult {self.status}: {len(self.trace)} steps, {len(self.hunks)} hunks, session {self.session}>"
