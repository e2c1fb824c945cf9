"""Pages as pixels: grey, straight, without rules and specks, with letters of the size that Tesseract reads well."""

from __future__ import annotations

import numpy as np

from curation.extractors.ocr.components import components, letter_height, rules
from curation.extractors.ocr.extras import Image, ImageFilter
from curation.extractors.ocr.tesseract import OcrError

STEEPEST, STEP, FINE = 5.0, 0.25, 0.05
"""Degrees: the largest skew that is looked for, and the steps of a first and a second search."""
CLEAR = 1.1
"""How much sharper rows must be after a turn: on a page whose letters run together no turn is much better than another."""
CROOKED = 0.3
"""Degrees of skew from which a page is turned: below, Tesseract reads it as well as it stands."""
POINTS = 60_000
TINY, SMALL, GOOD = 6.0, 14.0, 22.0
"""Letters of TINY to SMALL pixels are enlarged to GOOD; what is lower is no letter but a piece of one."""
SPECK = 0.006
"""Pieces of ink of no more than this many squared heights of x are dirt: a tenth of a full stop."""


RAGGED, SOFT = 0.3, 0.045
"""Share of pieces far lower than letters from which a page counts as ragged (grain, broken type, JPEG), and the blur that heals it, in heights of x. Of
12 pages of the bench's training set 8 have the same errors or fewer with it; on pages of worn type at their worst 10 % to 20 % fewer."""


def to_grey(image: Image.Image, max_pixels: int) -> np.ndarray:
    """An image of any mode as `uint8` grey, 0 is black; what is transparent is paper. Raises OcrError (`image`) for one that is empty, too large or broken."""
    width, height = image.size
    if width * height == 0:
        raise OcrError("image", f"the page has {width} × {height} pixels")
    if width * height > max_pixels:
        raise OcrError("image", f"the page has {width} × {height} pixels, more than {max_pixels:,} (option max_pixels)")
    try:
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(paper, image)
        if image.mode.startswith(("I", "F")):
            deep = np.asarray(image, dtype=np.float32)
            top = 65535.0 if image.mode.startswith("I") and deep.max(initial=0) > 255 else max(float(deep.max(initial=0)), 1.0)
            return np.asarray(np.clip(deep * (255.0 / top), 0, 255), dtype=np.uint8)
        return np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise OcrError("image", f"the picture can't be decoded: {error}") from error


def threshold(grey: np.ndarray) -> int:
    """Otsu's threshold (1979): what is darker is ink."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    sums = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    between = np.where((below > 0) & (above > 0), (sums[-1] * below / below[-1] - sums) ** 2 / np.maximum(below * above, 1), 0)
    return int(between.argmax()) + 1


def skew(ink: np.ndarray) -> float:
    """Degrees by which lines fall to the right, by the turn for which rows of ink differ most (Postl, 1986)."""
    y, x = np.nonzero(ink)
    if len(y) < 200:
        return 0.0
    every = max(len(y) // POINTS, 1)
    y, x = y[::every].astype(np.float64), x[::every].astype(np.float64)
    size = sum(ink.shape)
    coarse = np.arange(-STEEPEST, STEEPEST + STEP / 2, STEP)
    best = max(coarse, key=lambda angle: (_sharpness(y, x, angle, size), -abs(angle)))
    fine = best + np.arange(-STEP, STEP + FINE / 2, FINE)
    found = float(max(fine, key=lambda angle: (_sharpness(y, x, angle, size), -abs(angle))))
    clear = _sharpness(y, x, found, size) > CLEAR * _sharpness(y, x, 0.0, size)
    return found if clear and abs(found) < STEEPEST else 0.0


def _sharpness(y: np.ndarray, x: np.ndarray, angle: float, size: int) -> float:
    rows = np.bincount((y - np.tan(np.radians(angle)) * x + size).astype(np.int64), minlength=1)
    return float((np.diff(rows.astype(np.float64)) ** 2).sum())


class Prepared:
    """A page ready to be read, and the way back to the pixels that it was made of."""

    def __init__(self, grey: np.ndarray, scale: float, shift: tuple[float, float], angle: float) -> None:
        self.grey, self.scale, self.shift, self.angle = grey, scale, shift, angle

    def back(self, x: float, y: float) -> tuple[float, float]:
        """A place of this page in the pixels of the picture, straightened about its middle."""
        return x / self.scale - self.shift[0], y / self.scale - self.shift[1]


def prepare(grey: np.ndarray, *, deskew: bool = True, clean: bool = True) -> Prepared:
    """The page straightened, its rules and specks painted over, tiny letters enlarged."""
    ink = grey < threshold(grey)
    angle = skew(_reduced(ink)) if deskew else 0.0
    shift = (0.0, 0.0)
    if abs(angle) >= CROOKED:
        turned = Image.fromarray(grey).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
        shift = ((turned.width - grey.shape[1]) / 2, (turned.height - grey.shape[0]) / 2)
        grey = np.asarray(turned)
        ink = grey < threshold(grey)
    else:
        angle = 0.0
    labels, rows = components(ink)
    x_height = letter_height(rows, grey.shape[0])
    ragged = bool(x_height) and float((rows[:, 3] - rows[:, 1] < 0.45 * x_height).mean()) > RAGGED
    if clean and x_height:
        grey = without_dirt(grey, ink, labels, rows, x_height)
        if ragged:
            grey = np.asarray(Image.fromarray(grey).filter(ImageFilter.GaussianBlur(min(max(SOFT * x_height, 0.6), 1.5))))
    scale = GOOD / x_height if TINY <= x_height < SMALL and not ragged else 1.0
    if scale > 1:
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        grey = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))
    return Prepared(grey, scale, shift, angle)


def without_dirt(grey: np.ndarray, ink: np.ndarray, labels: np.ndarray, rows: np.ndarray, x_height: float) -> np.ndarray:
    """The page with rules and specks in the colour of paper."""
    paper = np.uint8(np.median(grey[~ink])) if not ink.all() else np.uint8(255)
    dirt = rules(ink, x_height)
    small = np.concatenate(([False], rows[:, 4] <= SPECK * x_height**2))
    dirt |= small[labels]
    return np.where(dirt, np.maximum(grey, paper), grey)


def _reduced(ink: np.ndarray) -> np.ndarray:
    """Every other pixel of a large page: enough to see how lines run."""
    step = max(max(ink.shape) // 900, 1)
    return ink[::step, ::step]
