"""Text to better text, before anything judges it."""

from curation.formatters import diacritics, encoding, lines, ocr, pii, script, torn, transliteration, whitespace

__all__ = ["diacritics", "encoding", "lines", "ocr", "pii", "script", "torn", "transliteration", "whitespace"]
