"""Sentences about inputs: the nearest spelling, lists of names, remarks."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the member of `known` that is spelled most like `word`, or `None` if none is like it.

    >>> nearest("prise", ["carat", "price"])
    'price'
    """
    names = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=0.5)
    return names[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], what: str = "names") -> str:
    """Return the end of a sentence that says which spelling would be right.

    >>> suggestion("prise", ["carat", "price"])
    "did you mean 'price'?"
    """
    known = list(known)
    close = nearest(word, known)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"the {what} are {listing(known)}." if known else f"there are no {what}."


def listing(names: Iterable[object], most: int = 8) -> str:
    """Return names in quotation marks, parted by commas; after `most` of them, how many more.

    >>> listing(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    names = [repr(str(name)) for name in names]
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return ", ".join(names)


def remark(remarks: list[str] | None, sentence: str) -> None:
    """Append a sentence about something that was handled, if someone listens and it is new."""
    if remarks is not None and sentence not in remarks:
        remarks.append(sentence)
