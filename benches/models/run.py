#!/usr/bin/env python3
"""Claw and aider on small real models, on small real edit tasks.

    python3 benches/models/run.py             12 of the tasks, Claw and aider on the 1.5B coder model: half an hour on two cores
    python3 benches/models/run.py --all       all 40
    python3 benches/models/run.py --help

A task is a file in `tasks/`: what is asked, the files it is about, and the body of a test, which nobody sees before the work is
done. Claw is run as a user runs it (`claw run --apply`), and gets no more than the text of the task. aider gets the files too.
The tasks with an odd number are those that Claw was tuned with; docs/models.md says what was seen of those with an even number.

Python, because what is measured is two programs from outside and the tasks are Python. It is never part of the tests: it fetches
gigabytes, and a model is not the same everywhere.
"""

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

import fetch

HERE = Path(__file__).resolve().parent
EDITS = ("edit_file", "write_file", "apply_patch")
# Seconds that one task may take.
PATIENCE = 300


@dataclass
class Task:
    number: int
    name: str
    ask: str
    files: dict
    test: str


@dataclass
class Outcome:
    """What came of one task."""

    passed: bool = False
    seconds: float = 0.0
    # Tokens of the first request, and of all.
    first_prompt: int = 0
    sent: int = 0
    received: int = 0
    # Replies up to the one with the edit; of them, those whose calls were all well-formed, and that gave an edit.
    replies: int = 0
    well_formed: int = 0
    gave_edit: int = 0
    # Edits that were tried, and that applied.
    edits: int = 0
    applied: int = 0
    note: str = ""


def read_tasks():
    tasks = []
    for path in sorted((HERE / "tasks").glob("*.txt")):
        number, name = path.stem.split("-", 1)
        ask, *parts = re.split(r"^=== (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        files = dict(zip(parts[::2], parts[1::2]))
        test = files.pop("test")
        tasks.append(Task(int(number), name, ask.strip(), files, test))
    return tasks


def by_default(task):
    return task.number % 10 in (1, 4, 7)


def passes(task, folder):
    """Whether the task's test passes in the folder."""
    body = "".join(f"        {line}\n" for line in task.test.splitlines())
    text = f"import unittest\n\n\nclass Test(unittest.TestCase):\n    def test(self):\n{body}"
    Path(folder, "test_of_the_task.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-B", "-m", "unittest", "-q", "test_of_the_task"]
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def run_claw(task, folder, claw, address, model, form, state):
    """Runs Claw and reads its events."""
    environment = dict(os.environ, CLAW_STATE_DIR=str(state), CLAW_CONFIG=str(Path(state, "config.toml")))
    form_line = f'tool_format = "{form}"\n' if form else ""
    settings = f'provider = "openai"\nbase_url = "{address}/v1"\nmodel = "{model}"\n{form_line}'
    settings += f"[limits]\nmodel_idle_timeout_s = {PATIENCE}\nturn_timeout_s = {PATIENCE}\nmax_steps = 8\n"
    Path(state, "config.toml").write_text(settings, encoding="utf-8")
    command = [claw, "run", "--apply", "--output", "stream-json", "-C", folder, task.ask]
    ran = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE + 60
    )
    outcome = Outcome()
    for line in ran.stdout.splitlines():
        event = json.loads(line)
        match event["type"]:
            case "model_response":
                usage = event["usage"]
                outcome.first_prompt = outcome.first_prompt or usage["input"]
                outcome.sent += usage["input"]
                outcome.received += usage["output"]
                calls = event["tool_calls"]
                if outcome.applied == 0:
                    outcome.replies += 1
                    outcome.well_formed += bool(calls) and all(is_whole(call) for call in calls)
                    outcome.gave_edit += any(call["name"] in EDITS and is_whole(call) for call in calls)
                outcome.edits += sum(call["name"] in EDITS for call in calls)
            case "tool_result":
                outcome.applied += event["tool"] in EDITS and event["ok"]
            case "turn_end":
                outcome.note = event["status"]
    if ran.returncode != 0:
        outcome.note = f"exit {ran.returncode}: {ran.stderr.strip().splitlines()[-1:]}"
    return outcome


def is_whole(call):
    try:
        return isinstance(json.loads(call["arguments"]), dict)
    except ValueError:
        return False


def run_aider(task, folder, aider, address, model, state):
    """Runs aider with its whole-file format, and reads what it prints."""
    command = [aider, "--model", f"openai/{model}", "--openai-api-base", f"{address}/v1", "--openai-api-key", "none"]
    command += ["--edit-format", "whole", "--yes-always", "--no-git", "--no-stream", "--no-pretty", "--no-check-update"]
    command += ["--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes", "--no-suggest-shell-commands"]
    command += ["--message", task.ask, *task.files]
    environment = dict(os.environ, HOME=str(state), PYTHONDONTWRITEBYTECODE="1")
    outcome = Outcome()
    try:
        ran = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
        text = ran.stdout
    except subprocess.TimeoutExpired as late:
        text, outcome.note = (late.stdout or b"").decode(errors="replace"), "timeout"
    (Path(state) / "aider.log").write_text(text, encoding="utf-8")
    for sent, received in re.findall(r"Tokens: ([\d.k]+) sent, ([\d.k]+) received", text):
        outcome.first_prompt = outcome.first_prompt or count(sent)
        outcome.sent += count(sent)
        outcome.received += count(received)
        outcome.replies += outcome.replies == 0 or outcome.applied == 0
    outcome.applied = outcome.edits = len(re.findall(r"^Applied edit to", text, flags=re.MULTILINE))
    outcome.replies = min(outcome.replies, 1) if outcome.applied else outcome.replies
    outcome.well_formed = outcome.gave_edit = int(outcome.applied > 0)
    return outcome


