"""Typesetting, sampling, figures, files and the report, on solutions made from references."""

import html
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from ansatz.core import BadInput
from ansatz.equations import gallery, views
from ansatz.equations.declare import problem_of_text
from ansatz.equations.export import export
from ansatz.equations.level_views import level_pictures, potential_of
from ansatz.equations.mathml import equation_mathml, expression_mathml, problem_mathml
from ansatz.equations.reference import oscillator_state
from ansatz.equations.sampling import nodes, sample
from ansatz.equations.solution import Estimate, Rung
from ansatz.equations.solution_report import constant_rows, level_rows, page
from ansatz.results.report import Formulas, Section, render


class Exact:
    """The reference of an entry as a solution whose error is known: 1e-6 of a wave."""

    method, converged, seconds, residual, error, accuracy = "series", True, 0.5, 1e-7, 1e-6, 1e-8
    verdict, remarks, checked = "Converged.", ("A remark.",), None
    members = ()
    ladder = (Rung("least squares", 0.5, 1e-6, 1e-7, "24 functions"),)

    def __init__(self, entry):
        self.entry, self.problem = entry, entry.problem()
        self.errors = dict.fromkeys(entry.fields, 1e-6)
        self.unknowns = {name: Estimate(one * 1.001, one * 1e-3) for name, one in entry.truth.items()}
        self.levels = None if entry.energies is None else np.array(entry.energies(entry.levels))
        self.level_errors = None if self.levels is None else np.full(len(self.levels), 1e-9)

    def bump(self, *at):
        return 1e-6 * np.cos(3 * sum(at))

    def __getitem__(self, name):
        def values(*at):
            found = self.entry.reference(*at)
            found = found if isinstance(found, tuple) else (found,)
            return found[self.entry.fields.index(name)] + self.bump(*map(np.asarray, at))

        return values

    def defect(self, name, *at):
        return -self.bump(*map(np.asarray, at))

    def residual_at(self, *at):
        return np.stack([self.bump(*map(np.asarray, at))] * len(self.problem.equations))

    def state(self, level):
        return {"psi": lambda x: oscillator_state(level, x)}


def test_expressions_are_typeset_with_indices_fractions_and_roots():
    x = sympy.Symbol("x", real=True)
    u = sympy.Function("u", real=True)(x)
    assert expression_mathml(sympy.Rational(1, 3)) == "<mfrac><mn>1</mn><mn>3</mn></mfrac>"
    assert expression_mathml(sympy.sqrt(x)) == "<msqrt><mi>x</mi></msqrt>"
    assert expression_mathml(-x) == "<mo>−</mo><mi>x</mi>"
    assert expression_mathml(u.diff(x, 2)) == "<mrow><mi>u</mi><mo>″</mo></mrow>"
    assert expression_mathml(sympy.Symbol("omega_0")) == "<msub><mi>ω</mi><mi>0</mi></msub>"
    raised = expression_mathml((x + 1) ** 2)
    assert raised == (
        "<msup><mrow><mrow><mo>(</mo><mi>x</mi><mo>+</mo><mn>1</mn><mo>)</mo></mrow></mrow><mn>2</mn></msup>"
    )
    shown = equation_mathml(u.diff(x) - sympy.sin(x))
    assert shown == (
        "<mrow><mi>u</mi><mo>′</mo></mrow><mo>=</mo><mrow><mi>sin</mi><mo>(</mo><mi>x</mi><mo>)</mo></mrow>"
    )


@pytest.mark.parametrize("name", gallery.__all__)
def test_every_statement_of_the_gallery_is_valid_mathml(name):
    problem = gallery.get(name).problem()
    rows = problem_mathml(problem)
    assert len(rows) == len(problem.equations) + len(problem.conditions)
    assert render([Section("s", [Formulas(rows)])], "t").count("<math") == len(rows)


def test_formulas_only_typeset():
    for bad in (
        "<math><script/></math>",
        "<mi>x</mi>",
        "<math href='x'/>",
        "<math><mi>",
        "<!DOCTYPE a><math/>",
    ):
        with pytest.raises(BadInput, match="MathML"):
            Formulas([bad]).markup()


