"""OCR: pages as pixels in, words with boxes and confidences out, by the real Tesseract."""

from curation.extractors.ocr.cache import page_cache
from curation.extractors.ocr.options import OcrOptions
from curation.extractors.ocr.recognise import recognise
from curation.extractors.ocr.tesseract import OcrError

__all__ = ["OcrError", "OcrOptions", "page_cache", "recognise"]
