"""Arrow string arrays as numpy views, and back, without copying."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from curation.text.lines import LineCounts, character_counts, line_counts
from curation.text.scripts import script_letters
from curation.text.words import Counts, text_counts
from curation.text.wordtable import WordTable, word_table


def views(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """(bytes, offsets) of a string array: text i is bytes[offsets[i]:offsets[i + 1]]; uint8 and int32, no copy.

    Raises TypeError for another type and ValueError for nulls: documents have none.
    """
    if texts.type != pa.string():
        raise TypeError(f"need an Arrow string array, got {texts.type}")
    if texts.null_count:
        raise ValueError(f"{texts.null_count} of {len(texts)} texts are null")
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    own = np.frombuffer(data if data is not None else b"", dtype=np.uint8)
    own.flags.writeable = starts.flags.writeable = False  # some Arrow buffers are writeable: numba would compile every kernel twice
    return own, starts


def string_array(data: np.ndarray, offsets: np.ndarray) -> pa.StringArray:
    """An Arrow string array over these bytes (uint8) and offsets (int32, one more than there are texts), no copy."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, np.int32)), pa.py_buffer(data)]
    return pa.StringArray.from_buffers(len(offsets) - 1, buffers[1], buffers[2])


class TextBatch:
    """A batch of texts as kernels see it: `data` (uint8) and `offsets` (int32, n + 1), views of the Arrow buffers.

    `pages` are those of books, as the table `documents` has them (`curation.document.PAGE`): a text without them is one page.
    """

    def __init__(self, texts: pa.StringArray, pages: pa.ListArray | None = None) -> None:
        self.texts = texts
        self.pages = pages
        self.data, self.offsets = views(texts)

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def byte_counts(self) -> np.ndarray:
        """Bytes of UTF-8 per text (int64)."""
        return np.diff(self.offsets).astype(np.int64)

    @cached_property
    def script_letters(self) -> np.ndarray:
        """Letters of each script per text, as `curation.text.scripts.script_letters` gives them."""
        return script_letters(self.data, self.offsets)

    @cached_property
    def counts(self) -> Counts:
        """Characters, words and lines, counted once for all filters."""
        return text_counts(self.data, self.offsets)

    @cached_property
    def character_counts(self) -> np.ndarray:
        """Code points per text (int64)."""
        return character_counts(self.data, self.offsets)

    @cached_property
    def word_table(self) -> WordTable:
        """Where each word stands, and its hash."""
        return word_table(self.data, self.offsets)

    @cached_property
    def line_counts(self) -> LineCounts:
        """Lines and those that are repeated, for the rules of Gopher and FineWeb."""
        return line_counts(self.data, self.offsets)
