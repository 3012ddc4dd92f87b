"""Where a test runs the real ``claw``: a project, and a home, state and configuration of its own.

The program is the one that ``CLAW_PROGRAM`` names, else ``claw`` along ``PATH``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from claw_code import Agent

#: The types of the contract, and those that the reference adds.
TYPES = frozenset(
    [
        "turn_start",
        "mcp",
        "context",
        "model_request",
        "text",
        "reasoning",
        "tool_output",
        "model_response",
        "plan",
        "permission",
        "tool_call",
        "tool_result",
        "check",
        "proposal",
        "review",
        "compaction",
        "steer",
        "error",
        "turn_end",
    ]
)

GREET = "def greet(name):\n    return 'Hello ' + name\n"


def says(text: str, **more: Any) -> dict[str, Any]:
    """A turn of the model that says ``text`` and ends."""
    return {"text": text, **more}


def calls(*calls: Any, **more: Any) -> dict[str, Any]:
    """A turn of the model that makes calls."""
    return {"tools": [{"name": name, "input": given} for name, given in calls], **more}


def edit(path: str, old: str, new: str) -> Any:
    """A call that replaces text."""
    return "edit_file", {"path": path, "old_string": old, "new_string": new}


def write(path: str, content: str) -> Any:
    """A call that writes a file."""
    return "write_file", {"path": path, "content": content}


#: Makes an f-string of what ``GREET`` returns.
GREETING = (
    calls(("read_file", {"path": "greet.py"})),
    calls(edit("greet.py", "'Hello ' + name", "f'Hello {name}'")),
    says("It uses an f-string now."),
)


class Case(unittest.TestCase):
    """A test with a place of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.project = self.folder / "project"
        for name in ("home", "project", "config/claw", "state"):
            (self.folder / name).mkdir(parents=True)
        self.write("greet.py", GREET)

    def write(self, name: str, content: str) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8"))

    def read(self, name: str) -> str:
        return (self.project / name).read_bytes().decode("utf-8")

    def configure(self, toml: str) -> None:
        (self.folder / "config/claw/config.toml").write_text(toml, encoding="utf-8")

    def script(self, *turns: Any) -> Path:
        path = self.folder / "turns.jsonl"
        path.write_text("\n".join(json.dumps(turn) for turn in turns), encoding="utf-8")
        return path

    def env(self) -> dict[str, str | None]:
        """Nothing of this machine's user, and nothing that names a model."""
        env: dict[str, str | None] = {
            name: None
            for name in os.environ
            if name.startswith(("CLAW_", "OPENAI_", "ANTHROPIC_")) and name != "CLAW_PROGRAM"
        }
        env.update(
            HOME=str(self.folder / "home"),
            XDG_CONFIG_HOME=str(self.folder / "config"),
            XDG_STATE_HOME=str(self.folder / "xdg-state"),
            XDG_CACHE_HOME=str(self.folder / "cache"),
            CLAW_STATE_DIR=str(self.folder / "state"),
            # Nobody listens there: what looks for a local model must not find this machine's.
            OLLAMA_HOST="http://127.0.0.1:1",
        )
        return env

    def agent(self, *turns: Any, **options: Any) -> Agent:
        """An agent whose model says these turns."""
        options.setdefault("env", self.env())
        if turns:
            options["script"] = self.script(*turns)
        return Agent(workspace=self.project, **options)

    def types(self, steps: Any) -> list[str]:
        return [step.type for step in steps]
