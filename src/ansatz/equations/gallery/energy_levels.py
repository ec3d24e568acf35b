"""Energy levels: the oscillator, the quartic well, hydrogen, and the membrane of the L."""

from ansatz.equations import reference
from ansatz.equations.domain import l_shape
from ansatz.equations.gallery._entry import Entry, inside, line


def oscillator_levels() -> Entry:
    """Return -½ψ'' + ½x²ψ = Eψ."""
    return Entry(
        name="oscillator_levels",
        title="Energy levels of the oscillator",
        equations=("-psi''/2 + x^2*psi/2 = E*psi",),
        on="x=-10..10",
        where=("psi(-10)=0", "psi(10)=0"),
        eigenvalue="E",
        levels=6,
        fields=("psi",),
        reference=None,
        grid=line(-10, 10),
        certified="E = n + 1/2",
        energies=reference.oscillator_levels,
        remarks=("The line is cut at |x| = 10, which moves the first six levels by less than 1e-16.",),
    )


def quartic_levels() -> Entry:
    """Return -½ψ'' + x⁴ψ = Eψ."""
    return Entry(
        name="quartic_levels",
        title="Energy levels of the quartic well",
        equations=("-psi''/2 + x^4*psi = E*psi",),
        on="x=-5..5",
        where=("psi(-5)=0", "psi(5)=0"),
        eigenvalue="E",
        levels=6,
        fields=("psi",),
        reference=None,
        grid=line(-5, 5),
        certified="96 oscillator states; agrees with itself to 1e-14",
        energies=reference.quartic_levels,
        remarks=("The line is cut at |x| = 5, which moves the first six levels by less than 1e-16.",),
    )


def hydrogen_levels() -> Entry:
    """Return -½u'' - u/r = Eu of the s states, u = rψ, multiplied by r."""
    return Entry(
        name="hydrogen_levels",
        title="Energy levels of hydrogen, s states",
        equations=("-r*u''/2 - u = E*r*u",),
        on="r=0..80",
        where=("u(0)=0", "u(80)=0"),
        eigenvalue="E",
        levels=3,
        reference=None,
        grid=line(0, 80),
        certified="E = -1/2n²",
        energies=reference.hydrogen_levels,
        remarks=(
            "The equation is multiplied by r, which takes the singular coefficient away.",
            "The half line is cut at r = 80, which moves the first three levels by less than 1e-16.",
        ),
    )


def membrane_levels() -> Entry:
    """Return -Δu = λu on the L, the membrane of a well-known logo."""
    return Entry(
        name="membrane_levels",
        title="Tones of the membrane of the L",
        equations=("-laplacian(u) = E*u",),
        on="x,y=lshape()",
        where=("u=0",),
        eigenvalue="E",
        levels=3,
        reference=None,
        grid=inside(l_shape),
        certified="method of particular solutions",
        energies=reference.membrane_levels,
        accuracy=1e-7,
        remarks=("The first tone is singular at the inner corner, the third is 2π² exactly.",),
    )
