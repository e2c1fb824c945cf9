"""What a decoder says: its likeliest continuation of a prompt, and one draw, both repeatable."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from modeling.card import SampleFact

TEMPERATURE = 0.8
LIKELIEST = 50
"""A draw is among so many tokens: what small models give outside of them is mostly noise. Fan et al. (1805.04833) drew from the 10 likeliest, GPT-2's samples from 40."""


def samples(
    model: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[str], *, begin: int, end: int, tokens: int, seed: int
) -> tuple[SampleFact, ...]:
    """Up to `tokens` more tokens for each prompt, the empty one being the start of a document. `begin` and `end` are the ids before and after a document.

    The draw of a prompt depends on `seed` and the prompt's place alone.
    """
    was_training = model.training
    model.eval()
    found = []
    for place, prompt in enumerate(prompts):
        ids = [begin, *tokenizer.encode(prompt, add_special_tokens=False).ids]
        generator = torch.Generator().manual_seed(seed + place)
        greedy, sampled = (continued(model, ids, end, tokens, draw) for draw in (None, generator))
        found.append(SampleFact(prompt=prompt, greedy=tokenizer.decode(greedy), sampled=tokenizer.decode(sampled)))
    model.train(was_training)
    return tuple(found)


@torch.inference_mode()
def continued(model: PreTrainedModel, ids: Sequence[int], end: int, tokens: int, generator: torch.Generator | None) -> list[int]:
    """At most `tokens` ids after `ids`, up to `end`: the likeliest each time, or drawn by `generator` (on the CPU, so that any device draws the same)."""
    fresh, cache, found = torch.tensor([list(ids)], device=model.device), None, []
    room = min(tokens, model.config.max_position_embeddings - len(ids))
    for _ in range(room):
        out = model(input_ids=fresh, past_key_values=cache, use_cache=True)
        cache, logits = out.past_key_values, out.logits[0, -1].float().cpu()
        following = int(logits.argmax()) if generator is None else _drawn(logits, generator)
        if following == end:
            break
        found.append(following)
        fresh = torch.tensor([[following]], device=model.device)
    return found


def _drawn(logits: torch.Tensor, generator: torch.Generator) -> int:
    best, ids = logits.topk(min(LIKELIEST, len(logits)))
    return int(ids[torch.multinomial((best / TEMPERATURE).softmax(-1), 1, generator=generator)])
