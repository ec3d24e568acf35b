"""The stations of the tour that make more like what they were given: a text, and images."""

from pydoc_data.topics import topics

from ansatz.generate.images.report import answer as images_answer
from ansatz.generate.images.sheet import sheet
from ansatz.generate.images.train import generate_images
from ansatz.generate.text import generate_text
from ansatz.generate.text_report import answer as text_answer
from ansatz.generate.text_report import comparison
from ansatz.results.report import Picture

SECONDS = 22.0
CHARACTERS = 250_000
STEPS = 3000
"""Of the digits: a budget that a first compilation uses up would end the tour."""


def text() -> tuple[str, str, Picture]:
    """Learn the manual that comes with Python; return the page, the answer in one line, and a picture."""
    manual = "\n".join(topics[name] for name in sorted(topics))[:CHARACTERS]
    model = generate_text(manual, budget=SECONDS, order=5)
    return model.report(), text_answer(model).text, comparison(model)


def images() -> tuple[str, str, Picture]:
    """Learn to draw digits; return the page, the answer in one line, and a picture of it."""
    model = generate_images("digits", model="vae", steps=STEPS, latent=10)
    shown = sheet(model.pictures["draws"][:40] / 255, 10, wide=600)
    return model.report(), images_answer(model).text, Picture(shown, "Digits that the model drew.")
