"""Certificates: made, replayed, checked independently, mutated; and as unknotdb writes them."""

import copy
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.knots.reference import Reference
from tests.knots.test_play import some_pass
from tests.knots.unknotdb_replay import check as check_unknotdb

import ansatz.knots
from ansatz.errors import BadInput
from ansatz.knots.certificate import certify, load, replay, save, standard, state
from ansatz.knots.codes import from_braid, from_pd
from ansatz.knots.play import play
from ansatz.knots.simplify import simplify
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, named
from ansatz.knots.unknotdb import to_unknotdb

CHECKER = Path(ansatz.knots.__file__).with_name("verify.py")
SMALL = ("H", "J", "Culprit", "Monster", "Goeritz", "Thistlethwaite")


def alone():
    """The checker as a module of its own, from its file."""
    spec = importlib.util.spec_from_file_location("checker", CHECKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checker = alone()
Rejected, verify = checker.Rejected, checker.verify


def wandering(word: list[int], steps: int, seed: int) -> dict:
    """A certificate of random moves of all kinds but crossing changes, from a braid's closure."""
    rng = random.Random(seed)
    start = standard(from_braid(word))
    sketch, moves = Sketch(start), []
    while len(moves) < steps:
        legal = sorted(m for m in Reference.of(sketch.diagram()).legal(9, 4) if m[0] != "XC")
        lay = some_pass(sketch, rng)
        move = lay if lay and rng.random() < 0.4 else rng.choice(legal)
        play(sketch, move)
        moves.append(move)
    return certify(start, moves, hashes=False)


def untied(name: str, passes: bool = True) -> dict:
    found = simplify(named(name), rounds=3000, seconds=60, passes=passes)
    assert found.untied, name
    return certify(found.start, found.moves, name=name)


def changed(word: list[int], seed: int) -> dict:
    """A certificate for an unknotting number: random crossings changed until the braid's closure unties."""
    rng = random.Random(seed)
    start = standard(from_braid(word))
    for _ in range(50):
        sketch, moves = Sketch(start), []
        for c in rng.sample(start.live(), 2):
            moves.append(("XC", 4 * c))
            play(sketch, moves[-1])
        while (move := sketch.removable()) is not None:
            play(sketch, move)
            moves.append(move)
        if sketch.crossings == 0:
            return certify(start, moves)
    raise AssertionError("nothing unties")


@pytest.fixture(scope="module")
def certificates() -> list[dict]:
    found = [untied(name) for name in SMALL]
    found += [wandering(word, 8, seed) for seed in range(6) for word in ([1, 1, 1], [1, -2, 1, -2])]
    return [*found, changed([1] * 5, 0), changed([1, 1, 1, 2, -1, 2], 1)]


def accepted(certificate: dict) -> bool:
    try:
        replay(certificate)
    except BadInput:
        return False
    return True


def verified(certificate: dict) -> bool:
    try:
        verify(certificate)
    except Rejected:
        return False
    return True


def mutant(certificate: dict, rng: random.Random) -> dict:
    """A certificate with one thing changed: a dart, a kind, an order, a move more or less, a label."""
    other = copy.deepcopy(certificate)
    moves = other["moves"]
    i = rng.randrange(len(moves))
    what = rng.randrange(9)
    if what < 4:
        j = rng.randrange(1, len(moves[i]))
        shift = rng.choice((-4, -2, -1, 1, 2, 4, rng.randrange(-30, 30)))
        moves[i][j] += shift
    elif what == 4:
        moves[i][0] = rng.choice(("R1-", "R2-", "R3", "XC", "R1+", "R2+", "PASS"))
    elif what == 5:
        k = rng.randrange(len(moves))
        moves[i], moves[k] = moves[k], moves[i]
    elif what == 6:
        moves.insert(i, copy.deepcopy(rng.choice(moves))) if rng.random() < 0.5 else moves.pop(i)
    elif what == 7:
        row = rng.choice(other["start"])
        row[rng.randrange(4)] = rng.choice(rng.choice(other["start"]))
    else:
        j = rng.randrange(1, len(moves[i]))
        moves[i].insert(j, rng.randrange(40)) if rng.random() < 0.5 else moves[i].pop(j)
    return other


def test_certificates_are_verified_and_say_what_they_prove(certificates):
    wanted = {"unknot": "is the unknot", "equivalent": "is equivalent", "unknotting number": "at most 2"}
    for certificate in certificates:
        sentence = verify(json.loads(json.dumps(certificate)))
        assert accepted(certificate)
        assert wanted[certificate["claim"]] in sentence
    assert {certificate["claim"] for certificate in certificates} == set(wanted)


def compare(count: int, certificates: list[dict], seed: int = 0) -> tuple[int, int]:
    """Mutate certificates without hashes; return how many mutants both accept, and how many both refuse."""
    rng, valid, invalid = random.Random(seed), 0, 0
    for _ in range(count):
        one = mutant({k: v for k, v in rng.choice(certificates).items() if k != "hashes"}, rng)
        ours, theirs = accepted(one), verified(one)
        assert ours == theirs, one
        valid, invalid = valid + ours, invalid + (not ours)
    return valid, invalid


def test_checker_and_engine_agree_on_every_mutant(certificates):
    valid, invalid = compare(2000, certificates)
    assert valid > 20 and invalid > 1200


def test_hashes_catch_every_mutant(certificates):
    rng = random.Random(1)
    for _ in range(400):
        original = rng.choice([one for one in certificates if "hashes" in one])
        one = mutant(original, rng)
        if one != original:
            assert not verified(one) and not accepted(one)


def test_states_are_the_same_on_both_sides(certificates):
    for certificate in certificates:
        sketch, rows = Sketch(from_pd(certificate["start"])), checker.Rows(certificate["start"])
        for name, *numbers in certificate["moves"]:
            play(sketch, (name, *numbers))
            checker.MOVES[name][1](rows, *numbers)
            assert rows.text() == state(sketch)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("claim", "knot", "claim 'knot' is not known"),
        ("claim", "equivalent", "do not end at the diagram stated"),
        ("format", "pdf", "not version 1 of"),
        ("version", 2, "not version 1 of"),
        ("moves", [], "the moves end with 1 crossings"),
        ("moves", [["R1-", 1]], "step 1, .*no kink lies left of dart 1"),
        ("moves", [["R7", 1]], "this is no move"),
        ("moves", [["R1-"]], "1 integers should follow"),
        ("moves", 3, "not lists"),
        ("start", [[1, 1, 2]], "no row of four labels"),
        ("start", [[1, 2, 1, 2]], "not planar"),
        ("start", [[1, 1, 2, 3]], "does not stand twice"),
        ("hashes", ["00"], "a hash is missing"),
    ],
)
def test_the_checker_says_why(field: str, value: object, sentence: str):
    certificate = certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)], hashes=False)
    assert "is the unknot" in verify(certificate)
    with pytest.raises(Rejected, match=sentence):
        verify(certificate | {field: value})


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("claim", "knot", "claims 'knot'; it must be one of unknot"),
        ("claim", "unknotting number", "field 'value' must be there, of type int"),
        ("start", None, "field 'start' must be there, of type list"),
        ("moves", [[]], "Move 1 of the certificate is .., not a list of a name and darts"),
        ("moves", [7], "Move 1 of the certificate is 7"),
        ("moves", [["R1", 0]], "no move 'R1'; it must be one of"),
        ("hashes", ["00"], "There are 1 hashes for a start and 1 moves"),
        ("hashes", ["00", "00"], "hash of the certificate's claim and start differs"),
    ],
)
def test_the_engine_says_why(field: str, value: object, sentence: str):
    certificate = certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)])
    with pytest.raises(BadInput, match=sentence):
        replay(
            certificate | {field: value}
            if field == "hashes"
            else certificate | {field: value, "hashes": None}
        )


