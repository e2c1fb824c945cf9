"""The files that we have seen: rows, and SHA-256 as `sha256sum` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Pinned(NamedTuple):
    """Lines of a file, and its SHA-256."""

    rows: int
    sha256: str


PINNED: dict[str, Pinned] = {
    "az_mirage_qa/test.jsonl.gz": Pinned(7373, "4cde3673479d487396a4a9bd5fcf8717bcb39b9a698deacb46edd03c52850402"),
    "enelpi_qa_tr/test.jsonl.gz": Pinned(405, "5c6ce51dadd156fc687c3b850b35cbe35fdbc230fa1a49df477785f9dacc9a0b"),
    "enelpi_qa_tr/train.jsonl.gz": Pinned(5870, "7b7b2bfad054db8d6e634022e63fffbe17500e0c3a797d05958d5a86317167ba"),
    "massive/az-AZ.dev.jsonl.gz": Pinned(2033, "d9280ae1165f6d11c48172af20d7b89e9982ac9d076d1807828a1e194f33ced9"),
    "massive/az-AZ.test.jsonl.gz": Pinned(2974, "763a12ac068830c6a98adeeeb58c519e9bce29a181db07baec33ff96d72c676f"),
    "massive/az-AZ.train.jsonl.gz": Pinned(11514, "984a0b273806493289c225026154b33c81e05e0fce0a6008525bb9d64858d208"),
    "massive/tr-TR.dev.jsonl.gz": Pinned(2033, "530651524823076cce5c68fa1f7db84f0890ef62a169af329a890fb870b6b4b4"),
    "massive/tr-TR.test.jsonl.gz": Pinned(2974, "3e633af013bf3d714052edde6c2d3554c8eda6c0d083afe25a17c5ccb440570e"),
    "massive/tr-TR.train.jsonl.gz": Pinned(11514, "a51c4ec03417ee3de990a191e8935e2cb511388f7ab75f4ec43ed5c570b71159"),
    "sentiment_az/dev.jsonl.gz": Pinned(4200, "31d8b81ca060788317e5d3ba656897b538cf55572222628201e34a88ccb63d69"),
    "sentiment_az/test.jsonl.gz": Pinned(4200, "9c87173d7a40bba4aceb9e30aabd006c3cca602782c55636c65b98b4b89fcc95"),
    "sentiment_az/train.jsonl.gz": Pinned(19600, "d20f3b15cc869f330324d7cbc199c83a3f712075ce18956f893932407ff8d02f"),
    "sib200/azj_Latn.dev.jsonl.gz": Pinned(99, "c39ed042ac9aa59a79d647a929dcc83ca80a326322c5050a6f154055fd885a25"),
    "sib200/azj_Latn.test.jsonl.gz": Pinned(204, "df36583e77e5f23e7e816bc1f988099a194272c534b8d0bbdc1c58aec984434e"),
    "sib200/azj_Latn.train.jsonl.gz": Pinned(701, "d691e79ed46dcf061e6f264eb29c8f8451a00a24e1634b886cce07871039df3f"),
    "sib200/tur_Latn.dev.jsonl.gz": Pinned(99, "f3c52dbd406942803656094a5fe4d705d27716d683659fdddbd6eee2dd96d6dc"),
    "sib200/tur_Latn.test.jsonl.gz": Pinned(204, "72a8c18914a2bd63f42ef2f750c24731878a65e0ca0f9ad3e12cc8cf28d0aa22"),
    "sib200/tur_Latn.train.jsonl.gz": Pinned(701, "82fb26f6355af1156e5db8fa78d416da7425e38929938253c1d07df4c0932b12"),
    "stsb_tr/dev.jsonl.gz": Pinned(1500, "58f7ffc96614a52828218068cf2bff4ef0df284793c1b29df1bcad59efe423f0"),
    "stsb_tr/test.jsonl.gz": Pinned(1379, "810ffe2fe213a9b282a31103cb8244b0a28c645d5dcf484db19f3f7b71104751"),
    "stsb_tr/train.jsonl.gz": Pinned(5749, "ae04f073d627381edc7cf1079a4980e2f32dcd4307ebcca1e5450abdeec0e6db"),
    "tumlu_az/dev.jsonl.gz": Pinned(35, "fa18bc2f7281d62ae149f557e8ea8f61c31d6898d94d935abc7d741a579e9b1e"),
    "tumlu_az/test.jsonl.gz": Pinned(700, "0b5383439ba8d73e3a6731971dfa97a2ebb692dde87672f7e9c956ac612cf510"),
    "ud_tr_imst/dev.jsonl.gz": Pinned(1100, "877a8d866e29afc3f302ea9ec51fd5b4b4faf931415e33f35a69f690e2c234e9"),
    "ud_tr_imst/test.jsonl.gz": Pinned(1100, "399bc468394e9d6ca118adb01b52606f1129866626f68e827e888c49c2fde99c"),
    "ud_tr_imst/train.jsonl.gz": Pinned(3435, "5ee05a72be4bd629fb686bf22f5fe25f0dc0c20686832ed3e792f34c6247b7e5"),
    "wiki_ner_tr/dev.jsonl.gz": Pinned(1000, "3b22d22c78a0d37ff903241c00c78a52823479fc33ccdf840e46198706295bc8"),
    "wiki_ner_tr/test.jsonl.gz": Pinned(1000, "c08610b3c784ab8c9ee761ba340cf62751768817651a0fed3bd88f7f5ccfd23f"),
    "wiki_ner_tr/train.jsonl.gz": Pinned(17967, "7ea7597703ba0c7a76bc7589c8539fefc2954657b3b6945efd78598cbfa1aad1"),
    "xcopa_tr/dev.jsonl.gz": Pinned(100, "83da98f000666e1528b2595137a98fceec17fc35a70d45ee0d9bd197a6a75136"),
    "xcopa_tr/test.jsonl.gz": Pinned(500, "c9d59f78bf5bf94f7d4d5f1ee18569a949cf192e7b18ed68a4005ffc104a2927"),
    "xquad_tr/test.jsonl.gz": Pinned(1190, "263ed23b9b7bf801b3b2d01c7c01796c3ad64f4d0236e0af4b815248adcfdb9b"),
}
"""By folder and name."""


def hashes(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of a task's files by split."""
    return {split: PINNED[f"{folder}/{name}"].sha256 for split, name in files.items()}
