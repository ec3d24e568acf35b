"""Cached writing by the generate() of Hugging Face's transformers: prints one line of JSON.

  hugging_face.py layers,heads,size,window,batch

A GPT-2 of this shape with 65 tokens and random weights writes 256 tokens by sampling at temperature 0.8, its
keys and values kept.  Its learned positions do not slide: it has as many as it writes.  The faster count of
threads, one or two, is taken.
"""

import json
import sys
import time

import torch
import transformers

VOCABULARY, WRITTEN = 65, 256


def rate(model: transformers.GPT2LMHeadModel, batch: int) -> float:
    """Return the median tokens a second of three calls after one."""
    rates = []
    for _ in range(4):
        begin = torch.zeros((batch, 1), dtype=torch.long)
        clock = time.perf_counter()
        found = model.generate(
            begin, attention_mask=torch.ones_like(begin), max_new_tokens=WRITTEN, min_new_tokens=WRITTEN,
            do_sample=True, temperature=0.8, top_k=0, use_cache=True, pad_token_id=0,
        )  # fmt: skip
        assert found.shape == (batch, WRITTEN + 1), found.shape
        rates.append(batch * WRITTEN / (time.perf_counter() - clock))
    return sorted(rates[1:])[1]


if __name__ == "__main__":
    layers, heads, size, _, batch = map(int, sys.argv[1].split(","))
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=WRITTEN + 1, n_embd=size, n_layer=layers, n_head=heads,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config).eval()
    found = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found[threads] = rate(model, batch)
    best = max(found, key=found.__getitem__)
    print(
        json.dumps(
            {
                "rate": found[best], "threads": best, "parameters": model.num_parameters(),
                "version": transformers.__version__, "torch": torch.__version__,
            }
        )
    )  # fmt: skip
