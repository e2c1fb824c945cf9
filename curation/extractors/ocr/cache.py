"""Pages that were read before: OCR takes seconds a page, so nothing is read twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import numpy as np
from loguru import logger

from curation.extractors.ocr.narrow import MODEL as NARROW
from curation.extractors.ocr.narrow import lexicon_files
from curation.extractors.ocr.options import OcrOptions
from curation.extractors.ocr.strips import MODEL
from curation.extractors.ocr.tesseract import model_hash, version
from curation.extractors.page import Line, Page, Word
from curation.files import checksum, whole_file

VERSION = 8
"""Raised whenever the same pixels and options would give another page."""
LIMITS = {"timeout", "memory", "max_pixels", "resolution"}
"""Options that decide whether a page is read, not what is read in it."""

page_cache: ContextVar[Path | None] = ContextVar("page_cache", default=None)
"""Folder of the cache; None is the user's own: `DOLLMA_CACHE`, or else `~/.cache/dollma/pages`."""


def cache_folder() -> Path:
    """Where pages are kept now."""
    asked = page_cache.get() or os.environ.get("DOLLMA_CACHE")
    return Path(asked) if asked else Path("~/.cache/dollma/pages").expanduser()


def page_key(pixels: np.ndarray, options: OcrOptions) -> str:
    """What a page is kept under: its grey pixels and all that decides how they are read."""
    joined = [*options.languages.values(), *([options.formulas] if options.formulas else [])]
    languages = sorted({name for names in joined for name in names.split("+")})
    about = {
        "version": VERSION,
        "options": options.model_dump(mode="json", exclude=LIMITS),
        "tesseract": version(),
        "marks": [_checksum(path) for path in (MODEL, NARROW, *lexicon_files())] if options.marks else None,
        "models": {name: model_hash(name) for name in languages},
        "shape": pixels.shape,
    }
    digest = hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


@cache
def _checksum(path: Path) -> str:
    """Of a file that comes with the toolkit: it stays while a process runs."""
    return checksum(path)


def cached(key: str, number: int, read: Callable[[], Page]) -> Page:
    """The page kept under this key, or else what `read` gives, which is kept. A damaged entry is read anew; a folder that can't be written keeps nothing,
    and a warning in the log says so."""
    path = cache_folder() / key[:2] / f"{key}.json"
    kept = _load(path, key)
    if kept is None:
        kept = read()
        _store(path, key, kept)
    return Page(number, kept.width, kept.height, kept.lines, kept.origin, kept.label, kept.script, kept.notes)


def _store(path: Path, key: str, page: Page) -> None:
    lines = [[line.size, line.block, [list(word) for word in line.words]] for line in page.lines]
    body = json.dumps([page.width, page.height, page.origin, page.script, page.notes, lines], ensure_ascii=False)
    try:
        with whole_file(path) as temporary:
            temporary.write_text(f"{_sum(key, body)}\n{body}", encoding="utf-8")
    except OSError as error:
        _warn(path.parents[1], error.strerror or str(error))


@cache
def _warn(folder: Path, reason: str) -> None:
    """Once a process, not once a page. It is no failure: what is not kept has been read all the same."""
    remedy = "make room there and let it be written, or, outside a build, name another folder by DOLLMA_CACHE"
    logger.warning("{}: pages that OCR reads cannot be kept here ({}), and the next run reads them again: {}", folder, reason, remedy)


def _load(path: Path, key: str) -> Page | None:
    try:
        check, _, body = path.read_text(encoding="utf-8").partition("\n")
        if check != _sum(key, body):
            return None
        width, height, origin, script, notes, lines = json.loads(body)
    except (OSError, ValueError):
        return None
    read = tuple(Line(tuple(Word(*word) for word in words), size, block) for size, block, words in lines)
    return Page(0, width, height, read, origin, script=script, notes=tuple(notes))


def _sum(key: str, body: str) -> str:
    return hashlib.blake2b(f"{key}{body}".encode(), digest_size=16).hexdigest()