def test_claims_that_do_not_follow_are_refused():
    trefoil = standard(from_braid([1, 1, 1]))
    with pytest.raises(BadInput, match="not the circle"):
        certify(trefoil, [], "unknot")
    moves = [("XC", 0)]
    with pytest.raises(BadInput, match="changes 1 crossings, and its claim allows 0"):
        certify(trefoil, moves, "equivalent")
    with pytest.raises(BadInput, match="Move 1 of the certificate: R1- at dart 0 is illegal"):
        certify(trefoil, [("R1-", 0)])
    with pytest.raises(BadInput, match="standard"):
        certify(trefoil.resized(5), [])


def test_the_checker_stands_alone(tmp_path: Path, certificates):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    save(certificates[0], good)
    bad.write_text(json.dumps(certificates[0] | {"moves": certificates[0]["moves"][:-1]}))
    assert load(good) == certificates[0]
    code = "import runpy, sys; sys.argv = sys.argv[1:]\n"
    code += "try:\n runpy.run_path(sys.argv[0], run_name='__main__')\nexcept SystemExit as end:\n"
    code += " print(end.code, sorted({'ansatz', 'numpy', 'jax'} & set(sys.modules)))"
    command = [sys.executable, "-I", "-c", code, str(CHECKER), str(good), str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, second, last = done.stdout.splitlines()
    assert "a diagram of 9 crossings is the unknot" in first
    assert "REJECTED" in second and last == "1 []"
    assert len(CHECKER.read_text().splitlines()) <= 300
    with pytest.raises(BadInput, match="is no certificate"):
        other = tmp_path / "other.json"
        other.write_text("{}")
        load(other)
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "absent.json")


