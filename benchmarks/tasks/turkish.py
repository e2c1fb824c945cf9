"""Tasks in Turkish, the nearest language with sets of all kinds, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.tasks.azerbaijani import massive, sib200, tags, three
from benchmarks.tasks.pinned import hashes
from benchmarks.tasks.task import BY_MACHINE, BY_PEOPLE, NATIVE, Fields, Task, listed

_FILES = three("{}.jsonl.gz")
_TYPES = listed(
    "CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PERSON PRODUCT QUANTITY TIME TITLE WORK_OF_ART"
)
_WIKIANN = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}
_UPOS = listed("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X")
_QA = {"train": "train.jsonl.gz", "validation": "train.jsonl.gz", "test": "test.jsonl.gz"}
_XQUAD = {"test": "test.jsonl.gz"}
_XCOPA = {"train": "dev.jsonl.gz", "validation": "dev.jsonl.gz", "test": "test.jsonl.gz"}


def _folded(types: Mapping[str, str]) -> dict[str | int, str]:
    """Each tag by the tag of another set's type; O where it has none."""
    return {tag: f"{tag[:2]}{types[tag[2:]]}" if tag[2:] in types else "O" for tag in tags(_TYPES)}


def _ner(name: str, title: str, values: Mapping[str | int, str], types: tuple[str, ...], stands_in: str) -> Task:
    return Task(
        name=name,
        title=title,
        kind="words",
        language="tur_Latn",
        folder="wiki_ner_tr",
        files=_FILES,
        shares={},
        train_on=None,
        read=Fields(texts=("tokens",), answer="ner_tags", values=values),
        labels=tags(types),
        metric="entity_f1",
        also=("entity_f1_strict", "piece_f1", "token_accuracy"),
        origin=f"{NATIVE}: Wikipedia",
        licence="CC BY-SA 4.0",
        source="turkish-nlp-suite/Turkish-Wiki-NER-Dataset @ 34b6e73",
        hub=None,
        hashes=hashes("wiki_ner_tr", _FILES),
        protocol=1,
        paper=None,
        stands_in=stands_in,
        faults="Sentences are Wikipedia's, which corpora hold too.",
    )


def _stsb(name: str, title: str, kind: str, labels: tuple[str, ...], form: str | None, least: float, metrics: tuple[str, ...]) -> Task:
    return Task(
        name=name,
        title=title,
        kind=kind,
        language="tur_Latn",
        folder="stsb_tr",
        files=_FILES,
        shares={},
        train_on=None,
        read=Fields(("sentence1", "sentence2"), "score", "genre dataset year sid", form=form, bounds=(least, 5.0)),
        labels=labels,
        metric=metrics[0],
        also=metrics[1:],
        origin=f"{BY_MACHINE} from English",
        licence="CC BY-SA 4.0 (scores; some texts have terms of their own)",
        source="verimsu/STSb-TR @ e4300854, data_splits",
        hub=None,
        hashes=hashes("stsb_tr", _FILES),
        protocol=1,
        paper=None,
        stands_in="MRPC",
        faults="Scores were given to the English pairs.",
    )


