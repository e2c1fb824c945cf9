"""Print the README's table of the demo: what became of every document, and how many words each source gives.

python -m pipelines.demo.table [--workspace demo-workspace]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curation.writers.manifest import read_manifest
from pipelines.versions import find_version

COLUMNS = ("read", "kept", "rejected", "duplicate", "failed", "words")


def demo_table(manifest: dict[str, Any]) -> str:
    """A Markdown table with a row for each source and the total."""
    heads = ("Source", *(c.capitalize() for c in COLUMNS), "Up-sampling", "Final words")
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for source in manifest["sources"].values():
        counts, factor = [f"{source[c]:,}" for c in COLUMNS], f"×{source['upsample']:g}"
        lines.append(f"| {' | '.join([source['title'], *counts, factor, format(source['final_words'], ',')])} |")
    total = manifest["totals"]
    counts = [f"**{total[c]:,}**" for c in COLUMNS]
    return "\n".join([*lines, f"| {' | '.join(['**Total**', *counts, '', '**' + format(total['final_words'], ',') + '**'])} |"])


def main() -> None:
    """The table of the demo's version in a workspace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("demo-workspace"))
    print(demo_table(read_manifest(find_version("dollma-demo", parser.parse_args().workspace))))


if __name__ == "__main__":
    main()
