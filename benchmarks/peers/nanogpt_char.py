"""A character-level GPT in plain torch with nanoGPT's published CPU recipe: prints one line of JSON.

The architecture is GPT-2's (norms first, learned positions, GELU, tied embedding) without biases, as that
recipe has it: 4 layers, 4 heads, 128 components, windows of 64, batches of 12, 2000 steps of AdamW (0.9,
0.99), weight decay 0.1 on matrices, gradients clipped at 1, a rate that rises to 1e-3 over 100 steps and
falls as a cosine to
1e-4, no dropout; every 250 steps the loss is estimated on 20 batches of each part.  Usage:

  nanogpt_char.py train TEXT BEGUN      the recipe, timed from BEGUN (time.time() when the process was
  started) nanogpt_char.py step SHAPE BEGUN      seconds of a training step, eager; SHAPE is
  layers,heads,size,window,batch nanogpt_char.py write SHAPE BEGUN     tokens a second of its sampling loop,
  which keeps nothing between tokens
"""

import json
import math
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

VOCABULARY = 65
STEPS, WARMUP, RATE, LAST_RATE = 2000, 100, 1e-3, 1e-4
EVERY, BATCHES = 250, 20
WRITTEN = 256


class Block(nn.Module):
    """Attention and a feed-forward network, each after a norm and added to its input."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(size, bias=False), nn.LayerNorm(size, bias=False)
        self.query_key_value = nn.Linear(size, 3 * size, bias=False)
        self.output = nn.Linear(size, size, bias=False)
        self.up, self.down = nn.Linear(size, 4 * size, bias=False), nn.Linear(4 * size, size, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, size = x.shape
        parts = self.query_key_value(self.first(x)).split(size, dim=2)
        q, k, v = (p.view(batch, length, self.heads, size // self.heads).transpose(1, 2) for p in parts)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(y.transpose(1, 2).contiguous().view(batch, length, size))
        return x + self.down(functional.gelu(self.up(self.second(x))))


class GPT(nn.Module):
    """The model: logits of all positions, or of the last one alone."""

    def __init__(self, layers: int, heads: int, size: int, window: int):
        super().__init__()
        self.window = window
        self.tokens, self.positions = nn.Embedding(VOCABULARY, size), nn.Embedding(window, size)
        self.blocks = nn.ModuleList([Block(size, heads) for _ in range(layers)])
        self.last = nn.LayerNorm(size, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() >= 2:
                narrow = math.sqrt(2 * layers) if name.endswith(("output.weight", "down.weight")) else 1.0
                nn.init.normal_(weight, std=0.02 / narrow)

    def forward(self, x: torch.Tensor, alone: bool = False) -> torch.Tensor:
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
        for block in self.blocks:
            h = block(h)
        h = self.last(h)
        return (h[:, -1:] if alone else h) @ self.tokens.weight.T


def loss_of(model: GPT, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean of -log p of the next tokens."""
    return functional.cross_entropy(model(x).view(-1, VOCABULARY), y.reshape(-1))


def optimizer_of(model: GPT) -> torch.optim.AdamW:
    """Return AdamW that decays matrices alone."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))


def step(model: GPT, optimizer: torch.optim.AdamW, x: torch.Tensor, y: torch.Tensor) -> float:
    """Take one training step and return the loss, as the recipe logs it."""
    loss = loss_of(model, x, y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def rate_at(i: int) -> float:
    """Return the learning rate of step i."""
    if i < WARMUP:
        return RATE * (i + 1) / (WARMUP + 1)
    share = min((i - WARMUP) / (STEPS - WARMUP), 1.0)
    return LAST_RATE + 0.5 * (1 + math.cos(math.pi * share)) * (RATE - LAST_RATE)


def draw(part: torch.Tensor, window: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return windows at random places and what follows each of their tokens."""
    starts = torch.randint(len(part) - window, (batch,)).tolist()
    windows = torch.stack([part[s : s + window + 1] for s in starts])
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def estimate(model: GPT, part: torch.Tensor) -> float:
    """Return the mean loss of some batches."""
    return sum(loss_of(model, *draw(part, 64, 12)).item() for _ in range(BATCHES)) / BATCHES


@torch.no_grad()
def whole(model: GPT, part: torch.Tensor) -> float:
    """Return the mean loss of all of a part, window after window."""
    count = (len(part) - 1) // 64
    x, y = part[: count * 64].view(count, 64), part[1 : count * 64 + 1].view(count, 64)
    losses = [loss_of(model, a, b).item() * len(a) for a, b in zip(x.split(64), y.split(64), strict=True)]
    return sum(losses) / count


def train(path: str, begun: float) -> dict[str, float]:
    """Run the recipe."""
    torch.manual_seed(1337)
    text = Path(path).read_text(encoding="utf-8")
    number = {c: i for i, c in enumerate(sorted(set(text)))}
    tokens = torch.tensor([number[c] for c in text])
    cut = int(0.9 * len(tokens))
    parts = tokens[:cut], tokens[cut:]
    model = GPT(4, 4, 128, 64)
    optimizer = optimizer_of(model)
    best = math.inf
    for i in range(STEPS + 1):
        if i % EVERY == 0:
            best = min(best, [estimate(model, part) for part in parts][1])
        for group in optimizer.param_groups:
            group["lr"] = rate_at(i)
        step(model, optimizer, *draw(parts[0], 64, 12))
    seconds = time.time() - begun
    return {"seconds": seconds, "best": best, "nats": whole(model, parts[1])}


def shape_of(text: str) -> tuple[int, ...]:
    """Return layers, heads, size, window, batch."""
    return tuple(map(int, text.split(",")))


def timed_steps(shape: str, begun: float) -> dict[str, float]:
    """Return the median seconds of a training step within about 20 seconds."""
    layers, heads, size, window, batch = shape_of(shape)
    torch.manual_seed(0)
    model = GPT(layers, heads, size, window)
    optimizer, part = optimizer_of(model), torch.randint(VOCABULARY, (100_000,))
    times: list[float] = []
    while len(times) < 8 or (sum(times) < 20 and len(times) < 200):
        x, y = draw(part, window, batch)
        clock = time.perf_counter()
        step(model, optimizer, x, y)
        times.append(time.perf_counter() - clock)
    return {"seconds": sorted(times[3:])[len(times[3:]) // 2], "tokens": batch * window}


@torch.no_grad()
def timed_writing(shape: str, begun: float) -> dict[str, float]:
    """Return the tokens a second of the sampling loop."""
    layers, heads, size, window, batch = shape_of(shape)
    torch.manual_seed(0)
    model = GPT(layers, heads, size, window).eval()
    rates = []
    for _ in range(4):
        x = torch.zeros((batch, 1), dtype=torch.long)
        clock = time.perf_counter()
        for _ in range(WRITTEN):
            logits = model(x[:, -window:], alone=True)[:, -1] / 0.8
            x = torch.cat([x, torch.multinomial(functional.softmax(logits, dim=-1), 1)], dim=1)
        rates.append(batch * WRITTEN / (time.perf_counter() - clock))
    return {"rate": sorted(rates[1:])[1]}


if __name__ == "__main__":
    torch.set_num_threads(2)
    task, what, begun = sys.argv[1], sys.argv[2], float(sys.argv[3])
    done = {"train": train, "step": timed_steps, "write": timed_writing}[task](what, begun)
    print(json.dumps(done | {"version": torch.__version__}))
