"""Pillow's part of the benchmark: pillow_side.py WORKLOAD OUT MARK, the photos' names on the standard input.

Two processes. `-draft` behind the workload: the decoder may make the picture smaller.
"""

import io
import multiprocessing
import sys
from functools import cache
from pathlib import Path

from PIL import Image, ImageCms, ImageFilter, ImageOps

workload, out, mark = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
draft = workload.endswith("-draft")
workload = workload.removesuffix("-draft")


@cache
def srgb():
    return ImageCms.createProfile("sRGB")


@cache
def stamp():
    image = Image.open(mark)
    return image.convert("RGB"), image.getchannel("A")


def to_srgb(image):
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    return ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), srgb())


def fit(image, edge):
    by = edge / max(image.size)
    size = (round(image.width * by), round(image.height * by))
    if draft:
        image.draft("RGB", size)
    return image.resize(size, Image.Resampling.LANCZOS)


def make(name):
    image = Image.open(name)
    # Colour at the size that is cheaper: the small one.
    profile = image.info.get("icc_profile")
    quality, subsampling = 95, "4:4:4"
    if workload == "w1":
        image = fit(image, 2048)
        quality, subsampling = 85, "4:2:0"
    elif workload == "w2":
        image = ImageOps.fit(image, (3000, 2400), Image.Resampling.LANCZOS)
    elif workload == "w4":
        image = fit(image, 400)
        quality, subsampling = 80, "4:2:0"
    else:
        image.load()
    image.info["icc_profile"] = profile
    image = to_srgb(image)
    if workload == "w1":
        image = image.filter(ImageFilter.UnsharpMask(0.7, 70, 2))
    elif workload == "w2":
        image = image.filter(ImageFilter.UnsharpMask(1.0, 100, 2))
    elif workload == "w3":
        color, alpha = stamp()
        for top in range(0, image.height, color.height):
            for left in range(0, image.width, color.width):
                image.paste(color, (left, top), alpha)
    image.save(out / name, quality=quality, subsampling=subsampling, dpi=(300, 300))


if __name__ == "__main__":
    names = sys.stdin.read().split()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(make, names, chunksize=1)