TASKS = (
    sib200("sib200-tr", "Turkish", "tur_Latn", "tur_Latn"),
    massive("massive-intents-tr", "Turkish", "tr-TR", "tur_Latn", slots=False),
    massive("massive-slots-tr", "Turkish", "tr-TR", "tur_Latn", slots=True),
    _ner("ner-tr", "Names and numbers of 19 types in the Turkish Wikipedia", {}, _TYPES, "WikiANN"),
    _ner("ner-tr-wikiann", "Names in the Turkish Wikipedia, by WikiANN's three types", _folded(_WIKIANN), ("PER", "ORG", "LOC"), "WikiANN"),
    _stsb("stsb-tr", "STSb in Turkish: how much two sentences are alike, from 0 to 5", "degree", (), None, 0.0, ("pearson", "spearman")),
    _stsb(
        "paraphrase-tr",
        "STSb in Turkish, cut at 4: do two sentences say the same but for details?",
        "pair",
        ("different", "same"),
        "alike",
        4.0,
        ("macro_f1", "accuracy", "binary_f1"),
    ),
    Task(
        name="pos-tr",
        title="UD Turkish IMST: the part of speech of each word",
        kind="words",
        language="tur_Latn",
        folder="ud_tr_imst",
        files=_FILES,
        shares={},
        train_on=None,
        read=Fields(texts=("tokens",), answer="upos", id="sent_id"),
        labels=_UPOS,
        metric="token_accuracy",
        also=(),
        origin=NATIVE,
        licence="CC BY-NC-SA 4.0: no commercial use",
        source="UniversalDependencies/UD_Turkish-IMST @ bcd48da",
        hub=None,
        hashes=hashes("ud_tr_imst", _FILES),
        protocol=1,
        paper=None,
        stands_in="WikiANN",
        faults="Short sentences stand several times, and in several splits.",
    ),
    Task(
        name="enelpi-qa-tr",
        title="Questions about Turkish and Ottoman history: where in a passage the answer stands",
        kind="span",
        language="tur_Latn",
        folder="enelpi_qa_tr",
        files=_QA,
        shares={"train": (0, 90), "validation": (90, 100)},
        train_on=None,
        read=Fields(texts=("context", "question"), answer="answers", id="id"),
        labels=(),
        metric="token_f1",
        also=("exact_match", "token_f1_az", "exact_match_az"),
        origin=f"{NATIVE}: Wikipedia",
        licence="MIT",
        source="okanvk/Turkish-Reading-Comprehension-Question-Answering-Dataset @ c6852f8, data/2020-enelpi-squad-dataset",
        hub=None,
        hashes=hashes("enelpi_qa_tr", _QA),
        protocol=1,
        paper=None,
        stands_in="SQuAD",
        faults="As released an answer stands at its place in 5,732 of 5,870 rows of train and in 350 of 405 of test: the others are looked up again, or left out where "
        "the context does not have them. Ids recur. There is no validation split: a tenth of train's contexts is it.",
    ),
    Task(
        name="xquad-tr",
        title="XQuAD, Turkish: where in a passage the answer stands; learnt from enelpi-qa-tr",
        kind="span",
        language="tur_Latn",
        folder="xquad_tr",
        files=_XQUAD,
        shares={},
        train_on="enelpi-qa-tr",
        read=Fields(texts=("context", "question"), answer="answers", id="id"),
        labels=(),
        metric="token_f1",
        also=("exact_match", "token_f1_az", "exact_match_az"),
        origin=f"{BY_PEOPLE} from English",
        licence="CC BY-SA 4.0",
        source="google-deepmind/xquad @ 7d30520, xquad.tr.json",
        hub=None,
        hashes=hashes("xquad_tr", _XQUAD),
        protocol=1,
        paper=None,
        stands_in="SQuAD",
        faults="A part of the contexts begins with U+FEFF.",
    ),
    Task(
        name="xcopa-tr",
        title="XCOPA, Turkish: which of two is the cause, or the effect",
        kind="choice",
        language="tur_Latn",
        folder="xcopa_tr",
        files=_XCOPA,
        shares={"train": (0, 70), "validation": (70, 100)},
        train_on=None,
        read=Fields(
            texts=("premise question",),
            answer="label",
            id="idx",
            values={0: "A", 1: "B"},
            choices=("choice1", "choice2"),
            said={"cause": "Bunun nedeni neydi?", "effect": "Bunun sonucu ne oldu?"},
        ),
        labels=("A", "B"),
        metric="accuracy",
        also=("macro_f1",),
        origin=f"{BY_PEOPLE} from English",
        licence="CC BY 4.0",
        source="cambridgeltl/xcopa @ e2e9d7f, data/tr",
        hub=None,
        hashes=hashes("xcopa_tr", _XCOPA),
        protocol=1,
        paper=None,
        stands_in="CB-MCQ",
        faults="XCOPA has no train split: an encoder learns from 70 of its 100 validation items, and chooses by the others. That is few: decoders answer it untaught.",
    ),
)
