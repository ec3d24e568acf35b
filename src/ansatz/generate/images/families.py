"""The families of models of images by name; each is imported when it is asked for."""

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.generate.images.family import Family

FAMILIES = ("diffusion", "vae", "gan", "autoregressive")
OPTIONS = {
    "diffusion": ("sentences", "guidance", "sampler", "steps"),
    "vae": ("noise",),
    "gan": ("averaged",),
    "autoregressive": ("temperature",),
}
"""What each family lets be chosen in drawing, beside the count, the classes and the seed."""
BY_CLASS = ("diffusion", "gan", "autoregressive")
"""The families that learn to draw by class where images have classes."""


def family_of(name: str) -> Family:
    """Return a family; an unknown name gets the nearest one.

    >>> family_of("vae").name
    'vae'
    """
    if name == "diffusion":
        from ansatz.generate.images.diffusion import DiffusionFamily

        return DiffusionFamily()
    if name == "vae":
        from ansatz.generate.images.vae import VAEFamily

        return VAEFamily()
    if name == "autoregressive":
        from ansatz.generate.images.autoregressive import AutoregressiveFamily

        return AutoregressiveFamily()
    if name == "gan":
        try:
            from ansatz.generate.images.gan import GANFamily  # type: ignore
        except ImportError:
            others = ", ".join(known())
            raise BadInput(f"Adversarial networks of images are not there yet; take {others}.") from None
        return GANFamily()
    raise BadInput(f"There is no model {name!r} of images; {nearest(name, FAMILIES)}.")


def known() -> tuple[str, ...]:
    """Return the names of the families that are there."""
    from importlib.util import find_spec

    there = find_spec("ansatz.generate.images.gan") is not None
    return FAMILIES if there else tuple(name for name in FAMILIES if name != "gan")
