"""Lines that Tesseract tore apart: pieces on one row, one between the words of the other, as in columns of short answers or of a table."""

from __future__ import annotations

from curation.extractors.ocr.hocr import ReadLine

SAME = 0.6
"""Share of the lower of two lines' heights that must be beside the other."""


def with_whole_rows(lines: list[ReadLine]) -> list[ReadLine]:
    """The lines; those that are interleaved with an earlier one are part of it."""
    whole: list[ReadLine] = []
    for line in lines:
        at = next((at for at, other in enumerate(whole) if _interleaved(other, line)), None)
        if at is None:
            whole.append(line)
        else:
            whole[at] = _merged(whole[at], line)
    return whole


def _interleaved(one: ReadLine, other: ReadLine) -> bool:
    left, right = max(one.box[0], other.box[0]), min(one.box[2], other.box[2])
    top, bottom = max(one.box[1], other.box[1]), min(one.box[3], other.box[3])
    low = min(one.box[3] - one.box[1], other.box[3] - other.box[1])
    if right <= left or bottom - top < SAME * low or max(one.x_height, other.x_height) > 1.5 * min(one.x_height, other.x_height):
        return False
    boxes = [[word.box for word in line.words] for line in (one, other)]
    return not any(a[0] < b[2] and b[0] < a[2] for a in boxes[0] for b in boxes[1])


def _merged(one: ReadLine, other: ReadLine) -> ReadLine:
    words = tuple(sorted(one.words + other.words, key=lambda word: word.box[0]))
    box = min(one.box[0], other.box[0]), min(one.box[1], other.box[1]), max(one.box[2], other.box[2]), max(one.box[3], other.box[3])
    return one._replace(words=words, box=box, slope=0.0, offset=one.base((one.box[0] + one.box[2]) / 2) - box[3])
