"""`scripts/bench` behind its set-up: plays the rounds and prints the report."""

import argparse
import fcntl
import os
import platform
import sys
import time
from pathlib import Path

import pictures
import served
import sides
import workloads
from process import Cost, Failed, fresh, run
from rounds import Samples, play
from table import Report

KEYS = ["W1", "W2", "W3", "W4", "M", "Z"]
PEERS = ["libvips", "sharp", "pillow", "imagemagick", "zip"]


def arguments():
    def some_of(known, form):
        def chosen(text):
            names = [form(name.strip()) for name in text.split(",") if name.strip()]
            unknown = [name for name in names if name not in known]
            if unknown:
                raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(known)}")
            return names

        return chosen

    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures hotfolders side by side with others.")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="real JPEGs instead of made ones")
    parser.add_argument("--photos-count", type=int, default=24, metavar="N", help="how many (default 24)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often (default 5)")
    parser.add_argument("--only", type=some_of(KEYS, str.upper), default=KEYS, metavar="W1,M", help=f"some of {','.join(KEYS)}")
    parser.add_argument(
        "--without", type=some_of(PEERS, str.lower), default=[], metavar="NAMES", help=f"some of {','.join(PEERS)}"
    )
    parser.add_argument("--zip-files", type=int, default=workloads.Z_FILES, metavar="N", help="files of Z (default 200)")
    parser.add_argument("--home", type=Path, required=True, help=argparse.SUPPRESS)
    for tool in ("hotfolders", "floor", "srgb"):
        parser.add_argument(f"--{tool}", type=Path, required=True, help=argparse.SUPPRESS)
    for tool in ("sharp", "pillow", "convert", "libvips", "zip"):
        parser.add_argument(f"--{tool}", default="", help=argparse.SUPPRESS)
    parser.add_argument("--versions", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rounds < 1 or args.photos_count < 1 or args.zip_files < 1:
        parser.error("--rounds, --photos-count and --zip-files are at least 1")
    for name in PEERS:
        if name in args.without:
            setattr(args, sides.TOOLS[name], "")
        elif not getattr(args, sides.TOOLS[name]):
            parser.error(f"{name} is not here; leave it out with --without {name}, or install it")
    return args


class Bench:
    def __init__(self, args, report: Report):
        self.args, self.report = args, report
        self.tools = sides.Tools(
            args.hotfolders, args.floor, args.srgb, args.sharp, args.pillow, args.convert, args.libvips, args.zip
        )
        self.desk = sides.Desk(args.home / "work")
        fresh(self.desk.home)
        (self.desk.home / "logs").mkdir()
        self.photos = pictures.gather(args.photos or args.home / "photos", args.photos_count, self.desk.photos)
        self.names = list(self.photos)
        served.make_studio(self.desk, self.names)
        pictures.make_marks(self.desk.studio)
        self.missing: list[str] = []

    def tell(self, text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{text}\r")
            sys.stderr.flush()

    def peers(self, workload) -> list[str]:
        found = []
        for target in (t for ours in workload.ours for t in ours.targets):
            if self.tools.has(target.peer) and target.peer not in found:
                found.append(target.peer)
        return found

    def measure(self, workload) -> None:
        samples, turns = Samples(), {}
        count = len(self.names)
        for ours in workload.ours:
            turns[ours.key] = self.ours(ours.key)
            turns[f"floor {ours.key}"] = lambda o=ours: (sides.floor(self.tools, self.desk, self.names, o.floor), count)
            turns[f"served {ours.key}"] = lambda o=ours: (self.job(o.key, o.key), count)
            turns[f"read back {ours.key}"] = self.read_back(ours.key, samples)
        output = workload.key.lower()
        for peer in self.peers(workload):
            turns[peer] = self.peer(peer, output)
        if output == "w3" and "libvips" in turns:
            self.make_layers(samples)
        play(self.args.rounds, turns, samples, self.tell)
        self.tell("")
        self.show(workload, samples)
        self.close(workload.key, samples)

    def close(self, key: str, samples: Samples) -> None:
        self.missing += [f"{key}, {what}" for what in samples.missing()]

    def ours(self, profile: str):
        def once():
            cost = sides.render(self.tools, self.desk, self.names, profile)
            pictures.examine(self.desk.out / "ours", self.photos, profile.partition("-")[0])
            fresh(self.desk.out / f"kept-{profile}").rmdir()
            (self.desk.out / "ours").rename(self.desk.out / f"kept-{profile}")
            return cost, len(self.names)

        return once

    def read_back(self, profile: str, samples: Samples):
        def once():
            kept = self.desk.out / f"kept-{profile}"
            if not kept.exists():
                raise Failed(samples.out.get(profile, "nothing was made yet"))
            return sides.read_back(self.tools, self.desk, sorted(kept.glob("*.jpg"))), len(self.names)

        return once

    def peer(self, peer: str, output: str):
        def once():
            names = sides.share(peer, self.names)
            cost = sides.work(self.tools, self.desk, names, peer, output)
            pictures.examine(self.desk.out / "peer", {name: self.photos[name] for name in names}, output)
            return cost, len(names)

        return once

    def make_layers(self, samples: Samples) -> None:
        layers = fresh(self.desk.home / "layers")
        mark = self.desk.studio / "mark-faint.png"
        (layers / mark.name).write_bytes(mark.read_bytes())
        try:
            run([sides.PEERS / "libvips.sh", "layer", layers, *self.names], self.desk.photos, self.desk.log("layers"))
        except Failed as e:
            samples.out["libvips"] = str(e)

    def job(self, status: str, output: str, seen=()) -> Cost:
        job = served.Job(self.tools, self.desk, status, served.SESSION, self.names)
        cost = job.run()
        for profile in seen or [output]:
            pictures.examine(job.delivered() / profile, self.photos, profile.partition("-")[0])
        return cost

    def show(self, workload, samples: Samples) -> None:
        report = self.report
        report.head(workload.key, workload.title, workload.notes)
        report.columns()
        for ours in workload.ours:
            report.side(titled("hotfolders render", ours.title), ours.key, samples)
            report.side(titled("as a served job", ours.title), f"served {ours.key}", samples, "(spool, full read-back)")
        for peer in self.peers(workload):
            report.side(sides.NAMES[peer], peer, samples)
        for ours in workload.ours:
            report.line(f"   {titled('hotfolders render', ours.title)} against")
            for target in ours.targets:
                if self.tools.has(target.peer):
                    name = f"  {sides.NAMES[target.peer]}"
                    report.ratio(name, target.peer, ours.key, samples, target.must, target.goal)
            report.peak(ours.key, samples, ours.peak_must, ours.peak_goal)
            report.of_floor(ours.key, f"floor {ours.key}", samples)
            back = f"read back {ours.key}"
            if samples.has(back):
                each = f"+{samples.cpu(back) * 1000:.0f} ms CPU a picture (decoding what was made)"
                report.line(f"   {'full read-back of `serve`':36}{each}")

    def measure_m(self) -> None:
        samples, singles = Samples(), ["w1", "w2", "w4"]
        count = len(self.names)

        def three():
            costs = [self.job(status, status) for status in singles]
            both = Cost(sum(c.wall for c in costs), sum(c.cpu for c in costs), max(c.peak for c in costs))
            return both, count

        play(
            self.args.rounds,
            {
                "one job": lambda: (self.job("m", "m", singles), count),
                "three jobs": three,
                "floor": lambda: (sides.floor(self.tools, self.desk, self.names, workloads.M_FLOOR), count),
            },
            samples,
            self.tell,
        )
        self.tell("")
        report = self.report
        report.head(
            "M", "the outputs of W1, W2 and W4 of each picture",
            ["Jobs of `serve`, from acceptance to receipt, full read-back included; CPU of the whole server process."],
        )
        report.columns()
        for name in ("one job", "three jobs"):
            report.side(name, name, samples)
        must, goal = workloads.M_RATIO.must, workloads.M_RATIO.goal
        report.ratio("one job against three", "three jobs", "one job", samples, must, goal)
        report.peak("one job", samples, *workloads.M_PEAK)
        report.of_floor("one job", "floor", samples)
        self.close("M", samples)

    def measure_z(self) -> None:
        samples = Samples()
        folder = served.make_zip_session(self.desk, self.names, self.args.zip_files)
        files = sorted(path.name for path in folder.iterdir())
        megabytes = sum((folder / name).stat().st_size for name in files) / 1e6
        zips = ["zip -0", "zip -0, flushed"] if self.tools.zip else []
        cats = ["cat", "cat, flushed"]

        def ours():
            job = served.Job(self.tools, self.desk, "z", served.ZIP_SESSION, files)
            whole = job.run()
            if not list(job.delivered().glob("*.zip")):
                raise Failed("there is no zip")
            # CPU cannot be told apart from that of the copies before; the line below shows the whole job's.
            samples.add("whole job", len(samples.costs.get("whole job", {})), whole, len(files))
            seconds = job.zip_seconds()
            fresh(self.desk.studio / "delivery")
            fresh(self.desk.studio / "spool").rmdir()
            return Cost(seconds, 0.0, whole.peak), len(files)

        def others():
            number = len(samples.costs.get("cat", {}))
            for name, cost in served.zip_peers(self.tools, self.desk, folder, files).items():
                samples.add(name, number, cost, len(files))
            return Cost(0.0, 0.0, 0), len(files)

        play(self.args.rounds, {"zip": ours, "others": others}, samples, self.tell)
        self.tell("")
        report = self.report
        report.head(
            "Z", f"{len(files)} JPEGs, {megabytes:.0f} MB, into one stored zip",
            [
                "Ours: a `to: zip` delivery by its journal, flushed to the disk, opened again and compared.",
                "The others are shown as they are, and with the flush that ours always has.",
            ],
        )
        report.line(f"   {'':36}{'MB/s':>9}")
        for name in ["zip", "whole job", *zips, *cats]:
            title = {"zip": "hotfolders, zip delivery", "whole job": "hotfolders, whole job"}.get(name, name)
            if samples.has(name):
                report.line(f"   {title:36}{megabytes / (samples.wall(name) * len(files)):9.0f}")
            else:
                report.line(f"   {title:36}not available: {samples.out.get(name, 'it was not run')}")
        for names, must in ((zips, workloads.Z_ZIP_MUST), (cats, workloads.Z_CAT_MUST)):
            for side in names:
                report.ratio(f"against {side}", side, "zip", samples, must)
        report.peak("zip", samples, *workloads.Z_PEAK)
        self.close("Z", samples)


def titled(name: str, addition: str) -> str:
    return f"{name}, {addition}" if addition else name


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def main() -> int:
    args = arguments()
    lock = open(args.home / "LOCK", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("error: another run is at work; two would measure each other", file=sys.stderr)
        return 1
    report = Report(args.home / "result.txt")
    started = time.strftime("%Y-%m-%d %H:%M")
    report.line(f"scripts/bench, {started}, {platform.machine()}, {os.cpu_count()} cores, load {load()}")
    for line in filter(None, args.versions.split("\n")):
        report.line(f"  {line}")
    try:
        bench = Bench(args, report)
    except (Failed, OSError) as e:
        report.line(f"error: {e}")
        return 1
    report.line(f"  {len(bench.names)} photos, {args.rounds} rounds, 2 workers each; ratios are medians of rounds")
    for workload in workloads.WORKLOADS:
        if workload.key in args.only:
            bench.measure(workload)
    if "M" in args.only:
        bench.measure_m()
    if "Z" in args.only:
        bench.measure_z()
    report.line()
    report.line(f"load at the end {load()}")
    if args.without:
        report.line(f"left out by name: {', '.join(args.without)}")
    for what in bench.missing:
        report.line(f"error: not measured: {what}")
    return 1 if bench.missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
