"""The data card: the README that Hugging Face shows, made from the manifest alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from curation.writers.mixture import TEST, TRAIN, VALIDATION

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"), (10**8, "10M<n<100M"))
_KINDS = {
    "exact": "{:,} are equal to their survivor but for case and white space",
    "near": "{:,} are near-duplicates",
    "contained": "{:,} stand almost whole in their survivor",
}
WITHDRAWN = "recipe.withdrawn"
"""The rule that rejects what a recipe takes back."""
HUB_LICENCES = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "agpl-3.0", "lgpl-3.0", "mpl-2.0", "unlicense"),
        *("cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "odc-by", "odbl", "pddl", "cdla-permissive-2.0"),
    }
)
"""Licences of texts, by the names that Hugging Face's dataset cards know (https://huggingface.co/docs/hub/repositories-licenses)."""
NOT_STATED = "**not stated**"


def data_card(manifest: dict[str, Any]) -> str:
    """Markdown with a YAML header: the paper's table, what was removed and why, where each source comes from, how to load it."""
    parts = [
        _header(manifest),
        f"# {_text(manifest['title'] or manifest['name'])}\n",
        _text(manifest["description"] or ""),
        f"Version `{manifest['version']}`, language `{manifest['language']}`. Words are counted between white space. "
        "[report.html](report.html) shows all of this in charts, with samples of what each rule rejected.",
        "## Composition\n\n" + _composition(manifest),
        "## Splits\n\n" + _splits(manifest),
        "## What became of every document\n\n" + _conservation(manifest),
        "## Rules that rejected documents\n\n" + _rules(manifest),
        "## Alarms\n\n" + _alarms(manifest),
        "## Where the texts come from\n\n" + _origins(manifest),
        "## How to load it\n\n" + _loading(),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def composition_rows(manifest: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """The table of the DOLLMA paper: source, words, up-sampling, final words; the total last."""
    rows = []
    for source in manifest["sources"].values():
        rows.append((source["title"], f"{source['words']:,}", f"×{source['upsample']:g}", f"{source['final_words']:,}"))
    total = manifest["totals"]
    return [*rows, ("Total", f"{total['words']:,}", "", f"{total['final_words']:,}")]


def conservation_rows(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """Documents by source: read, kept, rejected, duplicate, failed."""
    columns = ("read", "kept", "rejected", "duplicate", "failed")
    rows = [(source["title"], *(f"{source[c]:,}" for c in columns)) for source in manifest["sources"].values()]
    return [*rows, ("Total", *(f"{manifest['totals'][c]:,}" for c in columns))]


def _header(manifest: dict[str, Any]) -> str:
    documents = sum(split["copies"] for split in manifest["splits"].values())
    splits = [{"split": name, "path": f"data/{name}-*.parquet"} for name, split in _in_order(manifest["splits"]) if split["shards"]]
    header = {
        "language": [manifest["language"].split("_")[0]],
        "pretty_name": manifest["title"] or manifest["name"],
        **_licence(manifest["licence"] or ""),
        "task_categories": ["text-generation", "fill-mask"],
        "size_categories": [next((name for limit, name in _SIZES if documents < limit), "n>100M")],
        "configs": [{"config_name": "default", "data_files": splits}],
    }
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---"


def _licence(stated: str) -> dict[str, str]:
    """The Hub takes the names of its own list alone; any other licence is `other`, with its name beside."""
    if stated.lower() in HUB_LICENCES:
        return {"license": stated.lower()}
    return {"license": "other"} | ({"license_name": " ".join(stated.split())} if stated else {})


def _in_order(splits: dict[str, Any]) -> list[tuple[str, Any]]:
    """Train first: it is what loaders show."""
    return sorted(splits.items(), key=lambda item: (TRAIN, VALIDATION, TEST).index(item[0]))


def _composition(manifest: dict[str, Any]) -> str:
    return _table(("Data source", "Words", "Up-sampling", "Final words"), composition_rows(manifest))


def _splits(manifest: dict[str, Any]) -> str:
    columns = ("documents", "words", "copies", "copied_words")
    rows = [(name, *(f"{split[column]:,}" for column in columns)) for name, split in _in_order(manifest["splits"]) if split["shards"]]
    return _table(("Split", "Documents", "Words", "Documents with copies", "Words with copies"), rows)


def _conservation(manifest: dict[str, Any]) -> str:
    table = _table(("Data source", "Read", "Kept", "Rejected", "Duplicate", "Failed"), conservation_rows(manifest))
    kinds = ", ".join(_KINDS[kind].format(count) for kind, count in manifest["duplicates"].items())
    withdrawn = sum(source["rules"].get(WITHDRAWN, 0) for source in manifest["sources"].values())
    return (
        f"{table}\n\nRead = kept + rejected + duplicate + failed, document by document in `ledger/`. Of the duplicates found over all sources "
        f"{kinds}, each verified against the text of the survivor it names."
        + (f" {withdrawn:,} of the rejected documents were withdrawn by request." if withdrawn else "")
    )


def _rules(manifest: dict[str, Any]) -> str:
    rows = [(source["title"], rule, f"{count:,}") for source in manifest["sources"].values() for rule, count in source["rules"].items()]
    note = "A document that fails several rules counts for each.\n\n"
    return note + _table(("Data source", "Rule", "Documents"), rows) if rows else "None."


def _alarms(manifest: dict[str, Any]) -> str:
    since = manifest["since"]
    compared = f"Compared with `{_text(since['version'])}`.\n\n" if since else ""
    return compared + ("\n".join(f"- {_text(alarm['message'])}." for alarm in manifest["alarms"]) or "None.")


def _origins(manifest: dict[str, Any]) -> str:
    rows = []
    flags = []
    for name, source in manifest["sources"].items():
        rows.append((source["title"], *(source[key] or NOT_STATED for key in ("licence", "origin", "citation"))))
        missing = [key for key in ("licence", "origin", "citation") if not source[key]]
        if missing:
            flags.append(f"- Source `{name}` states no {' and no '.join(missing)}: add it to the recipe before you publish.")
    return _table(("Data source", "Licence", "Origin", "Citation"), rows) + ("\n\n" + "\n".join(flags) if flags else "")


def _loading() -> str:
    return """```python
from datasets import load_dataset
corpus = load_dataset("FOLDER OR REPOSITORY", split="train")
```

```sql
SELECT source, count(*), sum(words) FROM 'data/train-*.parquet' GROUP BY source;   -- DuckDB
SELECT * FROM 'ledger/*.parquet' WHERE verdict = 'rejected' LIMIT 10;
```"""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows])


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def _text(text: str) -> str:
    """One line without markup: a card is shown on the web, and a recipe may come from anyone."""
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())
