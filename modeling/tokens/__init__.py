"""Tokens on their way from a version to a model: the store, packing, order, loader."""

from modeling.tokens.loader import Batch, batches
from modeling.tokens.order import row_of
from modeling.tokens.packing import Packed, Rows, pack
from modeling.tokens.store import Part, Specials, Split, Tokens, open_tokens, verify_tokens, write_store

__all__ = [
    "Batch",
    "Packed",
    "Part",
    "Rows",
    "Specials",
    "Split",
    "Tokens",
    "batches",
    "open_tokens",
    "pack",
    "row_of",
    "verify_tokens",
    "write_store",
]
