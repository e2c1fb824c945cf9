"""Training: from a version to a tokenizer's folder, named by all that it depends on, whole or absent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer, normalizers

from curation.errors import DollmaError, nearest
from curation.files import whole_folder
from curation.fingerprint import canonical, fingerprint
from curation.languages.profile import load_profile
from modeling.card import plain
from modeling.corpus import Version
from modeling.tokenizer.counting import CHARACTER_SHARE, Progress, alphabet, counted_words, recut
from modeling.tokenizer.kinds import BYTE_ALPHABET, KINDS, SPACE, build, build_unigram, spaced, specials
from modeling.tokenizer.likely import likely_pieces
from modeling.tokenizer.pieces import Pieces, byte_symbols, learn, prefixed_alphabet, prefixed_symbols, with_endings
from modeling.tokenizer.sample import WEIGHT_UNIT, Sample, shares
from modeling.tokenizer.saved import CARD, CONFIG, SPECIAL, TOKENIZER
from modeling.tokenizer.words import (
    EVERY,
    base_alphabet,
    compiled,
    ending_pattern,
    letters_of,
    neighbours,
    normaliser,
    spaced_pattern,
    word_pattern,
)

METHOD = 2
"""Raised when the same parameters give another tokenizer."""
MULTIPLE = 64
"""A vocabulary's size is a multiple of it: matrix kernels want one."""
LARGEST = 1 << 16
"""Ids must fit 16 bits."""
MODEL_MAX_LENGTH = 512
SCORE_DIGITS = 6
"""Digits of a Unigram piece's score."""


