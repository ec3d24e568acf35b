"""The words of an equation's text, each with its place."""

import re
from typing import NamedTuple

from ansatz.errors import BadInput

LONGEST = 4000
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
SAME = {
    "**": "^", "−": "-", "·": "*", "×": "*", "≤": "<=", "≥": ">=", "′": "'", '"': "''", "″": "''", "…": "..",
}  # fmt: skip
INSTEAD = {
    "[": "write round brackets", "]": "write round brackets", "{": "write round brackets",
    "}": "write round brackets", "∂": "write derivatives as u_x or diff(u, x)",
    "∇": "write laplacian(u) or u_x",
    "\\": "write names as pi, not as LaTeX", ":": "an interval is written x=0..1, an equation left = right",
    "!": "a factorial is written gamma(n+1), an equation left = right", "√": "write sqrt(…)",
    "∞": "every number must be finite", "∫": "write integral(u, x)",
    ".": "a number is written 0.5, u_x a derivative",
    "...": "write two dots between the ends of an interval, as in 0..1",
}  # fmt: skip
PATTERN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)"
    r"|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<name>[^\W\d⁰¹²³⁴⁵⁶⁷⁸⁹][^\W⁰¹²³⁴⁵⁶⁷⁸⁹]*)"
    r"|(?P<prime>['′\"″]+)"
    r"|(?P<dots>\.{3,})"
    r"|(?P<mark>\*\*|\.\.|<=|>=|==|[-+*/^()|&,=<>;−·×≤≥…])"
)


class BadText(BadInput):
    """A sentence about a place in a text: what is `found` there, and `advice`.

    `caret` shows the place under the text.
    """

    def __init__(self, text: str, position: int, found: str, advice: str):
        shown = text if len(text) <= 100 else f"{text[:97]}..."
        place = "at the end" if position >= len(text.rstrip()) else f"at character {position + 1}"
        super().__init__(f"{found} {place} of '{shown}'; {advice}.")
        self.text, self.position, self.found, self.advice = text, position, found, advice

    def within(self, text: str, start: int) -> "BadText":
        """Return the same error placed in a longer text, of which this one begins at `start`."""
        return BadText(text, start + self.position, self.found, self.advice)

    @property
    def caret(self) -> str:
        """The text on one line and, on the next, a caret under the place."""
        return f"{self.text}\n{' ' * self.position}^"


class Token(NamedTuple):
    """A word of a text: "number", "name", "prime", "mark" or "end", and where it stands."""

    kind: str
    text: str
    start: int


def wrong(text: str, position: int, found: str, advice: str) -> BadText:
    """Return the error about what is found at a position, counted from 1 in the sentence."""
    return BadText(text, position, found, advice)


def tokens(text: str) -> list[Token]:
    """Split a text into its words, the last being the end.

    >>> [token.text for token in tokens("u_t + 2x²")]
    ['u_t', '+', '2', 'x', '^', '2', '']
    """
    if len(text) > LONGEST:
        raise BadInput(f"A text of {len(text)} characters is no equation; at most {LONGEST} are read.")
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = PATTERN.match(text, position)
        if match is None or match.lastgroup == "dots":
            strange = text[position] if match is None else "..."
            advice = INSTEAD.get(strange, "it has no meaning in an equation")
            raise wrong(text, position, f"{strange!r} stands", advice)
        kind, word = str(match.lastgroup), match.group()
        if kind == "number" and word.endswith(".") and text.startswith(".", match.end()):
            word = word[:-1]
        if kind == "power":
            found += [Token("mark", "^", position), Token("number", word.translate(SUPERSCRIPTS), position)]
        elif kind == "prime":
            found.append(Token(kind, "".join(SAME.get(one, one) for one in word), position))
        elif kind != "space":
            found.append(Token(kind, SAME.get(word, word), position))
        position += len(word)
    return [*found, Token("end", "", len(text))]


def split_at(text: str, mark: str) -> list[tuple[int, str]]:
    """Split a text at a mark that stands outside brackets; each part with its place.

    >>> split_at("t=0..1, p=f(1,2)", ",")
    [(0, 't=0..1'), (7, ' p=f(1,2)')]
    """
    parts, start, depth = [], 0, 0
    for token in tokens(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text == mark and token.kind == "mark":
            parts.append((start, text[start : token.start]))
            start = token.start + (len(mark) if text.startswith(mark, token.start) else 1)
    return [*parts, (start, text[start:])]
