"""Packages of the extra `books`, which a bare install lacks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from curation.errors import DollmaError

try:
    from PIL import Image, ImageFilter, ImageOps
except ImportError as error:
    Image = ImageFilter = ImageOps = None  # type: ignore[assignment]
    missing: Any = error
else:
    missing = None if find_spec("pytesseract") else ImportError("No module named 'pytesseract'")

__all__ = ["Image", "ImageFilter", "ImageOps", "check_extras"]


def check_extras() -> None:
    """Raises DollmaError where Pillow or pytesseract is not installed."""
    if missing is not None:
        raise DollmaError(f"OCR needs the packages pillow and pytesseract: `pip install 'dollma[books]'` ({missing})") from missing
