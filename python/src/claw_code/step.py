"""One step of a run: an event of the session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._describe import describe

#: Events that tell a stream piece by piece. Their whole stands in a later event, and they are in no trace.
STREAMED = frozenset({"text", "reasoning", "tool_output"})


class Step(Mapping[str, Any]):
    """An event as ``claw run --output stream-json`` prints it, readable as a mapping of its fields.

    Types that this version does not know are kept like any other.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    @property
    def type(self) -> str:
        """What happened: ``turn_start``, ``model_response``, ``tool_call``, ``proposal``, ``turn_end``, …"""
        return str(self._fields.get("type", ""))

    @property
    def description(self) -> str:
        """The event in one line, for people: the words of the Rust library's ``step.description()``."""
        return describe(self._fields)

    @property
    def raw(self) -> Mapping[str, Any]:
        """All fields, the envelope (``v``, ``session``, ``turn``, ``seq``, ``time``) included."""
        return self._fields

    @property
    def is_streamed(self) -> bool:
        """Whether it is a piece of something that is yet to come whole: such steps are in no trace."""
        return self.type in STREAMED

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Step {self.type}: {self.description}>"
