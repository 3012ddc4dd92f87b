"""What can go wrong, each with the message of ``claw`` itself where it gave one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .result import RunResult


class ClawError(Exception):
    """``claw`` could not do what it was asked. The others derive from this one."""

    def __init__(
        self,
        message: str,
        *,
        exit_code: int | None = None,
        stderr: str = "",
        result: RunResult | None = None,
    ) -> None:
        super().__init__(message)
        #: What went wrong, and mostly what to do about it.
        self.message = message
        #: The program's exit code: negative where a signal ended it, ``None`` where it never ran.
        self.exit_code = exit_code
        #: The end of what it wrote to standard error.
        self.stderr = stderr
        #: What came of the turn until then, where there was one.
        self.result = result


class ClawNotFound(ClawError):
    """There is no ``claw`` program to start."""


class ClawUsageError(ClawError):
    """The arguments or the configuration are at fault (exit code 2): a bad value, no model, no such session."""


class TurnFailed(ClawError):
    """The turn ended as ``failed``: the model could not be reached, or refused. ``result`` has what came of it."""


class ApplyError(ClawError):
    """Nothing of what was to be applied could be written."""
