"""Bytes as letters, as byte-level tokenizers write them: what is printable in Latin-1 stands for itself, the others follow from U+0100 on."""

from __future__ import annotations

_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHERS = tuple(byte for byte in range(256) if byte not in _PRINTABLE)

LETTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(0x100 + number) for number, byte in enumerate(_OTHERS)}
"""The letter of each byte: that of `tokenizers.pre_tokenizers.ByteLevel`."""
BYTE_OF = {letter: byte for byte, letter in LETTER_OF.items()}
"""The byte of each letter."""
