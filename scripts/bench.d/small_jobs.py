#!/usr/bin/env python3
"""The queue: small jobs through the whole spool, with every sync that a job is owed.

One 2-megapixel picture to a 400-pixel thumbnail each. Prints jobs a second, what one costs early and late, and the
memory of the server: small_jobs.py --hotfolders PROGRAM --home FOLDER --photos FOLDER [--jobs N]
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

CONFIG = """version: 1
studio: { time_zone: UTC }
library: { roots: [sessions], sources: { hires: ["Hi-Res/{stem}.*"] } }
hot_folders: { status: { folder: drop, images: library, settle: 500ms, scan: 1s } }
profiles:
  thumbs: { size: 400px, quality: 85, images: all, name: "{record}", deliver: [ { to: folder, path: "thumbs" } ] }
render_jobs: [ { when: { kind: session }, run: [thumbs] } ]
"""
PICTURES = 50


def make_pictures(folder, photos):
    """Real photos of two megapixels, in turns."""
    folder.mkdir(parents=True)
    for number in range(PICTURES):
        shutil.copy(photos[number % len(photos)], folder / f"p{number:03}.jpg")


def manifest(number):
    return json.dumps({
        "manifest": 1, "kind": "session", "record": f"B{number:06}", "status": "in", "session": "S1",
        "images": [{"file": f"p{number % PICTURES:03}.jpg"}],
    })


def finished(spool):
    times = []
    for line in (spool / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["result"] != "done":
            sys.exit(f"error: {entry['job']} ended as {entry['result']}")
        times.append(datetime.fromisoformat(entry["finished"].replace("Z", "+00:00")).timestamp())
    return sorted(times)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hotfolders", required=True, type=Path)
    options.add_argument("--home", required=True, type=Path)
    options.add_argument("--photos", required=True, type=Path)
    options.add_argument("--jobs", type=int, default=5000)
    given = options.parse_args()
    studio = given.home / "queue"
    shutil.rmtree(studio, ignore_errors=True)
    (studio / "drop").mkdir(parents=True)
    (studio / "hotfolders.yaml").write_text(CONFIG)
    photos = sorted(given.photos.glob("*.jpg"))
    make_pictures(studio / "sessions/S1/Hi-Res", photos)
    server = subprocess.Popen([given.hotfolders, "serve"], cwd=studio, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    peak = 0
    try:
        for number in range(given.jobs):
            aside = studio / "drop/.next"
            aside.write_text(manifest(number))
            aside.rename(studio / f"drop/{number:06}.json")
        index = studio / "spool/index.jsonl"
        while not index.exists() or index.read_bytes().count(b"\n") < given.jobs:
            if server.poll() is not None:
                sys.exit("error: the server ended")
            status = Path(f"/proc/{server.pid}/status").read_text()
            peak = int(next(l for l in status.splitlines() if l.startswith("VmHWM")).split()[1])
            time.sleep(0.2)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    if server.returncode:
        sys.exit(f"error: the server ended with exit code {server.returncode}")
    times = finished(studio / "spool")
    window = max(given.jobs // 10, 2)

    def rate(first):
        return (window - 1) / max(times[first + window - 1] - times[first], 1e-9)

    early, late = rate(min(100, given.jobs - window)), rate(given.jobs - window)
    whole = (given.jobs - 1) / (times[-1] - times[0])
    print(f"{given.jobs} jobs: {whole:.1f} jobs/s (at least 40)")
    print(f"cost of a job: {1000 / early:.1f} ms from the 100th on, {1000 / late:.1f} ms at the end, "
          f"ratio {early / late:.2f} (at most 1.10)")
    print(f"memory of the server at most {peak // 1024} MB")
    shutil.rmtree(studio, ignore_errors=True)


if __name__ == "__main__":
    main()
