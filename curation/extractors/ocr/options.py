"""What a recipe can say of OCR."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME = re.compile(r"[A-Za-z]\w*(\+[A-Za-z]\w*)*", re.ASCII)


def _languages(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name of Tesseract languages: expected such as 'aze' or 'aze+eng'")
    return value


Languages = Annotated[str, AfterValidator(_languages)]
"""Tesseract's names of models, joined by `+`."""


class OcrOptions(BaseModel):
    """How pages are read from pixels. All of it goes into the fingerprint of a build and the key of the page cache."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    languages: dict[str, Languages] = Field(default_factory=lambda: {"Latn": "aze", "Cyrl": "aze_cyrl"}, min_length=1)
    """Tesseract's language for each script (ISO 15924) that the pages may be in. With several, each page is tried and the script chosen that reads best."""

    resolution: int = Field(default=300, ge=72, le=600)
    """Dots per inch at which pages of a PDF are rendered."""

    deskew: bool = True
    """Straighten pages that are skewed by more than a fifth of a degree."""

    binarise: Literal["otsu", "adaptive", "sauvola"] = "otsu"
    """Tesseract's way from grey to black and white: one threshold for the page, adaptive Otsu, or Sauvola's."""

    marks: bool = True
    """Look again for quotation marks («», “”, „“), which Tesseract's Azerbaijani models read as letters, and at m and narrow letters that look like it (rn, nı)."""

    formulas: Languages | None = "eng"
    """Language in which numbers, signs and single letters are read again where the page's own language is not sure of them; null for no second reading."""

    timeout: float = Field(default=120.0, gt=0)
    """Seconds that one run of Tesseract may take. A page needs two to six runs."""

    memory: int = Field(default=2 << 30, ge=1 << 20)
    """Bytes of address space that Tesseract may have (where the system can limit them: Linux)."""

    max_pixels: int = Field(default=100_000_000, ge=10_000)
    """Pixels of the largest page that is read: A2 at 400 dpi, four times an A4 page at 600."""
