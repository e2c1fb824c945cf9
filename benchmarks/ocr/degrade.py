"""What time, copying and scanning do to a page, at known strengths. Grey images of 300 dpi in and out; the same seed gives the same pixels."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageFilter

LEVELS = ("clean", "light", "moderate", "heavy", "severe")
Random = np.random.Generator


def _array(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def blur(image: Image.Image, level: int, scale: float, _: Random) -> Image.Image:
    """Out of focus: a Gaussian of 1.2 to 3.3 pixels."""
    return image.filter(ImageFilter.GaussianBlur(scale * (0, 1.2, 2.0, 2.8, 3.3)[level]))


def noise(image: Image.Image, level: int, scale: float, pick: Random) -> Image.Image:
    """Grain, and salt and pepper, as of a photocopy."""
    pixels = _array(image.filter(ImageFilter.GaussianBlur(0.7 * scale)))
    pixels = pixels + pick.normal(0, (0, 12, 24, 36, 43)[level], pixels.shape)
    specks = pick.random(pixels.shape) < (0, 0.0005, 0.0015, 0.003, 0.0045)[level]
    return _image(np.where(specks, 255 * (pick.random(pixels.shape) < 0.4), pixels))


def skew(image: Image.Image, level: int, _: float, pick: Random) -> Image.Image:
    """A page laid crookedly: 0.6 to 3 degrees either way."""
    return image.rotate(_angle(level, pick), Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def _angle(level: int, pick: Random) -> float:
    return (0, 0.6, 1.5, 2.5, 3.0)[level] * (1 if pick.random() < 0.5 else -1)


def bleed(image: Image.Image, level: int, scale: float, pick: Random) -> Image.Image:
    """The other side shines through: the page mirrored, moved and blurred, at up to half of its ink."""
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(1.5 * scale))
    other = ImageChops.offset(other, int(pick.integers(5, 60)), int(pick.integers(5, 60)))
    return _image(_array(image) - (0, 0.15, 0.3, 0.43, 0.52)[level] * (255 - _array(other)))


def low_resolution(image: Image.Image, level: int, scale: float, _: Random) -> Image.Image:
    """Scanned at 140 to 64 dpi (for 10 points) and enlarged again."""
    return _resampled(image, (300, 140, 100, 76, 64)[level] / scale)


def jpeg(image: Image.Image, level: int, scale: float, _: Random) -> Image.Image:
    """A photograph packed too tightly: 200 to 100 dpi at quality 40 to 8."""
    return _resampled(image, (300, 200, 140, 110, 95)[level] / scale, (95, 40, 18, 11, 9)[level])


def _resampled(image: Image.Image, dpi: float, quality: int = 0) -> Image.Image:
    share = min(dpi / 300, 1)
    small = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BOX)
    if quality:
        packed = io.BytesIO()
        small.save(packed, "JPEG", quality=quality)
        small = Image.open(packed).convert("L")
    return small.resize(image.size, Image.Resampling.BICUBIC)


def uneven_light(image: Image.Image, level: int, _: float, pick: Random) -> Image.Image:
    """A lamp on one side, weak ink, some grain."""
    down, across = np.linspace(-1, 1, image.height)[:, None], np.linspace(-1, 1, image.width)[None, :]
    turn = pick.uniform(0, 2 * np.pi)
    light = 1 - (0, 0.1, 0.18, 0.24, 0.28)[level] * (1 + (np.cos(turn) * across + np.sin(turn) * down) / 1.5) / 2
    ink = (1, 0.85, 0.7, 0.55, 0.48)[level]
    grain = pick.normal(0, (0, 5, 10, 15, 20)[level], (image.height, image.width))
    return _image((255 - ink * (255 - _array(image))) * light + grain)


def thick(image: Image.Image, level: int, scale: float, pick: Random) -> Image.Image:
    """Ink that has run: the strokes swell, and the edges are ragged."""
    return _strokes(image, scale * (0, 1.0, 1.4, 1.8, 2.1)[level], (128, 175, 200, 210, 216)[level], 30, pick)


def broken(image: Image.Image, level: int, scale: float, pick: Random) -> Image.Image:
    """Worn type: strokes thin and with gaps; 1 bit, as old scans are."""
    return _strokes(image, scale * (0, 1.0, 1.3, 1.6, 1.9)[level], (128, 112, 107, 103, 101)[level], (0, 40, 50, 56, 60)[level], pick)


def faint(image: Image.Image, level: int, scale: float, pick: Random) -> Image.Image:
    """Scanned too light, in black and white: thick strokes stay, hairlines go, and an m falls into strokes. Up to moderate."""
    return _strokes(image, scale * (0, 0.8, 0.8)[level], (128, 112, 103)[level], 20, pick)


def coarse(image: Image.Image, level: int, scale: float, _: Random) -> Image.Image:
    """A light scan in black and white at 165 or 150 dpi (for 10 points), as a fax is. Up to moderate."""
    dpi, threshold = ((300, 128), (165, 118), (150, 114))[level]
    share = min(dpi / scale / 300, 1)
    small = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BOX)
    return _image(np.where(_array(small) < threshold, 0.0, 255.0)).resize(image.size, Image.Resampling.BICUBIC)


def _strokes(image: Image.Image, radius: float, threshold: float, rough: float, pick: Random) -> Image.Image:
    """Black and white at a threshold that wavers from place to place."""
    pixels = _array(image.filter(ImageFilter.GaussianBlur(radius)))
    waver = _array(_image(128 + 127 * pick.normal(0, 0.5, (image.height // 3 + 1, image.width // 3 + 1))).resize(image.size)) - 128
    return _image(np.where(pixels < threshold + waver * rough / 100, 0.0, 255.0))


def mixed(image: Image.Image, level: int, scale: float, pick: Random) -> Image.Image:
    """A poor photocopy, scanned crookedly and sent on: thick strokes, skew, light, grain, JPEG, each a level weaker than alone."""
    for change in (skew, thick, uneven_light, noise, jpeg):
        image = change(image, max(level - 1, 0), scale, pick)
    return image


DEGRADATIONS: dict[str, Callable[[Image.Image, int, float, Random], Image.Image]] = {
    "blur": blur,
    "noise": noise,
    "skew": skew,
    "bleed": bleed,
    "low resolution": low_resolution,
    "jpeg": jpeg,
    "uneven light": uneven_light,
    "thick": thick,
    "broken": broken,
    "mixed": mixed,
}


def degrade(image: Image.Image, name: str, level: int, size: float, seed: int) -> Image.Image:
    """One of `DEGRADATIONS` at one of `LEVELS`, by number. Level 0 is the page as printed.

    What is measured in pixels grows with the size of the letters (in points), so that a level is as hard to read in all sizes.
    """
    return image if level == 0 else DEGRADATIONS[name](image, level, size / 10, np.random.default_rng(seed))


def angle(name: str, level: int, seed: int) -> float:
    """The angle, counterclockwise in degrees, by which `degrade` turns the page."""
    turned = {"skew": level, "mixed": max(level - 1, 0)}.get(name, 0)
    return _angle(turned, np.random.default_rng(seed)) if turned else 0.0
