"""`dollma lexicon`: train the lexicon by which words are judged, and ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="The lexicon: which words a language has, and how common they are.")
out = Console(soft_wrap=True)

Files = Annotated[list[Path], typer.Argument(help="Labelled rows (NAME.jsonl.zst) and word lists (NAME.wordlist.gz).", show_default=False)]


@app.command()
def train(
    files: Files,
    output: Annotated[Path, typer.Option("--out", help="Lexicon to write (.npz).", show_default=False)],
    language: Annotated[str, typer.Option(help="Language profile, or the path of one.")] = "azj_Latn",
) -> None:
    """Train a lexicon on the rows that `sources.yaml` names and OCR is not tested on. The same files give the same bytes."""
    from curation.languages.lexicon.train import train as run
    from curation.languages.profile import load_profile

    counted = run(files, load_profile(language), output)
    for name, words in sorted(counted.words.items()):
        out.print(f"{name}: {words:,}", highlight=False)
    out.print(f"{output}: {counted.forms:,} words, {counted.endings:,} endings, {output.stat().st_size:,} bytes", highlight=False)


@app.command()
def confusions(
    folder: Annotated[
        Path, typer.Argument(help="Folder with the text of pages (NAME.txt) and what OCR read (NAME.seen).", show_default=False)
    ],
    language: Annotated[str, typer.Option(help="Language profile; pages in Cyrillic are counted in Latin letters.")] = "azj_Latn",
) -> None:
    """Count how often letters are read as others, and print it as in `confusions.yaml`: shares per 100,000."""
    import json

    from curation.languages.lexicon.confuse import confusion_shares
    from curation.languages.profile import load_profile
    from curation.text.transliteration import to_latin

    profile = load_profile(language)
    texts = [(file.read_text("utf-8"), file.with_suffix(".seen").read_text("utf-8")) for file in sorted(folder.glob("*.txt"))]
    pages = [[profile.folded(" ".join(to_latin(text).split())) for text in pair] for pair in texts]
    for true, seen in confusion_shares([(true, seen) for true, seen in pages], profile.alphabet + "w").items():
        out.print(f"{json.dumps(true, ensure_ascii=False)}: {json.dumps(seen, ensure_ascii=False)}", highlight=False)


@app.command()
def word(
    words: Annotated[list[str], typer.Argument(help="Words to look up.", show_default=False)],
    language: Annotated[str, typer.Option(help="Language profile that a lexicon comes with.")] = "azj_Latn",
) -> None:
    """Print of each word its occurrences per million, its cost in bits, and whether it is known."""
    from curation.errors import DollmaError
    from curation.text.lexicon import load_lexicon

    lexicon = load_lexicon(language)
    if lexicon is None:
        raise DollmaError(f"no lexicon comes with {language!r}: azj_Latn has one")
    for one in words:
        known = "known" if lexicon.known(one) else "unknown"
        out.print(f"{one}: {lexicon.frequency(one):.2f} per million, {lexicon.word_cost(one):.1f} bits, {known}", highlight=False)
