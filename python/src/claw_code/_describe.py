"""Events in one line each, in the words of the Rust library.

The source of these rules is ``src/event/description.rs``; both are held to ``tests/descriptions.jsonl``.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any, Callable

Fields = Mapping[str, Any]

#: Characters that a quoted piece of text may have.
QUOTE = 100

#: White space as Unicode has it. Python's own ``strip`` also takes separators such as U+001C.
_WHITE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

#: What reorders text on a screen.
_REORDERS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

#: The arguments of a call that tell most, the most telling first.
_TELLING = ("path", "from", "pattern", "symbol", "query", "command", "url", "glob", "question", "description")

_ENVELOPE = frozenset({"v", "session", "turn", "seq", "time", "type"})


def describe(fields: Fields) -> str:
    """One line without control characters. An event of another shape than expected is told by its fields as JSON."""
    told = _KINDS.get(fields.get("type", ""))
    if told is not None:
        try:
            return told(fields)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            pass
    rest = {name: value for name, value in fields.items() if name not in _ENVELOPE}
    return _quote(json.dumps(rest, ensure_ascii=False)) if rest else ""


def _context(fields: Fields) -> str:
    included = [section["name"] for section in fields["sections"] if section["included"]]
    left_out = len(fields["sections"]) - len(included)
    rest = f"; {left_out} left out" if left_out else ""
    return f"about {fields['tokens']} tokens: {', '.join(included)}{rest}"


def _model_response(fields: Fields) -> str:
    parts: list[str] = []
    if fields["text"].strip(_WHITE):
        parts.append(_quote(fields["text"]))
    if fields["tool_calls"]:
        parts.append(_count(len(fields["tool_calls"]), "tool call"))
    stopped = {
        "length": "cut at the output limit",
        "content_filter": "stopped by the provider's content filter",
        "unknown": "stopped for an unknown reason",
    }.get(fields["stop_reason"])
    if stopped:
        parts.append(stopped)
    return "; ".join(parts) or "nothing"


def _plan(fields: Fields) -> str:
    items = fields["items"]
    done = sum(item["status"] == "done" for item in items)
    now = next((f": {_quote(item['text'])}" for item in items if item["status"] == "active"), "")
    return f"{done} of {len(items)} done{now}"


def _mcp(fields: Fields) -> str:
    servers = fields["servers"]
    tools = sum(len(server.get("tools", [])) for server in servers)
    failed = [
        f", {_clean(server['server'])} does not run: {_quote(server.get('error') or '')}"
        for server in servers
        if not server["ok"]
    ]
    return f"{_count(tools, 'tool')} of {_count(len(servers), 'MCP server')}{''.join(failed)}"


def _permission(fields: Fields) -> str:
    decision = {"allow": "allowed", "deny": "denied"}[fields["decision"]]
    by = {
        "mode": "by the permission mode",
        "rule": "by rule",
        "user": "by the user",
        "timeout": "because nobody answered",
    }[fields["by"]]
    rule = "" if fields.get("rule") is None else f" {_quote(fields['rule'])}"
    return f"{_call(fields)} {decision} {by}{rule}"


def _tool_result(fields: Fields) -> str:
    # As Rust has it, lines end at a newline, and one that ends the text begins no other.
    lines = [line for line in fields["output"].split("\n") if line.strip(_WHITE)]
    # The number of an empty line says nothing.
    telling = [line for line in lines if any(map(str.isalpha, line))]
    first = (telling or lines or [""])[0]
    failed = "" if fields["ok"] else " failed"
    return f"{_clean(fields['tool'])}{failed}: {_quote(first)}"


def _check(fields: Fields) -> str:
    if fields.get("not_run"):
        outcome = "was not run"
    elif fields["ok"]:
        outcome = "passed"
    elif fields.get("before") and fields.get("untold"):
        outcome = "failed, as before"
    else:
        outcome = "failed"
    return f"{_quote(fields['command'])} {outcome}"


def _proposal(fields: Fields) -> str:
    files = fields["files"]
    if not files:
        return "no changes"
    hunks = [hunk for file in files for hunk in file["hunks"]]
    in_conflict = sum(hunk["state"] == "conflict" for hunk in hunks)
    conflicts = f", {in_conflict} in conflict" if in_conflict else ""
    changes = {"edit": "", "create": " (new)", "delete": " (deleted)", "rename": " (renamed)"}
    names = [f"{_clean(file.get('path') or file['uri'])}{changes[file['change']]}" for file in files]
    return f"{_count(len(hunks), 'hunk')} in {_count(len(files), 'file')}{conflicts}: {_quote(', '.join(names))}"


def _review(fields: Fields) -> str:
    decision = {"conflict": "in conflict"}.get(fields["decision"], fields["decision"])
    unverified = "" if fields["verified"] else ", not seen in the text"
    return f"hunk {_clean(fields['hunk'])} {decision} by {_clean(fields['by'])}{unverified}"


def _turn_end(fields: Fields) -> str:
    status = {"limit": "stopped at a limit"}.get(fields["status"], fields["status"])
    tokens = fields["usage"]["input"] + fields["usage"]["output"]
    cost = "" if fields.get("cost") is None else f", ${fields['cost']:.4f}"
    requests = _count(fields["steps"], "model request")
    return f"{status} after {requests}, {tokens} tokens{cost}, {fields['duration_ms']} ms"


def _call(fields: Fields) -> str:
    """``read_file src/main.rs``: the tool, and the argument that tells most."""
    given = fields["input"] if isinstance(fields["input"], dict) else {}
    for name in _TELLING:
        if isinstance(given.get(name), str):
            return f"{_clean(fields['tool'])} {_quote(given[name])}"
    return _clean(fields["tool"])


_KINDS: dict[str, Callable[[Fields], str]] = {
    "turn_start": lambda fields: _quote(fields["task"]),
    "mcp": _mcp,
    "context": _context,
    "model_request": lambda fields: f"request {fields['request']}, about {fields['tokens_estimate']} tokens",
    "text": lambda fields: _quote(fields["delta"]),
    "reasoning": lambda fields: _quote(fields["delta"]),
    "tool_output": lambda fields: _quote(fields["delta"]),
    "model_response": _model_response,
    "plan": _plan,
    "permission": _permission,
    "tool_call": _call,
    "tool_result": _tool_result,
    "check": _check,
    "proposal": _proposal,
    "review": _review,
    "compaction": lambda fields: f"history from {fields['tokens_before']} to {fields['tokens_after']} tokens",
    "steer": lambda fields: _quote(fields["message"]),
    "error": lambda fields: f"{_clean(fields['code'])}: {_quote(fields['message'])}",
    "turn_end": _turn_end,
}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _quote(text: str) -> str:
    """One line of at most :data:`QUOTE` characters."""
    words = " ".join(_clean(text).split())
    return words if len(words) <= QUOTE else words[:QUOTE] + "…"


def _clean(text: str) -> str:
    """Without characters that steer a terminal or reorder text."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character in "\n\t\r":
        return " "
    if character in _REORDERS or unicodedata.category(character) == "Cc":
        return "\ufffd"
    return character
