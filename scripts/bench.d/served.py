"""Jobs of a real server: `hotfolders serve`, `hotfolders submit --wait`, and the times of its own records."""

import json
import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

from process import Cost, Failed, cpu_seconds, first_complaint, fresh, link, peak_bytes, run, wait
from sides import Desk, Tools, settle_disk
from workloads import CONFIG

SESSION = "S1"
ZIP_SESSION = "S2"


def make_studio(desk: Desk, names: list[str]) -> None:
    fresh(desk.studio)
    (desk.studio / "hotfolders.yaml").write_text(CONFIG)
    (desk.studio / "drop").mkdir()
    originals = fresh(desk.studio / "sessions" / SESSION / "Hi-Res")
    for name in names:
        link(desk.photos / name, originals / name)


def make_zip_session(desk: Desk, names: list[str], count: int) -> Path:
    """As many files as a full session has. They are the same photos again and again under other names: their bytes are
    in memory anyway, and no side looks for duplicates."""
    folder = fresh(desk.studio / "sessions" / ZIP_SESSION / "Hi-Res")
    for number in range(count):
        link(desk.photos / names[number % len(names)], folder / f"file-{number + 1:03}.jpg")
    return folder


class Job:
    """One job on a server of its own, so that the process's memory and CPU time are those of the job."""

    def __init__(self, tools: Tools, desk: Desk, status: str, session: str, files: list[str]):
        self.tools, self.desk, self.status = tools, desk, status
        self.record = f"R-{status}"
        self.manifest = {
            "manifest": 1, "kind": "session", "record": self.record, "status": status, "session": session,
            "images": [{"file": name} for name in files],
        }

    def run(self) -> Cost:
        studio = self.desk.studio
        for folder in ("spool", "delivery"):
            fresh(studio / folder).rmdir()
        settle_disk()
        path = self.desk.home / f"{self.record}.json"
        path.write_text(json.dumps(self.manifest))
        log = self.desk.log(f"serve-{self.status}")
        with open(log, "wb") as out:
            server = subprocess.Popen(
                [self.tools.hotfolders, "serve"], cwd=studio, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait_for_lock(server, log)
            run([self.tools.hotfolders, "submit", "--wait", path], studio, self.desk.log(f"submit-{self.status}"))
        finally:
            if server.returncode is None:
                server.send_signal(signal.SIGTERM)
                _, usage = wait(server)
        receipt = json.loads(self.record_file("receipt.json").read_text())
        if receipt["result"] != "done" or receipt["errors"]:
            raise Failed(f"the job {self.status} ended as {receipt['result']}")
        # Waiting for the drop to settle is not work; what comes after acceptance is.
        wall = stamp(receipt["finished"]) - stamp(receipt["accepted"])
        return Cost(wall, cpu_seconds(usage), peak_bytes(usage))

    def wait_for_lock(self, server, log: Path) -> None:
        for _ in range(500):
            if (self.desk.studio / "spool" / "LOCK").exists():
                return
            if server.poll() is not None:
                raise Failed(first_complaint(log) or "the server ended")
            time.sleep(0.02)
        raise Failed("the server did not start")

    def record_file(self, name: str) -> Path:
        found = list((self.desk.studio / "spool" / "done").glob(f"*/*/{name}"))
        if len(found) != 1:
            raise Failed(f"the job {self.status} left no {name}")
        return found[0]

    def delivered(self) -> Path:
        return self.desk.studio / "delivery" / self.record

    def zip_seconds(self) -> float:
        """From the moment when the last picture was ready to the one when the zip stood, on the disk and compared."""
        ready = stood = None
        for line in self.record_file("journal.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry["event"]["entry"] == "rendered":
                ready = stamp(entry["at"])
            elif entry["event"]["entry"] == "delivered":
                stood = stamp(entry["at"])
        if ready is None or stood is None:
            raise Failed("the journal does not tell when the zip was made")
        return stood - ready


def stamp(text: str) -> float:
    """Seconds; a stamp may have nine places, of which Python takes six."""
    whole, _, part = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{part or 0}")


def zip_peers(tools: Tools, desk: Desk, folder: Path, files: list[str]) -> dict[str, Cost]:
    """`zip -0` and `cat`, each alone and with the flush to the disk that ours always has."""
    log = desk.log("zip-peers")
    costs = {}

    def timed(argv, name: str) -> None:
        target = fresh(desk.out / "zip") / "all"
        settle_disk()
        cost = run([*argv, target], folder, log, lines=files)
        made = next(p for p in (target, target.with_name("all.zip")) if p.exists())
        start = time.perf_counter()
        with open(made, "rb") as out:
            os.fsync(out.fileno())
        costs[name] = cost
        costs[f"{name}, flushed"] = Cost(cost.wall + time.perf_counter() - start, cost.cpu, cost.peak)
        fresh(target.parent)

    if tools.zip:
        timed(["sh", "-c", 'exec zip -0 -q -@ "$0"'], "zip -0")
    timed(["sh", "-c", 'exec xargs cat >"$0"'], "cat")
    return costs
