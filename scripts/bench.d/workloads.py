"""What is measured, what has to come out, and how fast it should be."""

from dataclasses import dataclass, field

# Long edge or box in pixels, quality, subsampling: the same for every side. `fit` keeps the whole picture, `fill` takes
# the largest centred part of the box's shape.
OUTPUTS = {
    "w1": {"shape": "fit", "size": (2048, 2048), "quality": 85, "subsampling": "4:2:0"},
    "w2": {"shape": "fill", "size": (3000, 2400), "quality": 95, "subsampling": "4:4:4"},
    "w3": {"shape": "full", "size": None, "quality": 95, "subsampling": "4:4:4"},
    "w4": {"shape": "fit", "size": (400, 400), "quality": 80, "subsampling": "4:2:0"},
}

# The mark of W3, in pixels of its own file. On a photo of 6000 x 4000 it is drawn at this size, so nobody scales it.
MARK_SIZE = (1200, 400)
MARK_WIDTH_PERCENT = 30
MARK_OPACITY_PERCENT = 40

CONFIG = f"""\
version: 1
library:
  roots: [sessions]
  sources: {{ hires: ["Hi-Res/{{stem}}.*"] }}
hot_folders:
  status: {{ folder: drop, images: library, settle: 100ms, scan: 200ms }}
profiles:
  w1-full:
    images: all
    size: 2048px
    decode: full
    sharpen: {{ for: screen, amount: standard }}
    quality: 85
    subsampling: "4:2:0"
    deliver: [ {{ to: folder, path: "delivery/{{record}}/w1-full" }} ]
  w1:
    images: all
    size: 2048px
    sharpen: {{ for: screen, amount: standard }}
    quality: 85
    subsampling: "4:2:0"
    deliver: [ {{ to: folder, path: "delivery/{{record}}/w1" }} ]
  w2:
    images: all
    size: 3000x2400px
    sharpen: {{ for: glossy, amount: standard }}
    quality: 95
    deliver: [ {{ to: folder, path: "delivery/{{record}}/w2" }} ]
  w3:
    images: all
    overlays:
      - {{ image: mark.png, at: tile, width: {MARK_WIDTH_PERCENT}%, opacity: {MARK_OPACITY_PERCENT}% }}
    quality: 95
    deliver: [ {{ to: folder, path: "delivery/{{record}}/w3" }} ]
  w4:
    images: all
    size: 400px
    quality: 80
    subsampling: "4:2:0"
    deliver: [ {{ to: folder, path: "delivery/{{record}}/w4" }} ]
  originals:
    images: all
    format: copy
    metadata: all
    deliver: [ {{ to: zip, path: "delivery/{{record}}/originals" }} ]
render_jobs:
  - {{ when: {{ kind: session, status: w1-full }}, run: [w1-full] }}
  - {{ when: {{ kind: session, status: w1 }}, run: [w1] }}
  - {{ when: {{ kind: session, status: w2 }}, run: [w2] }}
  - {{ when: {{ kind: session, status: w3 }}, run: [w3] }}
  - {{ when: {{ kind: session, status: w4 }}, run: [w4] }}
  - {{ when: {{ kind: session, status: m }}, run: [w1, w2, w4] }}
  - {{ when: {{ kind: session, status: z }}, run: [originals] }}
server: {{ max_jobs: 2 }}
"""


@dataclass
class Target:
    """Ours against a peer; ratios of speed."""

    peer: str
    must: float | None = None
    goal: float | None = None


@dataclass
class Ours:
    """One way of ours in a workload."""

    key: str
    title: str
    # Peak memory with two pictures in flight, in MB.
    peak_must: int
    peak_goal: int | None
    # What `bench-floor floor` is asked for: the factor of decoding, the outputs.
    floor: tuple[str, str] | None
    targets: list[Target] = field(default_factory=list)


@dataclass
class Workload:
    key: str
    title: str
    ours: list[Ours]
    notes: list[str] = field(default_factory=list)


# The figures that this core has to reach. None is set for ImageMagick.
WORKLOADS = [
    Workload(
        "W1",
        "screen: fit 2048 px, sRGB, sharpened, q85 4:2:0",
        [
            Ours(
                "w1-full", "full decode", 250, 150, ("1", "fit2048:85:420"),
                [
                    Target("libvips-full", 2.7, 3.5),
                    Target("libvips"),
                    Target("sharp", 4.5, 6.0),
                    Target("pillow"),
                    Target("imagemagick"),
                ],
            ),
            Ours(
                "w1", "standard decode", 250, 150, ("2", "fit2048:85:420"),
                [
                    Target("libvips", 3.2, 4.0),
                    Target("libvips-many"),
                    Target("sharp", 5.5, 7.0),
                    Target("pillow-draft"),
                    Target("imagemagick-hint"),
                ],
            ),
        ],
        [
            "libvips does not sharpen here. It and sharp shrink while they load, as they do by default, but for libvips",
            "(full decode), which does the same work as ours; Pillow (draft) and ImageMagick (hint) only where we do.",
            "libvips starts once for each picture, or twice for all of them (many).",
        ],
    ),
    Workload(
        "W2",
        "print: crop 4:5, 3000x2400, sharpened, q95 4:4:4, 300 dpi, to sRGB",
        [
            Ours(
                "w2", "", 400, 240, ("1", "fill3000x2400:95:444"),
                [Target("libvips", 4.0, 5.5), Target("sharp", 4.0, 5.2), Target("pillow"), Target("imagemagick")],
            )
        ],
    ),
    Workload(
        "W3",
        "full size, tiled watermark, q95 4:4:4",
        [
            Ours(
                "w3", "", 380, 240, ("1", "full:95:444"),
                [
                    Target("pillow", 1.4, 2.0),
                    Target("sharp", 4.5, 6.0),
                    Target("libvips", 7.0, 9.0),
                    Target("imagemagick"),
                ],
            )
        ],
        ["libvips is given the watermark as a finished layer."],
    ),
    Workload(
        "W4",
        "thumbnails: 400 px, q80 4:2:0",
        [
            Ours(
                "w4", "", 90, 60, ("8", "fit400:80:420"),
                [
                    Target("libvips", 2.3, 3.2),
                    Target("libvips-many"),
                    Target("sharp", 1.4, 2.0),
                    Target("pillow-draft", 1.15, 1.6),
                    Target("imagemagick-hint"),
                ],
            )
        ],
        ["libvips starts once for each picture, or twice for all of them (many)."],
    ),
]

M_RATIO = Target("three jobs", 1.4, 1.6)
M_PEAK = (400, 260)
M_FLOOR = ("1", "fit2048:85:420,fill3000x2400:95:444,fit400:80:420")
Z_FILES = 200
Z_PEAK = (64, None)
Z_ZIP_MUST = 8.0
Z_CAT_MUST = 0.9
