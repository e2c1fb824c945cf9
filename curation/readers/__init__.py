"""One file per input format. Importing the package registers all of them."""

from curation.readers import datasets_folder, delimited, djvu, docx, epub, fb2, html, images, jsonl, mediawiki, parquet, pdf, plain, warc

__all__ = [
    "datasets_folder",
    "delimited",
    "djvu",
    "docx",
    "epub",
    "fb2",
    "html",
    "images",
    "jsonl",
    "mediawiki",
    "parquet",
    "pdf",
    "plain",
    "warc",
]
