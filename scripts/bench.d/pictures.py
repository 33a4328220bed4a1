"""The photos that all sides get, the mark of W3, and a look into finished files."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from process import Failed, fresh, link
from workloads import MARK_OPACITY_PERCENT, MARK_SIZE, OUTPUTS

SOF = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass
class Jpeg:
    width: int
    height: int
    subsampling: str
    tagged: bool
    upright: bool


def look(path: Path) -> Jpeg:
    """Reads a JPEG's segments up to its frame."""
    data = path.read_bytes()
    if data[:2] != b"\xff\xd8":
        raise Failed(f"{path.name} is no JPEG")
    at, tagged, upright = 2, False, True
    while at + 9 < len(data):
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        body = data[at + 4 : at + 2 + length]
        if marker in SOF:
            height, width = struct.unpack(">HH", body[1:5])
            name = {0x11: "4:4:4", 0x21: "4:2:2", 0x22: "4:2:0"}.get(body[7], "other")
            return Jpeg(width, height, name, tagged, upright)
        tagged = tagged or (marker == 0xE2 and body.startswith(b"ICC_PROFILE"))
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            upright = orientation(body[6:]) in (0, 1)
        at += 2 + length
    raise Failed(f"{path.name} has no frame")


def orientation(tiff: bytes) -> int:
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        start = struct.unpack(order + "I", tiff[4:8])[0]
        count = struct.unpack(order + "H", tiff[start : start + 2])[0]
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            if struct.unpack(order + "H", tiff[entry : entry + 2])[0] == 0x0112:
                return struct.unpack(order + "H", tiff[entry + 8 : entry + 10])[0]
    except struct.error:
        pass
    return 1


def gather(source: Path, count: int, target: Path) -> dict[str, Jpeg]:
    """Links photos into `target` under plain names. Those with a profile are `-icc`, so that scripts can tell them.

    Only upright ones in landscape: the peers' commands have one box for all, where ours turns it to the picture.
    """
    fresh(target)
    photos = {}
    for path in sorted(p for p in source.iterdir() if p.suffix.lower() in (".jpg", ".jpeg")):
        if len(photos) == count:
            break
        seen = look(path)
        if seen.width < seen.height or not seen.upright:
            continue
        name = f"photo-{len(photos) + 1:02}{'-icc' if seen.tagged else ''}.jpg"
        link(path.resolve(), target / name)
        photos[name] = seen
    if not photos:
        raise Failed(f"{source} holds no upright JPEGs in landscape")
    return photos


def examine(folder: Path, photos: dict[str, Jpeg], output: str) -> None:
    """Sees that a side did what it was asked for."""
    wanted = OUTPUTS[output]
    made = {path.name: path for path in folder.rglob("*.jpg")}
    for name, photo in photos.items():
        if name not in made:
            raise Failed(f"{name} was not made")
        got = look(made[name])
        width, height = photo.width, photo.height
        if wanted["shape"] == "fill":
            width, height = wanted["size"]
        elif wanted["shape"] == "fit":
            by = wanted["size"][0] / max(width, height)
            width, height = width * by, height * by
        if abs(got.width - width) > 1 or abs(got.height - height) > 1:
            raise Failed(f"{name} came out as {got.width}x{got.height}, not as {width:.0f}x{height:.0f}")
        if got.subsampling != wanted["subsampling"]:
            raise Failed(f"{name} came out as {got.subsampling}, not as {wanted['subsampling']}")


def make_marks(folder: Path) -> None:
    """The mark as a logo is (`mark.png`), and with the opacity in its alpha already (`mark-faint.png`)."""
    write_mark(folder / "mark.png", 255)
    write_mark(folder / "mark-faint.png", 255 * MARK_OPACITY_PERCENT // 100)


def write_mark(path: Path, opacity: int) -> None:
    """White strokes like letters, with soft edges, on nothing."""
    width, height = MARK_SIZE
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            # Letters of 100 pixels, 20 apart; every other one has a bar in the middle, all have two stems and a top.
            letter, u = divmod(x - 60, 120)
            v = y - 120
            near = 99.0
            if 0 <= letter < 9 and -2 <= v <= 162:
                stems = min(abs(u - 12), abs(u - 88))
                top = abs(v - 10) if 0 <= u <= 100 else 99
                bar = abs(v - 80) if letter % 2 == 0 and 0 <= u <= 100 else 99
                near = min(stems, top, bar)
            cover = min(max(11.5 - near, 0.0), 1.0)
            rows += bytes((255, 255, 255, int(cover * opacity)))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 6))
        + chunk(b"IEND", b"")
    )