def count(text):
    return round(float(text.rstrip("k")) * (1000 if text.endswith("k") else 1))


class Server:
    """llama.cpp's server with one model, on a port of its own."""

    def __init__(self, program, path, model, threads):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        command = [program, "-m", path, "--alias", model, "-c", "8192", "-np", "1", "-t", str(threads), "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=5):
                    return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(1)
        self.__exit__()
        sys.exit("the server of the model did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def measure(name, tasks, work, keep, results):
    """Runs all tasks, one after the other, but for those whose outcome is in the file of results."""
    outcomes = []
    known = read_results(results, name)
    for task in tasks:
        if task.number in known:
            outcomes.append(known[task.number])
            continue
        with tempfile.TemporaryDirectory() as root:
            folder, state = Path(root, "work"), Path(root, "state")
            folder.mkdir()
            state.mkdir(mode=0o700)
            for file, text in task.files.items():
                (folder / file).write_text(text, encoding="utf-8")
            began = time.monotonic()
            outcome = work(task, folder, state)
            outcome.seconds = time.monotonic() - began
            outcome.passed = passes(task, folder)
            if keep:
                kept = Path(keep, re.sub(r"\W+", "-", name), f"{task.number:02}-{task.name}")
                subprocess.run(["rm", "-rf", kept], check=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-r", root, kept], check=True)
        outcomes.append(outcome)
        if results:
            with open(results, "a", encoding="utf-8") as file:
                file.write(json.dumps({"who": name, "task": task.number, **asdict(outcome)}) + "\n")
        mark = "passed" if outcome.passed else "failed"
        print(f"  {name}  {task.number:02} {task.name:20} {mark}  {outcome.seconds:5.0f} s  {outcome.note}", file=sys.stderr)
    return outcomes


def read_results(path, name):
    """The outcomes that a file holds of this name, by the task's number."""
    known = {}
    if path and path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = json.loads(line)
            who, number = fields.pop("who"), fields.pop("task")
            if who == name:
                known[number] = Outcome(**fields)
    return known


HEAD = "| who | tasks passed | odd / even | replies with a well-formed edit | edits applied | first prompt, most | tokens in / out | s a task |"


def row(name, tasks, outcomes):
    def total(of):
        return sum(of(outcome) for outcome in outcomes)

    def half(odd):
        chosen = [outcome.passed for task, outcome in zip(tasks, outcomes) if task.number % 2 == odd]
        return f"{sum(chosen)} of {len(chosen)}"

    cells = [
        name,
        f"{total(lambda o: o.passed)} of {len(tasks)}",
        f"{half(1)} / {half(0)}",
        f"{total(lambda o: o.gave_edit)} of {total(lambda o: o.replies)}",
        f"{total(lambda o: o.applied)} of {total(lambda o: o.edits)}",
        f"{max((outcome.first_prompt for outcome in outcomes), default=0):,}",
        f"{total(lambda o: o.sent):,} / {total(lambda o: o.received):,}",
        f"{total(lambda o: o.seconds) / len(outcomes):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="all tasks")
    parser.add_argument("--half", choices=["tuned", "unseen"], help="the tasks with odd or even numbers")
    parser.add_argument("--tasks", type=int, nargs="+", metavar="N", help="these tasks")
    parser.add_argument("--model", default="qwen2.5-coder:1.5b", choices=list(fetch.MODELS))
    parser.add_argument("--formats", nargs="+", default=["auto"], choices=["auto", "native", "json", "blocks", "whole"],
                        help="Claw's tool_format; auto is what Claw takes by itself")
    parser.add_argument("--no-claw", action="store_true")
    parser.add_argument("--no-aider", action="store_true")
    parser.add_argument("--claw", type=Path, help="the program; built by cargo if not given")
    parser.add_argument("--dir", type=Path, help="where models and programs are kept")
    parser.add_argument("--keep", type=Path, help="keeps what each run left here")
    parser.add_argument("--results", type=Path, help="a file of outcomes: what is in it is not run again, what is not is added")
    parser.add_argument("--address", help="a server that runs already, as http://127.0.0.1:8080, in place of one of its own")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    given = arguments()
    tasks = read_tasks()
    if given.tasks:
        tasks = [task for task in tasks if task.number in given.tasks]
    elif given.half:
        tasks = [task for task in tasks if task.number % 2 == (given.half == "tuned")]
    elif not given.all:
        tasks = [task for task in tasks if by_default(task)]
    folder = given.dir or fetch.folder()
    claw = given.claw
    if claw is None and not given.no_claw:
        subprocess.run(["cargo", "build", "--locked"], cwd=HERE, check=True)
        claw = HERE.parent.parent / "target" / "debug" / "claw"
    model = given.model
    aider = None if given.no_aider else fetch.aider(folder)
    rows = [HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    with contextlib.ExitStack() as stack:
        address = given.address
        if address is None:
            path, program = fetch.model(model, folder), fetch.server(folder)
            address = stack.enter_context(Server(program, path, model, given.threads)).address
        for form in [] if given.no_claw else given.formats:
            chosen = None if form == "auto" else form
            work = lambda task, folder, state: run_claw(task, folder, claw.resolve(), address, model, chosen, state)
            name = f"Claw, {model}, {form}"
            rows.append(row(name, tasks, measure(name, tasks, work, given.keep, given.results)))
        if aider:
            work = lambda task, folder, state: run_aider(task, folder, aider, address, model, state)
            name = f"aider, {model}, whole"
            rows.append(row(name, tasks, measure(name, tasks, work, given.keep, given.results)))
    print("\n".join(rows))


if __name__ == "__main__":
    main()
