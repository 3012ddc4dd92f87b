"""The ``claw`` program: where it is, and how it is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from .errors import ClawError, ClawNotFound, ClawUsageError

#: Bytes of standard error that are kept for messages.
STDERR_KEPT = 64 * 1024

#: Lines of standard error in a message where ``claw`` said no last word of its own.
LINES_TOLD = 20


class Program:
    """Which ``claw`` to start, in which workspace, with which environment."""

    def __init__(self, program: str | None, workspace: str, env: Mapping[str, str | None] | None) -> None:
        self.workspace = workspace
        self._program = program
        self._env = dict(env or {})

    def environment(self) -> dict[str, str]:
        """This process's variables, with those of ``env`` over them; ``None`` takes one away."""
        merged: dict[str, str | None] = {**os.environ, **self._env}
        return {name: value for name, value in merged.items() if value is not None}

    def path(self) -> str:
        """The program that was named, else the one that ``CLAW_PROGRAM`` names, else ``claw`` along ``PATH``."""
        environment = self.environment()
        named = self._program or environment.get("CLAW_PROGRAM") or "claw"
        found = shutil.which(named, path=environment.get("PATH"))
        if found is None:
            raise ClawNotFound(
                f"there is no program `{named}`: install claw (cargo install --path .), and put it on PATH, "
                "name it in CLAW_PROGRAM, or pass Agent(program=...)"
            )
        return found

    def options(self) -> dict[str, Any]:
        """How every ``claw`` is started. It gets a session of its own, so that a Ctrl-C in the terminal reaches it once
        and by way of this process: a second one would end it before it has put its session in order."""
        return {"env": self.environment(), "start_new_session": sys.platform != "win32"}

    def ask(self, arguments: Sequence[str]) -> dict[str, Any]:
        """Runs a command to its end and reads the JSON object that it prints."""
        try:
            ran = subprocess.run(
                [self.path(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False, **self.options()
            )
        except OSError as error:
            not_started(error)
        return answer(ran.returncode, ran.stdout, ran.stderr)


def not_started(error: OSError) -> NoReturn:
    """Raises what it means that the system could not start the program."""
    raise ClawNotFound(f"claw can not be started: {error}") from error


def answer(exit_code: int, stdout: bytes, stderr: bytes) -> dict[str, Any]:
    """The JSON object that a command printed."""
    if exit_code != 0:
        raise failure(exit_code, stderr)
    try:
        told = json.loads(stdout)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ClawError("claw answered with what is no JSON object: is it of another version?", exit_code=exit_code)
    return told


def failure(exit_code: int, stderr: bytes) -> ClawError:
    """The error that an exit code and what was said with it mean."""
    said = stderr[-STDERR_KEPT:].decode("utf-8", "replace")
    how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    message = last_words(said) or f"claw {how} and said nothing"
    kind = ClawUsageError if exit_code == 2 else ClawError
    return kind(message, exit_code=exit_code, stderr=said)


def last_words(said: str) -> str:
    """What ``claw`` said in the end: ``claw: …`` about the task at hand, ``error: …`` about arguments."""
    lines: list[str] = said.rstrip().split("\n")
    for index in range(len(lines) - 1, -1, -1):
        for mark in ("claw: ", "error: "):
            if lines[index].startswith(mark):
                return "\n".join([lines[index][len(mark) :], *lines[index + 1 :]])
    return "\n".join(lines[-LINES_TOLD:])
