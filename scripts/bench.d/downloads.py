#!/usr/bin/env python3
"""Downloads: a large zip behind a link, beside nginx with the same file, in turns.

Prints the median MB/s of each, and the server's memory while many clients download slowly:
downloads.py --hotfolders PROGRAM --home FOLDER [--size-gb N] [--rounds N] [--clients N]
"""

import argparse
import base64
import getpass
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

CONFIG = """version: 1
studio: {{ name: Bench }}
downloads: {{ listen: "127.0.0.1:{port}", public_url: "http://127.0.0.1:{port}" }}
"""
NGINX = """user {user}; worker_processes auto; daemon off; pid {home}/nginx.pid; error_log {home}/nginx.log;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; default_type application/zip;
  client_body_temp_path {home}/n1; proxy_temp_path {home}/n2; fastcgi_temp_path {home}/n3; uwsgi_temp_path {home}/n4;
  scgi_temp_path {home}/n5; server {{ listen 127.0.0.1:{port}; root {root}; }} }}
"""
WARM_BYTES = 8 << 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def make_link(studio, size):
    """The record of a link and what lies behind it, as a finished job leaves them."""
    token = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    folder = studio / "downloads" / "bench-d1"
    folder.mkdir(parents=True)
    # Real bytes, not a hole: a hole is read without looking at a disk or at pages of memory.
    block = os.urandom(WARM_BYTES)
    with open(folder / "pictures.zip", "wb") as out:
        for _ in range(size // WARM_BYTES):
            out.write(block)
    bytes_written = (folder / "pictures.zip").stat().st_size
    contents = {
        "contents": 1, "client": None, "language": None, "files": [],
        "zip": {"name": "bench.zip", "bytes": bytes_written, "sha256": "0" * 64},
    }
    (folder / "contents.json").write_text(json.dumps(contents))
    links = studio / "spool" / "links"
    links.mkdir(parents=True)
    record = {
        "link": 1, "job": "20260101-000000-invoice-1-0000", "step": "d1", "kind": "invoice", "record": "1", "owner": "bench",
        "key": None, "made": "2026-01-01T00:00:00Z", "expires": "2999-01-01T00:00:00Z", "lasts_s": 1, "max_downloads": None,
        "pin": None, "single_files": True, "show": "download", "folder": str(folder),
    }
    (links / f"{hashlib.sha256(token.encode()).hexdigest()}.json").write_text(json.dumps(record))
    return token, folder / "pictures.zip", bytes_written


def signed(port, token):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", f"/d/{token}/all")
    answer = connection.getresponse()
    if answer.status != 303:
        sys.exit(f"error: a click is answered with {answer.status}")
    return answer.getheader("Location")


def wait_for(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"error: nothing listens at port {port}")


def fetch(url):
    """Seconds; curl throws the bytes away."""
    start = time.monotonic()
    subprocess.run(["curl", "--silent", "--fail", "--output", "/dev/null", url], check=True)
    return time.monotonic() - start


def resident(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def memory_with_clients(server, url, clients):
    """The most that the server takes while so many clients download slowly."""
    before = resident(server.pid)
    command = ["curl", "--silent", "--limit-rate", "4M", "--max-time", "8", "--output", "/dev/null", url]
    running = [subprocess.Popen(command) for _ in range(clients)]
    most = 0
    while any(client.poll() is None for client in running):
        most = max(most, resident(server.pid))
        time.sleep(0.1)
    ends = {client.returncode for client in running}
    # 28: the time was up before the file, as it should be with a large one.
    if not ends <= {0, 28}:
        sys.exit(f"error: slow clients ended with curl's exit codes {sorted(ends)}")
    return before, most


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hotfolders", required=True, type=Path)
    options.add_argument("--home", required=True, type=Path)
    options.add_argument("--photos", type=Path, help="not used here")
    options.add_argument("--size-gb", type=float, default=5)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--clients", type=int, default=50)
    given = options.parse_args()
    studio = given.home / "downloads"
    shutil.rmtree(studio, ignore_errors=True)
    studio.mkdir(parents=True)
    token, path, size = make_link(studio, int(given.size_gb * 1e9))
    port, other = free_port(), free_port()
    (studio / "hotfolders.yaml").write_text(CONFIG.format(port=port))
    (studio / "nginx.conf").write_text(NGINX.format(home=studio, root=path.parent, port=other, user=getpass.getuser()))
    server = subprocess.Popen([given.hotfolders, "serve"], cwd=studio, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    nginx = subprocess.Popen(["nginx", "-c", studio / "nginx.conf", "-e", studio / "nginx.log"])
    try:
        wait_for(port)
        wait_for(other)
        sides = {"hotfolders": f"http://127.0.0.1:{port}{signed(port, token)}", "nginx": f"http://127.0.0.1:{other}/{path.name}"}
        times = {side: [] for side in sides}
        for number in range(given.rounds + 1):
            for side, url in sides.items():
                seconds = fetch(url)
                # The first round brings the file into memory.
                if number:
                    times[side].append(seconds)
        rates = {side: size / 1e6 / statistics.median(of) for side, of in times.items()}
        for side, rate in rates.items():
            print(f"{side:<12} {rate:8.0f} MB/s  (median of {given.rounds}, {size / 1e9:.1f} GB)")
        print(f"{'share':<12} {100 * rates['hotfolders'] / rates['nginx']:8.0f} %")
        before, most = memory_with_clients(server, sides["hotfolders"], given.clients)
        print(f"{'memory':<12} {most / 1e6:8.1f} MB with {given.clients} clients, {before / 1e6:.1f} MB before")
    finally:
        for process in (server, nginx):
            process.send_signal(signal.SIGTERM)
        for process in (server, nginx):
            process.wait(timeout=60)
        shutil.rmtree(studio, ignore_errors=True)
    if server.returncode or nginx.returncode:
        sys.exit(f"error: a server ended badly: hotfolders {server.returncode}, nginx {nginx.returncode}")


main()