def test_unknotdb_text_replays_by_its_own_rules(certificates):
    found, refused = [changed([1] * 5, 0), changed([1, 1, 1, 2, -1, 2], 2)], 0
    found += [tied_and_untied(seed) for seed in range(40)]
    for certificate in found:
        try:
            text = to_unknotdb(certificate, source="test", author="test", date="2026-11-28")
        except BadInput as why:
            assert "two triangles with the same crossings" in str(why)
            refused += 1
        else:
            assert check_unknotdb(text) == (0, 1)
    assert refused < 15
    assert {move[0] for one in found for move in one["moves"]} == {"R1-", "R2-", "R3", "R1+", "R2+", "XC"}
    with pytest.raises(BadInput, match="is PASS, which unknotdb"):
        to_unknotdb(certificates[0], source="test", author="test", date="2026-11-28")
    wandered = next(one for one in certificates if one["claim"] == "equivalent")
    with pytest.raises(BadInput, match="no claim 'equivalent'"):
        to_unknotdb(wandered, source="test", author="test", date="2026-11-28")


def tied_and_untied(seed: int) -> dict:
    """A certificate of R-moves alone: a kink made worse at random, then simplified without passes."""
    rng = random.Random(seed)
    start = standard(from_pd([[1, 1, 2, 2]]))
    while True:
        sketch, moves = Sketch(start), []
        for _ in range(rng.randrange(4, 12)):
            here = Reference.of(sketch.diagram())
            up = sorted(m for m in here.legal(8, 4) if m[0] in ("R1+", "R2+", "R3"))
            if not up:
                break
            kinds = sorted({m[0] for m in up})
            kind = rng.choice(kinds)
            moves.append(rng.choice([m for m in up if m[0] == kind]))
            play(sketch, moves[-1])
        for _ in range(400):
            while (move := sketch.removable()) is not None:
                play(sketch, move)
                moves.append(move)
            if sketch.crossings == 0:
                return certify(start, moves)
            triangles = sketch.triangles()
            if not triangles:
                break
            moves.append(("R3", rng.choice(triangles)))
            play(sketch, moves[-1])


def test_named_diagrams_are_what_certificates_start_from():
    assert len(hard_unknots()) == 21
    for name in SMALL:
        assert standard(named(name)).alpha.tolist() == named(name).alpha.tolist()
