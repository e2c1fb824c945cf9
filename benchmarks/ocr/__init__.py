"""Tesseract and our repair on rendered and degraded pages, whose text is known: `python -m benchmarks.ocr`."""
