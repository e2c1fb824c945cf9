"""The MinHash signatures of other tools, shingling counted, over texts in memory: `python other_signatures.py NAME texts.jsonl.zst`.

Runs in `.venv-bench`; nothing of DOLLMA is imported here. Prints the seconds. datatrove has its own shingles (its tokenizer for Azerbaijani, spaCy's, or white
space) and its own 14 buckets of 8 with 64-bit hashes; datasketch and rensa get runs of five words between white space, made in Python, and 112 permutations.
"""

# ruff: noqa: PLC0415 - only the package that is asked for is imported
from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zstandard

PERMUTATIONS, WORDS = 112, 5


def shingles(text: str) -> list[str]:
    """Runs of five words."""
    words = text.split()
    return [" ".join(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1))]


def datasketch(texts: list[str]) -> None:
    """`MinHash.bulk`."""
    from datasketch import MinHash

    MinHash.bulk([[shingle.encode() for shingle in shingles(text)] for text in texts], num_perm=PERMUTATIONS)


def rensa(texts: list[str]) -> None:
    """`RMinHash.digest_matrix_from_token_sets`, the fastest of its ways from strings to RMinHash signatures."""
    from rensa import RMinHash  # type: ignore[import-not-found]

    RMinHash.digest_matrix_from_token_sets([shingles(text) for text in texts], PERMUTATIONS, 1)


def datatrove(texts: list[str], language: Any) -> None:
    """`MinhashDedupSignature`, from documents to sorted files."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig

    config = MinhashConfig(n_grams=WORDS, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(precision=64))
    with tempfile.TemporaryDirectory() as folder:
        block = MinhashDedupSignature(folder, config=config, language=language)
        block.run(Document(text=text, id=str(number)) for number, text in enumerate(texts))


def datatrove_default(texts: list[str]) -> None:
    """With the tokenizer that it has for Azerbaijani."""
    datatrove(texts, "azj_Latn")


def datatrove_whitespace(texts: list[str]) -> None:
    """With the cheapest tokenizer there is."""
    from datatrove_blocks import WhiteSpace  # type: ignore[import-not-found]

    datatrove(texts, WhiteSpace())


TOOLS = {"datasketch": datasketch, "rensa": rensa, "datatrove": datatrove_default, "datatrove-whitespace": datatrove_whitespace}


def main() -> None:
    """A first text is not counted: it loads what must be loaded."""
    tool, path = TOOLS[sys.argv[1]], Path(sys.argv[2])
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
        texts = [json.loads(line)["text"] for line in io.TextIOWrapper(stream, encoding="utf-8", newline="\n")]
    tool(texts[:1])
    started = time.perf_counter()
    tool(texts)
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
