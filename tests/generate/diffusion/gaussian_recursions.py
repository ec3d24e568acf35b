"""What every sampler makes of Gaussian data, worked out by hand for one component (Pierret & Galerne 2025).

Data N(m, c) at time t are N(α m, v) with v = α² c + σ².  Their denoiser is x̂₀ = m + (α c / v) (x - α m), the
flow is α' m + G (x - α m) with G = (α α' c + σ σ') / v, and so every step multiplies the distance from
the mean by a number and may add a variance.
"""

import itertools

import numpy as np


class Component:
    """One component of Gaussian data under a process, in NumPy."""

    def __init__(self, process, mean, variance):
        self.process, self.mean, self.c = process, mean, variance

    def pair(self, t):
        name = type(self.process).__name__
        if name == "Linear":
            low, high = self.process.low, self.process.high
            left = np.exp(-(low * t + (high - low) * t**2 / 2))
            return np.sqrt(left), np.sqrt(1 - left)
        if name == "Cosine":
            return np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t)
        return {"Exploding": (1.0, t), "Flow": (1 - t, t)}[name]

    def rates(self, t):
        alpha, sigma = self.pair(t)
        name = type(self.process).__name__
        if name == "Linear":
            beta = self.process.low + t * (self.process.high - self.process.low)
            return -0.5 * beta * alpha, 0.5 * beta * alpha**2 / sigma
        if name == "Cosine":
            return -np.pi / 2 * sigma, np.pi / 2 * alpha
        return {"Exploding": (0.0, 1.0), "Flow": (-1.0, 1.0)}[name]

    def v(self, t):
        alpha, sigma = self.pair(t)
        return alpha**2 * self.c + sigma**2

    def pull(self, t):
        (alpha, sigma), (a, s) = self.pair(t), self.rates(t)
        return (alpha * a * self.c + sigma * s) / self.v(t)

    def flow(self, x, t):
        return self.rates(t)[0] * self.mean + self.pull(t) * (x - self.pair(t)[0] * self.mean)


def euler(one, t, s):
    return lambda x: x + (s - t) * one.flow(x, t)


def heun(one, t, s):
    def step(x):
        ahead = x + (s - t) * one.flow(x, t)
        return x + (s - t) * (one.flow(x, t) + one.flow(ahead, s)) / 2

    return step


def rk4(one, t, s):
    h, half = s - t, (s + t) / 2

    def step(x):
        a = one.flow(x, t)
        b = one.flow(x + h / 2 * a, half)
        c = one.flow(x + h / 2 * b, half)
        return x + h / 6 * (a + 2 * b + 2 * c + one.flow(x + h * c, s))

    return step


def ddim(one, t, s):
    """The distance from the mean is multiplied by (α α' c + σ σ') / v, now with (α', σ') at s."""
    (alpha, sigma), (then_alpha, then_sigma) = one.pair(t), one.pair(s)
    factor = (alpha * then_alpha * one.c + sigma * then_sigma) / one.v(t)
    return lambda x: then_alpha * one.mean + factor * (x - alpha * one.mean)


def through(one, times, step, start):
    """Return the mean and the variance after deterministic affine steps."""
    mean, variance = start
    for t, s in itertools.pairwise(times):
        move = step(one, t, s)
        slope = move(mean + 1.0) - move(mean)
        mean, variance = move(mean), slope**2 * variance
    return mean, variance


def ddpm(one, times, start):
    """The posterior of the chain: x' has the precisions of x₀'s prediction and of x added."""
    mean, variance = start
    for t, s in itertools.pairwise(times):
        (alpha, sigma), (then_alpha, then_sigma) = one.pair(t), one.pair(s)
        rho = alpha / then_alpha
        fresh = 1 / (1 / then_sigma**2 + rho**2 / (sigma**2 - rho**2 * then_sigma**2))
        by_x = fresh * rho / (sigma**2 - rho**2 * then_sigma**2)
        by_data = fresh * then_alpha / then_sigma**2
        slope = by_x + by_data * alpha * one.c / one.v(t)
        away = mean - alpha * one.mean
        mean = by_x * mean + by_data * (one.mean + alpha * one.c / one.v(t) * away)
        variance = slope**2 * variance + fresh
    return mean, variance


def multistep(one, times, start):
    """DPM-Solver++(2M): a recursion of two terms for the distance from the mean."""
    (mean, variance), now = start, 1.0
    alpha = one.pair(times[0])[0]
    # The mean is where it should be from the start on; an offset there moves like any other distance.
    offset, before, last = mean - alpha * one.mean, None, None
    for t, s in itertools.pairwise(times):
        (alpha, sigma), (then_alpha, then_sigma) = one.pair(t), one.pair(s)
        data = alpha * one.c / one.v(t) * now
        h = np.log(then_alpha / then_sigma) - np.log(alpha / sigma)
        ahead = data if before is None else data + h / (2 * last) * (data - before)
        now = then_sigma / sigma * now + (then_alpha - alpha * then_sigma / sigma) * ahead
        before, last = data, h
    return then_alpha * one.mean + now * offset, now**2 * variance


def moments(name, one, times, start):
    """Return the mean and the variance of one component after the steps of a sampler."""
    if name == "ddpm":
        return ddpm(one, times, start)
    if name == "dpm++":
        return multistep(one, times, start)
    return through(one, times, {"euler": euler, "heun": heun, "rk4": rk4, "ddim": ddim}[name], start)


def distance(ours, truth):
    """Return W₂ of two Gaussians with independent components, each `[(mean, variance), …]`."""
    ours, truth = np.array(ours), np.array(truth)
    apart = (ours[:, 0] - truth[:, 0]) ** 2 + (np.sqrt(ours[:, 1]) - np.sqrt(truth[:, 1])) ** 2
    return np.sqrt(apart.sum())
