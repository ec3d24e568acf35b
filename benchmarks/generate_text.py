"""T3, T5, T6 and T7: a small language model beside nanoGPT's own recipe.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import json
import statistics
import sys
from typing import Any

from benchmarks.run import entry
from benchmarks.solve_measure import PEERS, process, python_of

Row = list[dict[str, Any]]
SMALL, LARGE = (4, 4, 128, 64), (6, 6, 384, 256)
"""Layers, heads, size and window of nanoGPT's two recipes for characters: 0.8 and 10.7 million weights."""
SEEDS = 3
KNESER_NEY = "Kneser-Ney 6-gram"


def peer(task: str, what: str) -> dict[str, Any]:
    """Run nanoGPT's recipe or a part of it in a fresh process."""
    return process([python_of("nanogpt"), str(PEERS / "nanogpt_char.py"), task, what], [])


def ours(**wanted: Any) -> dict[str, Any]:
    """Measure ours in a fresh process."""
    return process([sys.executable, "-m", "benchmarks.generate_child"], [json.dumps(wanted)])


def shakespeare() -> str:
    """Return the path of the text of nanoGPT's recipe."""
    from ansatz.data.datasets import get

    return str(get("tiny-shakespeare")[0])


def losses() -> Row:
    """T3: what is reached in the time of nanoGPT's CPU recipe, by the network alone and with the n-gram."""
    from ansatz.data.corpus import make_corpus, read_corpus
    from ansatz.generate.ngram import fit_ngram

    path = shakespeare()
    theirs = peer("train", path)
    corpus = make_corpus(read_corpus(path))
    gram = fit_ngram(corpus.train, order=6, size=corpus.tokenizer.size).nats(corpus.validation)
    figures: Row = []
    for what, bars, options in (
        ("the transformer alone", (1.78, 1.65), {}),
        ("with the n-gram residual", (1.533, 1.49), {"residual": True}),
    ):
        runs = [
            ours(what="train", text=path, options={"budget": theirs["seconds"], "seed": seed} | options)
            for seed in range(SEEDS)
        ]
        nats = [run["nats"] for run in runs]
        last, took = runs[-1], statistics.median(run["seconds"] for run in runs)
        note = (
            f"nanoGPT {theirs['best']:.3f} (its estimate; {theirs['nats']:.3f} on all of the part) in "
            f"{theirs['seconds']:.0f} s; {KNESER_NEY} {gram:.3f}; ours {min(nats):.3f} to "
            f"{max(nats):.3f} of {SEEDS} seeds in {took:.0f} s from process start, compiling included "
            f"({last['compiling']:.0f} s), {last['long']:.3f} with half a window before each token; "
            f"layers, heads, size, window, batch "
            f"{last['shape']}, {last['steps']} steps, {last['tokens'] / 1e6:.2f} million tokens"
        )
        figures.append(
            entry(
                "", f"tiny Shakespeare in the time of nanoGPT's CPU recipe, {what}", statistics.median(nats),
                unit="nats", must=bars[0], aim=bars[1], better="lower", note=note, seconds=took,
                peer=f"nanoGPT's recipe, torch {theirs['version']}", versions={"torch": theirs["version"]},
            )
        )  # fmt: skip
    return figures


def training_rate() -> Row:
    """T5: training tokens a second of the same model and batch, against torch eager."""
    figures: Row = []
    for name, shape, batch, bars in (("0.8 M", SMALL, 12, (0.75, 1.0)), ("10.7 M", LARGE, 64, (0.9, 1.2))):
        full = (*shape, batch)
        theirs, own = peer("step", ",".join(map(str, full))), ours(what="step", shape=list(full))
        rates = [found["tokens"] / found["seconds"] for found in (own, theirs)]
        note = (
            f"ours {rates[0]:,.0f} tokens/s ({1e3 * own['seconds']:.1f} ms a step, {own['driver']} on "
            f"{own['placement'][1]} devices), torch eager on 2 threads {rates[1]:,.0f} "
            f"({1e3 * theirs['seconds']:.1f} ms)"
        )
        figures.append(
            entry(
                "", f"training tokens a second, {name} parameters, batch {batch} × {shape[3]}",
                rates[0] / rates[1], unit="×", must=bars[0], aim=bars[1], better="higher", note=note,
                peer=f"nanoGPT's model, torch {theirs['version']}", versions={"torch": theirs["version"]},
            )
        )  # fmt: skip
    return figures


def writing_rate(name: str, shape: tuple[int, ...], bars: Any) -> Row:
    """T6 and T7: tokens a second of cached writing, batch 1, against two peers' loops in Python.

    nanoGPT's keeps nothing between tokens, Hugging Face's keeps keys and values as ours does.
    """
    full = (*shape, 1)
    written = ",".join(map(str, full))
    own = [ours(what="write", shape=list(full)) for _ in range(2)]
    loop = peer("write", written)
    face = process([python_of("nanogpt"), str(PEERS / "hugging_face.py"), written], [])
    rate = max(one["rate"] for one in own)
    note = (
        f"ours {rate:,.0f} tokens/s once compiled (the first call, with compiling: {own[0]['first']:.1f} s), "
        f"nanoGPT's loop {loop['rate']:,.0f}, Hugging Face's generate {face['rate']:,.0f} on "
        f"{face['threads']} threads with {face['parameters']:,} parameters; 256 tokens, window {shape[3]}"
    )
    common: dict[str, Any] = {"unit": "×", "better": "higher", "note": note}
    torch = {"torch": loop["version"]}
    return [
        entry("", f"cached writing, {name} parameters, over nanoGPT's loop", rate / loop["rate"],
              must=bars[0][0], aim=bars[0][1], peer=f"nanoGPT's loop, torch {loop['version']}",
              versions=torch, **common),
        entry("", f"cached writing, {name} parameters, over Hugging Face's generate", rate / face["rate"],
              must=bars[1][0], aim=bars[1][1], peer=f"transformers {face['version']}",
              versions=torch | {"transformers": face["version"]}, **common),
    ]  # fmt: skip


def small_writing() -> Row:
    """T6: 0.8 M parameters, batch 1."""
    return writing_rate("0.8 M", SMALL, ((8, 15), (4, 8)))


def large_writing() -> Row:
    """T7: 10.7 M parameters, window 256, batch 1."""
    return writing_rate("10.7 M", LARGE, ((8, 15), (1.2, 2)))
