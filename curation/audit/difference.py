"""Two versions compared, as a section of a page."""

from __future__ import annotations

from typing import Any

from curation.audit.bars import paired_bars
from curation.audit.page import Html, table, text

Difference = dict[str, Any]

CAUSES = {
    ("added", "new"): "not in the earlier inputs",
    ("added", "rejected"): "rejected before",
    ("added", "duplicate"): "duplicate before",
    ("added", "failed"): "failed before",
    ("removed", "gone"): "not in the inputs any more",
    ("removed", "source_gone"): "its source is gone",
    ("removed", "rejected"): "now rejected",
    ("removed", "duplicate"): "now a duplicate",
    ("removed", "failed"): "now failed",
}
"""What to call why a document was added or removed."""
CHANGES = {
    "added": "Added", "removed": "Removed", "changed": "Changed", "moved": "Moved to another split", "copies": "Other number of copies",
}  # fmt: skip
SOURCE_HEADS = ("Source", "Before", "Added", "Removed", "After", "Changed", "Moved", "Copies")
WORD_HEADS = ("Source", "Before", "Added", "Removed", "By changes", "After")
NO_DIFFERENCE = "There is no difference: the same documents with the same texts, splits and copies, from the same inputs and settings."


def document_rows(difference: Difference) -> list[tuple[Any, ...]]:
    """Documents by source under `SOURCE_HEADS`; the total last."""
    return _rows(difference, "documents", ("a", "added", "removed", "b", "changed", "moved", "copies"))


def word_rows(difference: Difference) -> list[tuple[Any, ...]]:
    """Words by source under `WORD_HEADS`; the total last."""
    return _rows(difference, "words", ("a", "added", "removed", "changed", "b"))


def cause_of(change: str, cause: str | None, detail: str | None) -> str:
    """A cause in words: `now a duplicate (near)`."""
    told = CAUSES.get((change, cause or ""), "")
    return f"{told} ({detail})" if detail else told


def cause_table(difference: Difference) -> list[tuple[Any, ...]]:
    """Change, cause, source, documents, words; every document once."""
    return [
        (CHANGES[row["change"]], cause_of(row["change"], row["cause"], row["detail"]), row["source"], row["documents"], row["words"])
        for row in difference["causes"]
    ]


def rule_table(difference: Difference) -> list[tuple[Any, ...]]:
    """Change, rule with its reason, source, documents, words."""
    return [
        (
            CHANGES[row["change"]],
            f"{row['rule']}: {row['reason']}" if row["reason"] else row["rule"],
            row["source"],
            row["documents"],
            row["words"],
        )
        for row in difference["rules"]
    ]


def setting_rows(difference: Difference) -> list[tuple[str, str, Any, Any]]:
    """Where a setting stands, its key, the old value and the new one."""
    settings = difference["settings"]
    rows = [(where, row["key"], row["old"], row["new"]) for where in ("recipe", "profile", "packages") for row in settings[where]]
    for row in settings["thresholds"]:
        where = "all sources" if set(row["sources"]) == set(difference["sources"]) else ", ".join(row["sources"])
        rows.append(("threshold", f"{row['rule']} in {where}", row["old"], row["new"]))
    return rows


def input_rows(difference: Difference) -> list[tuple[str, str, str]]:
    """Source, what happened, and the files it happened to."""
    return [
        (source, f"{len(names):,} {what}", ", ".join(names[:5]) + (" …" if len(names) > 5 else ""))
        for source, files in difference["settings"]["inputs"].items()
        for what, names in files.items()
        if names
    ]


def fate(version: dict[str, Any] | None) -> str:
    """What one version made of a document, in words."""
    if version is None:
        return "not read"
    match version["verdict"]:
        case "rejected":
            return "rejected by " + ", ".join(_rule(rule) for rule in version["rules"])
        case "duplicate":
            similar = "" if version["similarity"] is None else f", similarity {version['similarity']:.2f}"
            return f"duplicate ({version['kind']}) of {version['survivor']}{similar}"
        case "failed":
            return f"failed: {version['error']}"
    return f"kept in {version['split']}, {version['copies']} {'copy' if version['copies'] == 1 else 'copies'}"


def diff_section(difference: Difference) -> Html:
    """The comparison as one `<section>`: what moved, why, what differs in the settings, alarms, samples. Its colours are those of `page.STYLE`."""
    a, b = difference["a"]["version"], difference["b"]["version"]
    parts = [f"<section><h2>{text(a)} → {text(b)}</h2>"]
    if difference["equal"]:
        parts.append(f"<p>{NO_DIFFERENCE}</p>")
    words = [(name, source["words"]["a"], source["words"]["b"]) for name, source in difference["sources"].items()]
    parts += [
        _part("Alarms", _alarms(difference)),
        _part("Documents", table(SOURCE_HEADS, document_rows(difference), total=True)),
        _part("Words", table(WORD_HEADS, word_rows(difference), total=True), paired_bars(words, f"Words by source in {a} (above) and {b}")),
        _part("Why: each document once", table(("Change", "Cause", "Source", "Documents", "Words"), cause_table(difference), texts=3)),
        _part(
            "Rules: a document counts for each that it fails",
            table(("Change", "Rule that rejected or rejects", "Source", "Documents", "Words"), rule_table(difference), texts=3),
        ),
        _part("Settings", table(("Where", "Key", "Old", "New"), setting_rows(difference), texts=4)),
        _part("Inputs", table(("Source", "Files", "Names"), input_rows(difference), texts=3)),
        _part("Samples", *map(_sample, difference["samples"])),
    ]
    return Html("\n".join(part for part in parts if part) + "</section>")


def _part(title: str, *contents: Html) -> str:
    return f"<h3>{title}</h3>" + "".join(contents) if any(contents) else ""


def _alarms(difference: Difference) -> Html:
    items = "".join(f'<li class="alarm">{text(alarm["message"])}</li>' for alarm in difference["alarms"])
    return Html(f"<ul>{items}</ul>" if items else "")


def _sample(sample: dict[str, Any]) -> Html:
    told = cause_of(sample["change"], sample["cause"], sample["detail"])
    head = CHANGES[sample["change"]] + (f", {told}" if told else "")
    lines = [
        f"<p>{text(head)}: <code>{text(sample['id'])}</code> <bdi>{text(sample['source'])}</bdi> <bdi>{text(sample['url'] or sample['locator'])}</bdi></p>"
    ]
    for name, version in (("Before", sample["a"]), ("After", sample["b"])):
        lines.append(f'<p class="faint">{name}: <bdi>{text(fate(version))}</bdi></p>')
        if version and version["text"] and not (name == "After" and sample["a"] and sample["a"]["text"] == version["text"]):
            lines.append(f'<p dir="auto">{text(version["text"])}</p>')
    return Html(f"<article>{''.join(lines)}</article>")


def _rows(difference: Difference, kind: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    rows = [(name, *(source[kind][column] for column in columns)) for name, source in difference["sources"].items()]
    return [*rows, ("Total", *(difference["totals"][kind][column] for column in columns))]


def _rule(rule: dict[str, Any]) -> str:
    if rule["value"] is None:
        return str(rule["rule"])
    return f"{rule['rule']} ({rule['measure']} {rule['value']:.4g}, threshold {rule['threshold']:.4g})"
