"""A spool with many finished jobs: how long a server takes to start, and lists and searches to answer.

One job is really made, with the program that is measured; the others are copies of its folder, its receipt and its line
in the index, under other ids, records, clients and dates.
"""

import argparse
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

CONFIG = """\
version: 1
studio: { name: Larson Portraits, time_zone: UTC }
library:
  roots: [sessions]
  sources: { hires: ["Hi-Res/{stem}.*"] }
hot_folders:
  status: { folder: drop, images: library, settle: 50ms, scan: 100ms, receipts: receipts }
profiles:
  web:
    images: selected
    size: 200px
    name: "{record}_{stem}"
    deliver: [ { to: folder, path: "delivery/{record}" } ]
render_jobs:
  - { name: proofs, when: { kind: session }, run: [web] }
server:
  retention: { done: 90d, failed: 90d, receipts: 90d, history: 3y }
"""

RECORD, FIRST, EMAIL = "R999999", "Firstname", "client999999@example.com"


def manifest(files):
    return json.dumps({
        "manifest": 1, "kind": "session", "record": RECORD, "status": "imported", "session": "S1",
        "client": {"first": FIRST, "last": "Larson", "email": EMAIL},
        "images": [{"file": name, "rating": "selected"} for name in files],
    })


class Studio:
    def __init__(self, program, home):
        self.program, self.home = program, home

    def run(self, *args, code=0):
        done = subprocess.run([self.program, *args], cwd=self.home, capture_output=True, text=True)
        if done.returncode != code:
            sys.exit(f"{' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def serve(self):
        """A server, and the seconds until it says that it serves."""
        start = time.monotonic()
        server = subprocess.Popen([self.program, "serve"], cwd=self.home, stderr=subprocess.PIPE, text=True)
        for line in server.stderr:
            if line.rstrip().endswith(" serving"):
                took = time.monotonic() - start
                # Nobody reads on; a full pipe would stop the log, so it goes to the end of the file by itself.
                return server, took
        sys.exit("the server ended")

    def stop(self, server):
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
        if server.returncode:
            sys.exit(f"the server ended with exit code {server.returncode}")


def make_first_job(studio, photos, files):
    home = studio.home
    (home / "hotfolders.yaml").write_text(CONFIG)
    originals = home / "sessions" / "S1" / "Hi-Res"
    for folder in (originals, home / "drop", home / "receipts"):
        folder.mkdir(parents=True)
    names = []
    for number in range(files):
        source = photos[number % len(photos)]
        names.append(f"photo-{number + 1:02}{source.suffix}")
        shutil.copy(source, originals / names[-1])
    (home / "first.json").write_text(manifest(names))
    server, _ = studio.serve()
    studio.run("submit", "--wait", "first.json")
    studio.stop(server)


def multiply(studio, jobs):
    """Copies the first job; returns how long the index is."""
    spool, receipts = studio.home / "spool", studio.home / "receipts"
    line = (spool / "index.jsonl").read_text().splitlines()[0]
    told = json.loads(line)
    first_id = told["job"]
    folder = next((spool / "done").glob(f"*/{first_id}"))
    texts = {p.name: p.read_text() for p in folder.iterdir() if p.is_file()}
    receipt_name = next(receipts.iterdir()).name
    day_of = re.compile(re.escape(first_id))
    now = datetime.now(timezone.utc)
    lines = []
    for number in range(jobs):
        at = now - timedelta(days=80) + (timedelta(days=80) * number / jobs)
        record = f"R{number:06}"
        job = f"{at:%Y%m%d-%H%M%S}-session-{record}-{number % 65536:04x}"
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.000Z"

        def of_this(text):
            text = day_of.sub(job, text).replace(RECORD, record).replace("client999999", f"client{number:06}")
            return text.replace(told["finished"], stamp).replace(told["accepted"], stamp)

        place = spool / "done" / f"{at:%Y-%m-%d}" / job
        place.mkdir(parents=True)
        for name, text in texts.items():
            (place / name).write_text(of_this(text))
        (receipts / of_this(receipt_name)).write_text(of_this(texts["receipt.json"]))
        lines.append(of_this(line) + "\n")
        if number % 10000 == 0:
            print(f"\r{number} of {jobs} jobs", end="", file=sys.stderr)
    print(file=sys.stderr)
    (spool / "index.jsonl").write_text("".join(lines))
    (spool / "index.brief.jsonl").unlink(missing_ok=True)
    shutil.rmtree(folder)
    (receipts / receipt_name).unlink()
    return (spool / "index.jsonl").stat().st_size


def memory(server, name):
    text = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1024


def timed(studio, rounds, *args):
    times = []
    for _ in range(rounds):
        start = time.monotonic()
        studio.run(*args)
        times.append(time.monotonic() - start)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--hotfolders", required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=12, help="pictures of a job")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()

    home = args.home / "history"
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True)
    studio = Studio(args.hotfolders, home)
    make_first_job(studio, sorted(args.photos.glob("*.jpg")), args.files)
    size = multiply(studio, args.jobs)
    rows = [("index.jsonl", f"{size / 1e6:.0f} MB")]

    server, took = studio.serve()
    rows += [("first start, as after an upgrade", f"{took:.2f} s")]
    rows += [("  memory, peak", f"{memory(server, 'VmHWM'):.0f} MB")]
    studio.stop(server)
    server, took = studio.serve()
    rows += [("start", f"{took:.2f} s")]
    rows += [("  memory, at rest", f"{memory(server, 'VmRSS'):.0f} MB")]
    rows += [("  memory, peak", f"{memory(server, 'VmHWM'):.0f} MB")]

    middle = args.jobs // 2
    record, client = f"R{middle:06}", f"client{middle:06}@"
    found = json.loads(studio.run("jobs", "list", "--json", "--client", client))
    if [row["record"] for row in found] != [record]:
        sys.exit(f"the search by client found {found}")
    for name, command in [
        ("jobs list", ["jobs", "list"]),
        ("jobs list --record R", ["jobs", "list", "--record", record]),
        ("jobs list --client TEXT", ["jobs", "list", "--client", client]),
        ("jobs list --session S --limit 20", ["jobs", "list", "--session", "S1", "--limit", "20"]),
        ("jobs list --all", ["jobs", "list", "--all"]),
        ("jobs show R", ["jobs", "show", record]),
        ("status", ["status"]),
    ]:
        rows.append((name, f"{timed(studio, args.rounds, *command):.3f} s"))

    start = time.monotonic()
    studio.run("submit", "--wait", "first.json")
    rows.append(("submit --wait, a new record", f"{time.monotonic() - start:.2f} s"))
    again = re.sub("999999", f"{middle:06}", (home / "first.json").read_text())
    (home / "again.json").write_text(again)
    start = time.monotonic()
    told = studio.run("submit", "--wait", "again.json")
    rows.append((f"submit --wait, the same again: {'duplicate' if 'duplicate' in told else told}",
                 f"{time.monotonic() - start:.2f} s"))
    start = time.monotonic()
    studio.run("erase", "--record", record)
    rows.append(("erase --record R", f"{time.monotonic() - start:.2f} s"))
    rows += [("memory after that, peak", f"{memory(server, 'VmHWM'):.0f} MB")]
    studio.stop(server)

    width = max(len(name) for name, _ in rows)
    table = "\n".join([f"{args.jobs} finished jobs of {args.files} pictures"]
                      + [f"{name:<{width}}  {value:>9}" for name, value in rows])
    print(table)
    (args.home / "history.txt").write_text(table + "\n")


main()
