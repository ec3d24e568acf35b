"""Grammars that draw sentences, with the exact entropy: texts that need a stack to be predicted."""

import bisect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ansatz.errors import BadInput


class Rule(NamedTuple):
    """`A → token B C …` with a probability: a token, then the nonterminals that follow."""

    probability: float
    token: str
    follow: tuple[str, ...] = ()


class Grammar:
    """A probabilistic grammar, each rule of which begins with a token of its own (a simple grammar).

    So a text has one derivation, and the rules still to be used, a stack, follow from the tokens
    (Korenjak and Hopcroft 1966): the text of sentence after sentence is a source whose entropy rate is
    exactly ``H(S) / L(S)``, entropy over mean length of a sentence.  Both solve linear equations,
    ``H(A) = Σ_r p_r (−log p_r + Σ_{B in r} H(B))`` and ``L(A) = Σ_r p_r (1 + Σ_{B in r} L(B))``
    (Grenander 1967).

    Args:
        rules: for each nonterminal its rules; the first nonterminal is where sentences begin.

    Raises:
        BadInput: if probabilities do not add up, two rules of a nonterminal begin with the same token,
            a nonterminal has no rules, or sentences may never end.

    >>> grammar = Grammar({"S": [Rule(0.7, "x"), Rule(0.3, "add", ("S", "S"))]})
    >>> round(grammar.mean_length(), 4), round(grammar.entropy_rate(), 4)
    (2.5, 0.6109)
    """

    def __init__(self, rules: Mapping[str, Sequence[Rule]]):
        self.rules = {name: tuple(found) for name, found in rules.items()}
        self.names = tuple(self.rules)
        self.tokens = tuple(dict.fromkeys(rule.token for found in self.rules.values() for rule in found))
        self._check()
        number = {name: place for place, name in enumerate(self.names)}
        index = {token: place for place, token in enumerate(self.tokens)}
        self._table = [
            {index[r.token]: (r.probability, tuple(number[name] for name in r.follow)) for r in found}
            for found in self.rules.values()
        ]
        self._uses = np.zeros((len(self.names), len(self.names)))
        for place, found in enumerate(self._table):
            for probability, follow in found.values():
                np.add.at(self._uses[place], list(follow), probability)
        if max(abs(np.linalg.eigvals(self._uses))) >= 1:
            raise BadInput("The rules call one another so often that sentences may never end.")

    @property
    def size(self) -> int:
        """The number of tokens V."""
        return len(self.tokens)

    def mean_length(self) -> float:
        """Return the mean number of tokens of a sentence."""
        return self._solve(np.ones(len(self.names)))

    def sentence_entropy(self) -> float:
        """Return the entropy of a sentence, in nats."""
        chances = [[chance for chance, _ in found.values()] for found in self._table]
        return self._solve(np.asarray([-sum(p * np.log(p) for p in row) for row in chances]))

    def entropy_rate(self) -> float:
        """Return the exact entropy of a token given all before it, on the average over a text, in nats."""
        return self.sentence_entropy() / self.mean_length()

    def log_likelihoods(self, tokens: Any) -> np.ndarray:
        """Return log p(token | those before it) of a text `[N]` that begins with a sentence."""
        result = np.full(len(tokens), -np.inf)
        stack = [0]
        for place, token in enumerate(np.asarray(tokens).tolist()):
            found = self._table[stack.pop()].get(token)
            if found is None:
                break
            result[place] = np.log(found[0])
            stack = (stack + list(found[1])[::-1]) or [0]
        return result

    def sample(self, length: int, *, seed: int = 0) -> np.ndarray:
        """Return a text of `length` tokens, sentence after sentence, the last cut off, int32 `[N]`."""
        ahead = []
        for found in self._table:
            chances = np.cumsum([probability for probability, _ in found.values()])[:-1].tolist()
            ahead.append((chances, list(found), [list(follow)[::-1] for _, follow in found.values()]))
        uniforms = np.random.default_rng(seed).random(length).tolist()
        text = np.empty(length, np.int32)
        stack = [0]
        for place, uniform in enumerate(uniforms):
            chances, tokens, follows = ahead[stack.pop()]
            rule = bisect.bisect_right(chances, uniform)
            text[place] = tokens[rule]
            stack = (stack + follows[rule]) or [0]
        return text

    def _solve(self, right: np.ndarray) -> float:
        return float(np.linalg.solve(np.eye(len(self.names)) - self._uses, right)[0])

    def _check(self) -> None:
        if not self.rules:
            raise BadInput("The grammar has no rules; it needs a nonterminal with at least one.")
        for name, found in self.rules.items():
            total = sum(rule.probability for rule in found)
            if abs(total - 1) > 1e-9 or min((rule.probability for rule in found), default=0) <= 0:
                raise BadInput(f"The probabilities of {name!r} add up to {total:g}; they should to 1.")
            if len({rule.token for rule in found}) < len(found):
                raise BadInput(f"Two rules of {name!r} begin with the same token; each needs one of its own.")
            for missing in {one for rule in found for one in rule.follow} - set(self.rules):
                raise BadInput(f"A rule of {name!r} calls {missing!r}, which has no rules.")


def formula_grammar() -> Grammar:
    """Return a grammar of sums of products of powers in prefix form, 12 tokens, 3 nonterminals."""
    return Grammar(
        {
            "sum": [Rule(0.3, "add", ("sum", "product")), Rule(0.2, "mul", ("factor", "product")),
                    Rule(0.3, "x"), Rule(0.2, "y")],
            "product": [Rule(0.35, "mul", ("factor", "product")), Rule(0.25, "sin", ("sum",)),
                        Rule(0.3, "x"), Rule(0.1, "2")],
            "factor": [Rule(0.5, "pow", ("sum", "exponent")), Rule(0.3, "y"), Rule(0.2, "3")],
            "exponent": [Rule(0.7, "2"), Rule(0.2, "3"), Rule(0.1, "neg", ("exponent",))],
        }
    )  # fmt: skip
