"""The program Tesseract, run once a page under limits of time and memory.

`pytesseract` tells what is installed. The run itself is our own few lines, because `pytesseract` can limit the time but not the memory, and passes pages through
files. Here the page goes in by standard input and the result comes out by standard output: no file is made and no name from outside reaches a command line.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import signal
import subprocess
from functools import cache
from pathlib import Path

import numpy as np

from curation.errors import DollmaError
from curation.extractors.ocr.extras import check_extras
from curation.extractors.ocr.hocr import ReadLine, parse_hocr
from curation.extractors.page import PageError

PROGRAM = "tesseract"
THRESHOLDS = {"otsu": "0", "adaptive": "1", "sauvola": "2"}
MESSAGE = 300
"""Characters of Tesseract's own message that are passed on."""
OUT_OF_MEMORY = re.compile(r"bad_alloc|bad_array_new_length|[ck]?alloc fail|pix_malloc|Cannot allocate|out of memory", re.IGNORECASE)


class OcrError(PageError):
    """A page that could not be read. `reason` is `timeout`, `memory`, `ocr` (Tesseract failed) or `image` (the picture itself)."""


def debian_package(language: str) -> str:
    """The Debian package of a language: `aze_cyrl` is in `tesseract-ocr-aze-cyrl`."""
    return f"tesseract-ocr-{language.replace('_', '-').lower()}"


@cache
def version() -> str:
    """Version of the installed Tesseract. Raises DollmaError where there is none, or one before version 5, which has other results."""
    check_extras()
    import pytesseract  # noqa: PLC0415  (it imports pandas where that is installed: a third of a second that no other run should pay)

    try:
        found = str(pytesseract.get_tesseract_version())
    except (pytesseract.TesseractNotFoundError, SystemExit) as error:
        raise DollmaError(
            "OCR needs the program tesseract, and there is none on the PATH. Debian and Ubuntu: "
            "apt-get install tesseract-ocr tesseract-ocr-aze tesseract-ocr-aze-cyrl"
        ) from error
    if int(found.split(".", maxsplit=1)[0]) < 5:
        raise DollmaError(
            f"OCR needs Tesseract 5 or later, and the program tesseract on the PATH is {found}: install a newer package tesseract-ocr"
        )
    return found


@cache
def models() -> dict[str, Path]:
    """The installed languages and their model files."""
    version()
    listed = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=60, check=False).stdout.splitlines()  # noqa: S603
    place = re.search(r'"(.*)"', listed[0]) if listed else None
    folder = Path(place.group(1)) if place else Path()
    return {name.strip(): folder / f"{name.strip()}.traineddata" for name in listed[1:]}


def check_languages(languages: str) -> None:
    """Raises DollmaError, naming the Debian package, for a language of `aze+eng` that is not installed."""
    for name in languages.split("+"):
        if name not in models():
            raise DollmaError(
                f"Tesseract's language {name!r} is not installed; installed are {', '.join(sorted(models()))}. "
                f"Debian and Ubuntu: apt-get install {debian_package(name)}"
            )


@cache
def model_hash(language: str) -> str:
    """BLAKE2b of a language's model file: another package of the same language reads otherwise."""
    check_languages(language)
    with models()[language].open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def run_tesseract(
    pixels: np.ndarray,
    languages: str,
    *,
    mode: int = 3,
    dpi: int = 300,
    binarise: str = "otsu",
    timeout: float = 120.0,
    memory: int = 2 << 30,
) -> list[ReadLine]:
    """The lines that Tesseract reads in a grey image (`uint8`, 0 is black), with a box for every letter. `mode` is its page segmentation mode (3 finds
    the blocks, 6 takes the image as one block, 7 as one line).

    Raises OcrError, and DollmaError where the program or a language is missing.
    """
    check_languages(languages)
    settings = {"thresholding_method": THRESHOLDS[binarise], "hocr_char_boxes": "1", "tessedit_create_hocr": "1", "hocr_font_info": "0"}
    command = [PROGRAM, "stdin", "stdout", "-l", languages, "--psm", str(mode), "--dpi", str(dpi)]
    command += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    height, width = pixels.shape
    image = f"P5\n{width} {height}\n255\n".encode() + np.ascontiguousarray(pixels).tobytes()
    process = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"OMP_THREAD_LIMIT": "1"}
    )
    with process:
        _limit(process.pid, timeout, memory)
        try:
            out, err = process.communicate(image, timeout)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise OcrError("timeout", f"Tesseract took more than {timeout:g} s for {width} × {height} pixels") from error
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise _fault(process.returncode, err.decode("utf-8", "replace"), memory)
    try:
        return parse_hocr(out)
    except ValueError as error:
        raise OcrError("ocr", f"Tesseract's answer can't be read: {error}") from error


def _limit(pid: int, timeout: float, memory: int) -> None:
    """Limits of the kernel on a child that has yet to read its page. Its time on the processor too, so that it ends even where its parent was killed."""
    if not hasattr(resource, "prlimit"):
        return
    seconds = int(timeout) + 1
    for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        try:
            resource.prlimit(pid, limit, (value, value))
        except ProcessLookupError:
            return  # it ended at once: its exit status says why


def _fault(status: int, said: str, memory: int) -> OcrError:
    said = " ".join(said.split())[-MESSAGE:]
    if OUT_OF_MEMORY.search(said) or -status == signal.SIGKILL:
        return OcrError("memory", f"Tesseract needs more than {memory >> 20} MiB for this page (option memory): {said}")
    if -status == signal.SIGXCPU:
        return OcrError("timeout", "Tesseract took too long")
    how = f"was ended by signal {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return OcrError("ocr", f"Tesseract {how}: {said}")
