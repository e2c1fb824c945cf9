"""Dialogues as a model's tokens: written by the chat template of its tokenizer, or by ours where it has none, and marked where the model is to answer.

A chat template is a program (Jinja) of whoever published the tokenizer. transformers runs it in Jinja's sandbox: it sees the messages it is given and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jinja2 import TemplateError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from curation.errors import DollmaError
from modeling.adaptation.instructions import ASSISTANT, USER, Turn
from modeling.quiet import quiet
from modeling.tokenizer import load_tokenizer, vocabulary

FILE = "chat_template.jinja"
"""Where transformers keeps it, beside `tokenizer.json`."""
TITLES = {USER: "### User:", ASSISTANT: "### Assistant:"}
DEFAULT = (
    "{{{{ {begin} }}}}{{% for message in messages %}}"
    "{{% if message['role'] == 'system' %}}{{{{ message['content'] + '\\n\\n' }}}}"
    "{{% elif message['role'] == 'user' %}}{{{{ '{user}\\n' + message['content'] + '\\n\\n' }}}}"
    "{{% else %}}{{{{ '{assistant}\\n' + message['content'] + {end} }}}}{{% endif %}}{{% endfor %}}"
    "{{% if add_generation_prompt %}}{{{{ '{assistant}\\n' }}}}{{% endif %}}"
)
"""For a tokenizer without a template: titles in plain words, as Alpaca has them, the token that begins a text once, and after each answer the one that ends a text."""


class Unwritable(Exception):  # noqa: N818 - the caller makes a Failure of it
    """A dialogue that the template can't write, or that would forge its marks."""


class Encoded(NamedTuple):
    """`ids` of a whole dialogue, int64, and which of them the model is to answer with: those of the assistant's turns with what ends them."""

    ids: np.ndarray
    asked: np.ndarray


class Chat:
    """How one model writes dialogues. `template` is what is saved with it."""

    def __init__(self, folder: Path) -> None:
        """Raises DollmaError where the folder has no tokenizer."""
        self.folder = folder
        self.tokens = load_tokenizer(folder)
        self.tokens.encode_special_tokens = False
        words = vocabulary(folder)
        self.ends = (words.special - {words.unk}) | {words.sep}
        self.marks = [mark for number in sorted(words.special) if (mark := self.tokens.id_to_token(number))]
        with quiet():
            self.writer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.own = self.writer.chat_template is None
        if self.own:
            self.writer.chat_template = default(*(str(self.tokens.id_to_token(number)) for number in (words.cls, words.sep)))

    @property
    def template(self) -> str:
        """The template in use."""
        return str(self.writer.get_chat_template())

    def write(self, turns: Sequence[Turn], to_answer: bool = False) -> str:
        """The turns as the model reads them; `to_answer` ends where an answer begins. Raises Unwritable where the template won't."""
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        try:
            return str(self.writer.apply_chat_template(messages, tokenize=False, add_generation_prompt=to_answer))
        except (TemplateError, TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
            raise Unwritable(f"the chat template can't write it ({type(error).__name__}: {error})") from error

    def encode(self, turns: Sequence[Turn]) -> Encoded:
        """A dialogue's ids, and which of them are answers. Where the template writes earlier turns otherwise once others follow, the last answer alone is asked for.

        Raises Unwritable for a text that holds a special token's name, which would be read as that token, and where the template writes no answer.
        """
        if forged := next((mark for turn in turns for mark in self.marks if mark in turn.text), None):
            raise Unwritable(f"a text holds {forged!r}, which the tokenizer reads as a mark of its own")
        whole = self.write(turns)
        answers = [self._answer(turns, place, whole) for place, turn in enumerate(turns) if turn.role == ASSISTANT]
        found = [answer for answer in answers if answer]
        if not answers or not answers[-1]:
            raise Unwritable("the chat template does not go on from its own beginning of an answer")
        encoded = self.tokens.encode(whole, add_special_tokens=False)
        asked, spans = np.zeros(len(encoded.ids), np.bool_), np.array(encoded.offsets, np.int64).reshape(-1, 2)
        for first, last in found if len(found) == len(answers) else found[-1:]:
            asked |= (spans[:, 1] > first) & (spans[:, 0] < last) & (spans[:, 1] > spans[:, 0])
        return Encoded(np.array(encoded.ids, np.int64), asked)

    def _answer(self, turns: Sequence[Turn], place: int, whole: str) -> tuple[int, int] | None:
        """From where to where the answer stands in the whole; None where what is written before it is not how the whole begins."""
        before, after = self.write(turns[:place], to_answer=True), self.write(turns[: place + 1])
        return (len(before), len(after)) if after.startswith(before) and whole.startswith(after) else None


def default(begin: str, end: str) -> str:
    """Our template for a tokenizer whose texts begin and end with these tokens."""
    return DEFAULT.format(begin=repr(begin), end=repr(end), user=TITLES[USER], assistant=TITLES[ASSISTANT])


def ending(chat: Chat) -> int | None:
    """The special token that ends an answer, where a model is to stop; None where the template writes none.

    Raises DollmaError where the template can't write a question and its answer: then no row can be used.
    """
    try:
        found = chat.encode([Turn(USER, "Salam"), Turn(ASSISTANT, "Salam")])
    except Unwritable as error:
        raise DollmaError(f"{chat.folder}: {error}: {_REMEDY}") from error
    if not found.asked.any():
        raise DollmaError(f"{chat.folder}: the chat template leaves answers out: {_REMEDY}")
    return next((number for number in reversed(found.ids[found.asked].tolist()) if number in chat.ends), None)


_REMEDY = f"take {FILE} away, or chat_template out of tokenizer_config.json, for ours"
