"""Drives aider's repository map as a library: reads one question a line, as JSON, and answers each with one line.

{"root", "cache": a folder, "chat": [paths], "mentioned": [paths], "idents": [words], "tokens"}
-> {"shown": {path: [lines]}, "tokens", "seconds"}

Lines count from 1. Tokens are estimated as Claw does it: bytes by four.
"""

import json
import os
import sys
import time
from pathlib import Path

# Standard output is the answers; whatever the library prints goes to the errors.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from aider import repomap  # noqa: E402

SKIPPED = {".git", "__pycache__", ".aider.tags.cache.v3", ".aider.tags.cache.v4"}


class Model:
    def token_count(self, text):
        return (len(text.encode()) + 3) // 4


class Console:
    def read_text(self, name):
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            return None

    def tool_output(self, *_):
        pass

    tool_warning = tool_error = tool_output


class Quiet:
    def __init__(self, *_):
        pass

    def step(self, *_):
        pass

    end = step


class Recorded(repomap.RepoMap):
    """Remembers which lines each tree shows."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.by_file, self.of_tree, self.now = {}, {}, {}

    def render_tree(self, abs_fname, rel_fname, lois):
        text = super().render_tree(abs_fname, rel_fname, lois)
        key = (rel_fname, tuple(sorted(lois)))
        if key not in self.by_file:
            context = self.tree_context_cache[rel_fname]["context"]
            self.by_file[key] = sorted(line + 1 for line in context.show_lines)
        self.now[rel_fname] = self.by_file[key]
        return text

    def to_tree(self, tags, chat_rel_fnames):
        self.now = {}
        text = super().to_tree(tags, chat_rel_fnames)
        self.of_tree[text] = self.now
        return text


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            yield os.path.join(folder, name)


def answer(question, maps):
    root, tokens = question["root"], question["tokens"]
    if root not in maps:
        maps.clear()
        Recorded.TAGS_CACHE_DIR = question["cache"]
        maps[root] = Recorded(
            map_tokens=tokens, root=root, main_model=Model(), io=Console(), map_mul_no_files=1, refresh="always"
        )
    map_of = maps[root]
    chat = {os.path.join(root, name) for name in question["chat"]}
    others = [name for name in files(root) if name not in chat]
    start = time.perf_counter()
    text = map_of.get_repo_map(chat, others, set(question["mentioned"]), set(question["idents"])) or ""
    took = time.perf_counter() - start
    return {"shown": map_of.of_tree.get(text, {}), "tokens": Model().token_count(text), "seconds": took}


repomap.Spinner = Quiet
repomap.tqdm = lambda names, **_: names
maps = {}
for line in sys.stdin:
    answers.write(json.dumps(answer(json.loads(line), maps)) + "\n")
    answers.flush()
