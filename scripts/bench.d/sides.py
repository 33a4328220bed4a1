"""The commands of each side. Every one is two workers, and its start counts."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from process import Cost, Failed, fresh, run

# The scripts of the others, in a folder of their own: a module of ours beside them could take the place of one that a
# peer imports from its language.
PEERS = Path(__file__).resolve().parent / "peers"

# ImageMagick takes seconds for a picture; more of them would only take more time.
IMAGEMAGICK_PHOTOS = 4

NAMES = {
    "hotfolders": "hotfolders",
    "floor": "floor",
    "libvips": "libvips CLI",
    "libvips-full": "libvips CLI (full decode)",
    "libvips-many": "libvips CLI (many)",
    "sharp": "sharp",
    "pillow": "Pillow",
    "pillow-draft": "Pillow (draft)",
    "imagemagick": "ImageMagick",
    "imagemagick-hint": "ImageMagick (hint)",
}


# Each peer and the program that it is.
TOOLS = {"libvips": "libvips", "sharp": "sharp", "pillow": "pillow", "imagemagick": "convert", "zip": "zip"}


@dataclass
class Tools:
    """Where things are; an empty path is a peer that was left out by name."""

    hotfolders: Path
    floor: Path
    srgb: Path
    sharp: str
    pillow: str
    convert: str
    libvips: str
    zip: str

    def has(self, peer: str) -> bool:
        return bool(getattr(self, TOOLS[peer.partition("-")[0]]))


@dataclass
class Desk:
    """Where a run takes place: photos in `photos`, the studio's config and mark in `studio`, results in `out`."""

    home: Path

    @property
    def photos(self) -> Path:
        return self.home / "set"

    @property
    def studio(self) -> Path:
        return self.home / "studio"

    @property
    def out(self) -> Path:
        return self.home / "out"

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"


def settle_disk() -> None:
    """What the side before left in memory must not be written at the expense of the next one."""
    os.sync()


def render(tools: Tools, desk: Desk, names: list[str], profile: str) -> Cost:
    """Ours: the product's own command, with all that belongs to it."""
    out = fresh(desk.out / "ours")
    settle_disk()
    argv = [tools.hotfolders, "--config", desk.studio / "hotfolders.yaml", "render", "--profile", profile]
    return run([*argv, "--out", out, *names], desk.photos, desk.log(f"ours-{profile}"))


def floor(tools: Tools, desk: Desk, names: list[str], wanted: tuple[str, str]) -> Cost:
    """Decode, one pass, encode: clocked inside the program, without its start."""
    log = desk.log("floor")
    run([tools.floor, "floor", *wanted, *names], desk.photos, log)
    return inner(log)


def read_back(tools: Tools, desk: Desk, files: list[Path]) -> Cost:
    """What decoding the finished files takes."""
    log = desk.log("read-back")
    run([tools.floor, "decode", *files], desk.home, log)
    return inner(log)


def inner(log: Path) -> Cost:
    seconds = json.loads(log.read_text())
    return Cost(seconds["wall"], seconds["cpu"], 0)


def share(peer: str, names: list[str]) -> list[str]:
    return names[:IMAGEMAGICK_PHOTOS] if peer.startswith("imagemagick") else names


def work(tools: Tools, desk: Desk, names: list[str], peer: str, output: str) -> Cost:
    """A peer makes the output of all photos that it is given."""
    out = fresh(desk.out / "peer")
    settle_disk()
    argv, env = command(tools, desk, names, peer, output, out)
    return run(argv, desk.photos, desk.log(f"{peer}-{output}"), lines=names, env=env)


def command(tools: Tools, desk: Desk, names: list[str], peer: str, output: str, out: Path):
    half = (len(names) + 1) // 2
    mark = desk.studio / "mark-faint.png"
    if peer.startswith("libvips"):
        env = {"VIPS_CONCURRENCY": "1", "LAYERS": str(desk.home / "layers")}
        many = ["xargs", "-P", "2", "-n", str(half)]
        if peer.endswith("-full"):
            return ["xargs", "-P", "2", "-n", "1", PEERS / "libvips.sh", f"{output}-full", out], env
        if output in ("w1", "w4"):
            # One start for each picture, as when pictures arrive one by one; or as few as two workers need.
            workers = many if peer.endswith("-many") else ["xargs", "-P", "2", "-n", "1"]
            size, form = {"w1": ("2048x2048", "Q=85"), "w4": ("400x400", "Q=80")}[output]
            target = f"{out}/%s.jpg[{form},subsample_mode=on]"
            return [*workers, tools.libvips, "--size", size, "--export-profile", "srgb", "-o", target], env
        return [*many, PEERS / "libvips.sh", output, out], env
    if peer == "sharp":
        return ["node", PEERS / "sharp.mjs", output, out, mark], {"SHARP_HOME": tools.sharp}
    if peer.startswith("pillow"):
        how = output + ("-draft" if peer.endswith("-draft") else "")
        return [tools.pillow, PEERS / "pillow_side.py", how, out, mark], {}
    if peer.startswith("imagemagick"):
        return imagemagick(tools, peer, output, out, mark), {}
    raise Failed(f"nobody is called {peer}")


def imagemagick(tools: Tools, peer: str, output: str, out: Path, mark: Path) -> list:
    hint = peer.endswith("-hint")
    argv = ["xargs", "-P", "2", "-I", "{}", tools.convert, "-limit", "thread", "1"]
    # What 1/2 and 1/8 leave of 24 megapixels. A size between the factors that libjpeg-turbo is fast at costs it up to
    # half a minute for a picture.
    if hint:
        argv += ["-define", {"w1": "jpeg:size=3000x2000", "w4": "jpeg:size=750x500"}[output]]
    argv += ["{}", "-filter", "Lanczos"]
    argv += {
        "w1": ["-resize", "2048x2048", "-profile", tools.srgb, "-unsharp", "0x0.7+0.7+0.01"],
        "w2": [
            "-resize", "3000x2400^", "-gravity", "center", "-extent", "3000x2400",
            "-profile", tools.srgb, "-unsharp", "0x1+1+0.01",
        ],
        "w3": [
            "-profile", tools.srgb,
            "(", "-clone", "0", "-alpha", "transparent", "-tile", mark, "-draw", "color 0,0 reset", ")",
            "-compose", "over", "-composite",
        ],
        "w4": ["-resize", "400x400", "-profile", tools.srgb],
    }[output]
    quality, sampling = {
        "w1": ("85", "4:2:0"), "w2": ("95", "4:4:4"), "w3": ("95", "4:4:4"), "w4": ("80", "4:2:0"),
    }[output]
    return [*argv, "-quality", quality, "-sampling-factor", sampling, out / "{}"]
