"""One measurement of a language model in a process of its own; prints one line of JSON.

Usage: generate_child.py BEGUN WANTED, with BEGUN the time.time() at which the process was started and WANTED
JSON: {"what": "train", "text": PATH, "options": {…}}, {"what": "step" | "write", "shape": [layers, heads,
size, window, batch]}.
"""

import json
import sys
import time
from typing import Any

WRITTEN = 256


def trained(begun: float, text: str, options: dict[str, Any]) -> dict[str, Any]:
    """Train on a text, with a budget until that long after the start of the process, and judge the model."""
    from pathlib import Path

    from ansatz.core import count_parameters
    from ansatz.generate.text import find_text, make_ready_text, train_text
    from ansatz.generate.text_judge import judged_model
    from ansatz.generate.text_measure import judge_tokens
    from ansatz.generate.text_settings import sort_out_text

    if "budget" in options:
        options = options | {"budget": options["budget"] - (time.time() - begun)}
    settings, recipe = sort_out_text(options | {"baselines": False})
    ready = make_ready_text(find_text(Path(text)), settings, recipe, rest=0.0)
    run = train_text(ready)
    seconds = time.time() - begun
    recipe = ready.recipe
    judged = judge_tokens(judged_model(ready, run), ready.corpus.validation, recipe.length)
    return {
        "seconds": seconds,
        "nats": judged.nats,
        "error": judged.error,
        "long": judged.long,
        "parameters": count_parameters(run.model),
        "steps": run.step,
        "tokens": run.step * recipe.batch * recipe.length,
        "compiling": run.info["compile_seconds"],
        "step": run.info["step_seconds"],
        "shape": [recipe.layers, recipe.heads, recipe.size, recipe.length, recipe.batch],
    }


def twin(shape: list[int]) -> Any:
    """Return the recipe of the model that nanoGPT trains."""
    from ansatz.generate.text_network import TextNetwork
    from ansatz.maps.transformer import Decoder
    from ansatz.maps.transformer_block import BlockOptions

    layers, heads, size, window, batch = shape

    class Twin(TextNetwork):
        """GPT-2's blocks without biases, learned positions, AdamW."""

        def decoder(self, vocabulary: int, key: Any) -> Decoder:
            options = BlockOptions(self.size, self.heads, activation="gelu", norm_first=True, bias=False)
            return Decoder(vocabulary, self.layers, self.length, "learned", options=options, key=key)

    return Twin(
        layers=layers, heads=heads, size=size, length=window, batch=batch, optimizer="adamw",
        weight_decay=0.1, learning_rate=1e-3, schedule="cosine", every=10**6,
    )  # fmt: skip


def stepped(begun: float, shape: list[int]) -> dict[str, Any]:
    """Return the median seconds of a training step of the twin, as `fit` takes it."""
    import jax
    import jax.random as jr
    import numpy as np

    from ansatz.generate.text_budget import timed_driver
    from ansatz.generate.text_network import TextData
    from ansatz.training.prepare import arrays_for, prepare

    tokens = np.random.default_rng(0).integers(0, 65, 100_000).astype(np.int32)
    recipe, data = twin(shape), TextData(tokens, tokens[:20_000], 65)
    driver, _ = timed_driver(recipe, data, 0)
    ready = prepare(recipe, data, jr.key(0), 1)
    _, arrays, _ = arrays_for(driver.program.place, driver.program.shared, ready)
    times: list[float] = []
    while len(times) < 8 or (sum(times) < 20 and len(times) < 40):
        count = 5 if driver.program.step_seconds < 0.2 else 1
        clock = time.perf_counter()
        chunk = driver.run(arrays, ready.key, 0, 10**6, count)
        jax.block_until_ready(chunk.arrays)
        times.append((time.perf_counter() - clock) / count)
        arrays = chunk.arrays
    median = sorted(times[2:])[len(times[2:]) // 2]
    place = list(driver.program.place)
    return {"seconds": median, "tokens": shape[3] * shape[4], "driver": driver.name, "placement": place}


def wrote(begun: float, shape: list[int]) -> dict[str, Any]:
    """Return the tokens a second of cached writing, with and without the program's compilation."""
    import jax

    from ansatz.generate.autoregressive import generate
    from ansatz.generate.choice import Choice

    _, _, _, _, batch = shape
    recipe = twin(shape)
    # A learned code ends with the window; with rotary positions it slides, as the peer's loop does.
    from dataclasses import replace

    from ansatz.generate.text_network import TextNetwork

    model = TextNetwork.decoder(
        replace(recipe, positions="rope", activation="gelu", norm="layer", cosine=False),
        65,
        jax.random.key(0),
    )
    clock = time.perf_counter()
    generate(model, [[0]] * batch, WRITTEN, choice=Choice(0.8))
    compiling = time.perf_counter() - clock
    rates = []
    for seed in range(1, 6):
        clock = time.perf_counter()
        generate(model, [[0]] * batch, WRITTEN, choice=Choice(0.8), seed=seed)
        rates.append(batch * WRITTEN / (time.perf_counter() - clock))
    return {"rate": sorted(rates)[2], "first": compiling}


if __name__ == "__main__":
    asked = json.loads(sys.argv[2])
    task = {"train": trained, "step": stepped, "write": wrote}[asked.pop("what")]
    print(json.dumps(task(float(sys.argv[1]), **asked)))