class Settings(NamedTuple):
    """What a tokenizer is asked to be. `vocabulary` counts all ids; it is rounded up to a multiple of 64."""

    kind: str
    vocabulary: int
    sample_bytes: int
    uncased: bool = False

    @property
    def size(self) -> int:
        """Ids in all."""
        return -(-self.vocabulary // MULTIPLE) * MULTIPLE


class Trained(NamedTuple):
    """A tokenizer's folder, and whether it was made now."""

    folder: Path
    new: bool


def checked(settings: Settings) -> Settings:
    """The settings, if they can be met. Raises DollmaError otherwise."""
    if settings.kind not in KINDS:
        raise DollmaError(f"--type {settings.kind}: {nearest(settings.kind, KINDS)}")
    least = len(specials(settings.kind)) + MULTIPLE
    if not least <= settings.size <= LARGEST:
        raise DollmaError(f"--vocab {settings.vocabulary}: a {settings.kind} vocabulary has {least} to {LARGEST:,} ids, which fit 16 bits")
    if settings.sample_bytes < 1:
        raise DollmaError(f"--sample-bytes {settings.sample_bytes}: a sample has at least one byte")
    return settings


def place_of(version: Version, settings: Settings, workspace: Path) -> Path:
    """Where the tokenizer stands: TYPE-SIZE-FINGERPRINT. The sample is a function of the version and the settings, so it is in the name too."""
    profile = load_profile(version.language)
    asked = settings._asdict() | {"vocabulary": settings.size}
    named = {"method": METHOD, "version": version.fingerprint, "settings": asked, "alphabet": profile.alphabet, "fold": profile.fold}
    return workspace / "tokenizers" / f"{settings.kind}-{settings.size}-{fingerprint(named)[:8]}"


def train(version: Version, settings: Settings, workspace: Path, progress: Progress = lambda _: None) -> Trained:
    """Train a tokenizer, unless it is there.

    Raises DollmaError where the sample holds fewer pieces than are asked for, and names how many it holds.
    """
    place = place_of(version, checked(settings), workspace)
    if (place / CARD).is_file():
        return Trained(place, False)
    version.check_shards()
    profile = load_profile(version.language)
    fold = normaliser(profile if settings.uncased else None)
    base = base_alphabet(profile)
    sample = Sample(version, shares(version, settings.sample_bytes))
    learner = _unigram if settings.kind == "unigram" else _byte_pairs
    tokenizer, facts = learner(sample, settings, fold, _folded(base, fold), progress)
    with whole_folder(place) as folder:
        tokenizer.save(str(folder / TOKENIZER), pretty=True)
        card = _card(version, settings, place, sample, facts)
        _write(folder / CONFIG, _config())
        _write(folder / CARD, card)
        (folder / "README.md").write_text(_readme(card), encoding="utf-8")
    return Trained(place, True)


def _byte_pairs(
    sample: Sample, settings: Settings, fold: normalizers.Normalizer, base: set[str], progress: Progress
) -> tuple[Tokenizer, dict[str, Any]]:
    kind, wanted = settings.kind, settings.size - len(specials(settings.kind))
    bytewise = kind == "byte-bpe"
    pattern = spaced_pattern(EVERY, " ") if bytewise else word_pattern(EVERY)
    counts, forgotten = counted_words(sample, compiled(pattern), spaced(kind, fold), progress)
    letters = EVERY
    if bytewise:
        pieces = learn(counts, byte_symbols, BYTE_ALPHABET, wanted)
    else:
        known = alphabet(counts, base, _folded(neighbours(), fold), settings.size // CHARACTER_SHARE)
        letters = letters_of(known)
        words = with_endings(
            ((w, n) for w, n in recut(counts, compiled(word_pattern(letters))) if known.issuperset(w)), compiled(ending_pattern(letters))
        )
        pieces = learn(words, prefixed_symbols, prefixed_alphabet(known), wanted)
    _enough(len(pieces.vocabulary), wanted, settings)
    return build(kind, pieces, settings.size, letters, fold), _facts(counts, forgotten, pieces)


def _unigram(
    sample: Sample, settings: Settings, fold: normalizers.Normalizer, base: set[str], progress: Progress
) -> tuple[Tokenizer, dict[str, Any]]:
    wanted = settings.size - len(specials("unigram"))
    pattern = compiled(spaced_pattern(EVERY, SPACE))
    counts, forgotten = counted_words(sample, pattern, spaced("unigram", fold), progress)
    known = alphabet(counts, base, _folded(neighbours(), fold), settings.size // CHARACTER_SHARE)
    letters = letters_of(known)
    words = Counter[str]()
    for word, count in recut(counts, compiled(spaced_pattern(letters, SPACE))):
        if known.issuperset(word.replace(SPACE, "")):
            words[word] += count
    scored = [(piece, round(score, SCORE_DIGITS)) for piece, score in likely_pieces(words, sorted(known | {SPACE}), wanted)]
    _enough(len(scored), wanted, settings)
    return build_unigram(scored[:wanted], settings.size, letters, fold), _facts(counts, forgotten, Pieces([p for p, _ in scored], []))


def _folded(characters: set[str], fold: normalizers.Normalizer) -> set[str]:
    return {c for one in characters for c in fold.normalize_str(one)}


def _enough(found: int, wanted: int, settings: Settings) -> None:
    most = (settings.size - wanted + found) // MULTIPLE * MULTIPLE
    if found <= wanted - MULTIPLE:
        raise DollmaError(
            f"--vocab {settings.vocabulary}: the sample holds {found:,} pieces that stand in it twice, {settings.size - wanted + found:,} ids in all: "
            f"ask for --vocab {most} or less, or take a larger sample"
        )


def _facts(counts: Counter[str], forgotten: int, pieces: Pieces) -> dict[str, Any]:
    return {
        "words": round(counts.total() / WEIGHT_UNIT),
        "different_words": len(counts),
        "forgotten_words": round(forgotten / WEIGHT_UNIT),
        "pieces": len(pieces.vocabulary),
        "merges": len(pieces.merges),
    }


def _config() -> dict[str, Any]:
    """What AutoTokenizer needs beside `tokenizer.json`. Nothing here may ask for lower case or for stripped accents: the normaliser in there is all."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": MODEL_MAX_LENGTH,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        **{f"{name[1:-1].lower()}_token": name for name in SPECIAL},
    }


def _command(version: str, settings: Settings) -> str:
    """What trains this tokenizer again."""
    words = f"dollma tokenizer train {version} --type {settings.kind} --vocab {settings.size} --sample-bytes {settings.sample_bytes}"
    return words + (" --uncased" if settings.uncased else "")


def _card(version: Version, settings: Settings, place: Path, sample: Sample, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": place.name,
        "type": settings.kind,
        "vocabulary": settings.size,
        "uncased": settings.uncased,
        "language": version.language,
        "version": version.name,
        "version_fingerprint": version.fingerprint,
        "sample_bytes": settings.sample_bytes,
        "sample": sample.record(),
        "training": facts,
        "command": _command(version.name, settings),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(canonical(content), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _readme(card: dict[str, Any]) -> str:
    sample, training = card["sample"], card["training"]
    case = "lower case by the language's own rules" if card["uncased"] else "cased"
    rows = "\n".join(
        f"| {plain(name)} | {of['documents']:,} | {of['bytes']:,} | ×{of['weight']:.4g} |" for name, of in sorted(sample["sources"].items())
    )
    return f"""# {card["name"]}

A {card["type"]} tokenizer of {card["vocabulary"]:,} ids for {card["language"]}: {case}, NFC, accents kept. Trained on {card["version"]}
(fingerprint {card["version_fingerprint"]}) with

    {card["command"]}

| source | documents | bytes | each counts |
|---|---|---|---|
{rows}

{training["words"]:,} words, {training["different_words"]:,} of them different. Hash of the sample: {sample["hash"]}.
Ids 0 to 4 are {", ".join(SPECIAL)}; `[unused…]`, where there are any, stand at the end and mean nothing yet.
"""
