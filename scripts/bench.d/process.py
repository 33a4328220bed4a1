"""Running a program and seeing what it cost."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """A side could not do its work; the text says why, in one line."""


@dataclass
class Cost:
    """Seconds; `peak` in bytes, of the largest process."""

    wall: float
    cpu: float
    peak: int


def peak_bytes(usage) -> int:
    # Kilobytes on Linux, bytes on macOS.
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def cpu_seconds(usage) -> float:
    return usage.ru_utime + usage.ru_stime


def run(argv, cwd: Path, log: Path, lines=None, env=None) -> Cost:
    """Runs to the end. `lines` are handed to it as its input."""
    text = "".join(f"{line}\n" for line in lines or [])
    given = log.with_suffix(".in")
    given.write_text(text)
    with open(log, "wb") as out, open(given, "rb") as source:
        start = time.perf_counter()
        child = subprocess.Popen(
            [str(a) for a in argv], cwd=cwd, stdin=source, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
        )
        # The usage of a child holds that of the children it waited for, so `xargs` answers for all it started.
        status, usage = wait(child)
        wall = time.perf_counter() - start
    if status != 0:
        raise Failed(first_complaint(log) or f"exit code {status}")
    return Cost(wall, cpu_seconds(usage), peak_bytes(usage))


def wait(child):
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage


def first_complaint(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower()]
    return (wrong or lines or [""])[0][:160]


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def link(source: Path, target: Path) -> None:
    """The same file under another name, where the file system can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