def test_samples_are_nan_outside_of_the_shape():
    solution = Exact(gallery.get("poisson_disk"))
    found = sample(solution, nodes(solution.problem, 21), errors=True)
    x, y = np.meshgrid(*found.axes, indexing="ij")
    assert np.array_equal(found.inside, x**2 + y**2 <= 1 + 1e-12)
    assert np.array_equal(np.isfinite(found.values["u"]), found.inside)
    columns = found.columns()
    assert list(columns) == ["x", "y", "u", "u_error"] and len(columns["x"]) == found.inside.sum()
    assert (columns["u_error"] >= 0).all()
    with pytest.raises(BadInput, match="give 2 numbers"):
        nodes(solution.problem, [3, 4, 5])


def test_files_hold_complex_fields_as_two_and_vtk_counts_x_fastest(tmp_path):
    entry = gallery.get("heat")
    solution = Exact(entry)
    axes = nodes(solution.problem, [3, 5])
    head, _, body = export(solution, tmp_path / "heat.vtk", axes).read_bytes().partition(b"default\n")
    assert b"DIMENSIONS 3 5 1" in head
    values = np.frombuffer(body[: 8 * 15], ">f8").reshape(5, 3).T
    assert np.array_equal(values, solution["u"](*np.meshgrid(*axes, indexing="ij")))
    wave = Exact(gallery.get("schroedinger_nls"))
    path = export(wave, tmp_path / "wave.csv", nodes(wave.problem, [2, 4]))
    assert path.read_text().splitlines()[0] == "t,x,psi_re,psi_im,psi_error"
    with pytest.raises(BadInput, match="three coordinates at most"):
        export(Exact(gallery.get("poisson_5d")), tmp_path / "five.vtk")
    with pytest.raises(BadInput, match="equidistant"):
        export(solution, tmp_path / "bent.vtk", (axes[0], np.array([0.0, 0.1, 1.0])))


@pytest.mark.parametrize("name", ["oscillator", "inverse_lorenz", "heat", "poisson_l_shape", "poisson_5d"])
def test_the_report_shows_the_solution_and_its_errors(name):
    entry = gallery.get(name)
    solution = Exact(entry)
    text = page(solution, entry, command="ansatz solve again")
    assert entry.title in html.unescape(text) and "ansatz solve again" in text and "A remark." in text
    assert "True error" in text or "true error" in text
    assert text.count("<svg") > 2 and "<script" not in text and len(text) < 2_000_000
    moves = "image/png;base64" in text and "Animation" in text
    assert moves == (name == "heat")


def test_levels_stand_upon_their_potential():
    entry = gallery.get("oscillator_levels")
    solution = Exact(entry)
    x = solution.problem.coordinates[0]
    assert sympy.simplify(potential_of(solution.problem) - x**2 / 2) == 0
    assert "0.500000" in str(level_pictures(solution)[0].image)
    rows = level_rows(solution, entry)
    assert len(rows) == 6 and rows[0][1] == "0.500000000000" and rows[0][3] == "0"
    assert "Levels and states" in page(solution, entry)
    free = problem_of_text("-u''=E*u", "x=0..1", ["u(0)=0", "u(1)=0"], eigenvalue="E")
    assert potential_of(free) is None


def test_constants_are_set_beside_the_truth():
    entry = gallery.get("inverse_lorenz")
    rows = constant_rows(Exact(entry), entry.truth)
    assert [row[0] for row in rows] == ["σ", "ρ", "β"] and rows[0][4] == "1.00 σ"
    assert views.constants_picture({"nu": Estimate(1.0, 0.0)}, {"nu": 1.0}) is None


def test_only_what_moves_is_animated(tmp_path):
    assert views.animated(Exact(gallery.get("poisson_square"))) is None
    with pytest.raises(BadInput, match="can be animated"):
        views.animate(Exact(gallery.get("poisson_square")), tmp_path / "still.gif")
    with pytest.raises(BadInput, match=r"no animation '\.mp4'"):
        views.animate(Exact(gallery.get("heat")), tmp_path / "heat.mp4")
    plane = problem_of_text(
        "u_t = laplacian(u)", "t=0..1, x=0..1, y=0..1", ["u(0,x,y)=sin(pi*x)*sin(pi*y)", "u=0"]
    )

    class Plane(SimpleNamespace):
        def __getitem__(self, name):
            return lambda t, x, y: np.exp(-t) * np.sin(np.pi * x) * np.sin(np.pi * y)

    moving = Plane(problem=plane)
    assert (views.animated(moving) or b"")[:4] == b"\x89PNG"
    assert "t = 0.4" in str(views.field_pictures(moving)[0].image)
