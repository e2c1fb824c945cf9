"""One file per question asked of a document: what it measures, and the rules on it."""

from curation.filters import (
    c4,
    contamination,
    datatrove,
    fineweb,
    gopher_quality,
    gopher_repetition,
    language,
    length,
    ocr,
    pii,
    quality,
    script,
)

__all__ = [
    "c4",
    "contamination",
    "datatrove",
    "fineweb",
    "gopher_quality",
    "gopher_repetition",
    "language",
    "length",
    "ocr",
    "pii",
    "quality",
    "script",
]
