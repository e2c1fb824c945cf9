"""Personal data go: a fixed mark for each kind stands in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa

from curation.formatters.base import Edit, EditingFormatter, Formatted
from curation.formatters.lines import MOST_EDITS
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.buffers import views
from curation.text.pii import KINDS, redact
from curation.text.pii_lines import suspect_lines
from curation.text.splice import Change, spliced


@register
class Pii(EditingFormatter):
    """Puts a mark in the place of every e-mail address, telephone number, bank account, card, code of a person and network address.

    What stands in its place depends on its kind alone, never on other text or documents. The ledger gets the rule (`pii.email`) and the line,
    never what stood there; of one document 10,000, more are one entry, `pii.more`. It belongs before `lines`, which gives the ledger what it cuts.
    """

    name: ClassVar[str] = "pii"

    email: str | None = "<EMAIL>"
    """What stands in the place of an e-mail address; null leaves them as they are. The same holds for the other kinds."""
    phone: str | None = "<PHONE>"
    """Of a telephone number."""
    iban: str | None = "<IBAN>"
    """Of a bank account's number (IBAN)."""
    card: str | None = "<CARD>"
    """Of a bank card's number."""
    code: str | None = "<CODE>"
    """Of a person's code (FIN) or the number of a passport or identity card."""
    ip: str | None = "<IP>"
    """Of a public network address, IPv4 or IPv6."""

    def edit(self, text: str, profile: Profile) -> tuple[str, list[Edit]]:
        """The text with the marks, and where they are."""
        formatted = self.apply(pa.array([text], pa.string()), profile)
        return formatted.texts[0].as_py(), formatted.edits.get(0, [])

    def apply(self, texts: pa.StringArray, profile: Profile, origins: Sequence[str | None] = ()) -> Formatted:
        """Only lines that could hold personal data become Python strings."""
        data, offsets = views(texts)
        marks = {kind: mark for kind in KINDS if (mark := getattr(self, kind)) is not None}
        edits: dict[int, list[Edit]] = {}
        changes: list[Change] = []
        for row, number, start, end, reasons in zip(*(column.tolist() for column in suspect_lines(data, offsets)), strict=True):
            better, found = redact(data[start:end].tobytes().decode(), marks, reasons)
            if found:
                changes.append((start, end, better.encode()))
                edits.setdefault(row, []).extend(Edit(f"pii.{piece.kind}", number, None) for piece in found)
        listed = {
            row: of if len(of) <= MOST_EDITS else [*of[:MOST_EDITS], Edit("pii.more", of[MOST_EDITS].line, None)]
            for row, of in edits.items()
        }
        return Formatted(spliced(data, offsets, changes) if changes else texts, {}, listed)
