"""A checker of knot certificates that shares nothing with what makes them: plain Python on PD rows.

    python -m ansatz.knots.verify FILE …

A diagram is a table of rows, one a crossing: the labels of its four edges, counterclockwise, with the strand
through places 0 and 2 below.  Dart 4c + k is place k of crossing c.  Every move is checked before it is made;
after each, every label stands twice, the diagram is planar, and has as many components as at the start.
"""

import hashlib
import json
import sys

FORMAT, VERSION = "ansatz knot certificate", 1


class Rejected(Exception):
    """Why a certificate proves nothing."""


def need(condition, sentence):
    """Reject unless a condition holds."""
    if not condition:
        raise Rejected(sentence)


def turned(place, k):
    """The place k further around the same crossing."""
    return place[0], (place[1] + k) % 4


class Rows:
    """A diagram as rows of labels by crossing; `loose` holds the two labels that a pass has cut open."""

    def __init__(self, pd):
        for row in pd:
            good = isinstance(row, list) and len(row) == 4 and all(type(label) is int for label in row)
            need(good, f"{row} in the start is no row of four labels")
        self.rows, self.circles, self.loose = {c: list(row) for c, row in enumerate(pd)}, int(not pd), set()
        self.label = max((label for row in pd for label in row), default=0)

    def fresh(self):
        """A label that is not in use."""
        self.label += 1
        return self.label

    def add(self, labels, level):
        """Add a crossing with the least free number; return the place of its first label, `level`."""
        number = next(c for c in range(len(self.rows) + 1) if c not in self.rows)
        self.rows[number] = [labels[(place - level) % 4] for place in range(4)]
        return number, level

    def at(self, place, label=None):
        """The label at a place; where one is given, it is written there first."""
        if label is not None:
            self.rows[place[0]][place[1]] = label
        return self.rows[place[0]][place[1]]

    def place(self, dart):
        """The place of a dart, which must be there and joined."""
        need(dart >= 0 and dart // 4 in self.rows, f"there is no dart {dart}")
        need(self.at((dart // 4, dart % 4)) not in self.loose, f"dart {dart} is cut open")
        return dart // 4, dart % 4

    def other(self, place):
        """The other end of the edge at a place."""
        label = self.at(place)
        ends = [(c, k) for c, row in self.rows.items() for k in range(4) if row[k] == label]
        need(len(ends) == 2, f"label {label} stands {len(ends)} times")
        return ends[ends[0] == place]

    def face(self, start):
        """The places around the face to the left of one, and the loose labels that lie in it."""
        around, met, here = [], set(), start
        while not around or here != start:
            around.append(here)
            here = turned(self.other(here), 3)
            while self.at(here) in self.loose:
                met.add(self.at(here))
                here = turned(here, 3)
        return around, met

    def relabel(self, old, new):
        """Give one label the name of another: their edges become one."""
        for row in self.rows.values():
            row[:] = [new if label == old else label for label in row]

    def merge(self, place):
        """Let the strand through a place run straight on, as if its crossing were not there."""
        row, (k, far) = self.rows[place[0]], (place[1], (place[1] + 2) % 4)
        first, second = row[k], row[far]
        row[k] = row[far] = None
        self.circles += first == second
        self.relabel(second, first)

    def remove(self, c):
        """Remove a crossing; both of its strands run straight on."""
        self.merge((c, 0))
        self.merge((c, 1))
        del self.rows[c]

    def across(self):
        """The other end of the edge at every place."""
        ends = {}
        for c, row in self.rows.items():
            for k in range(4):
                ends.setdefault(row[k], []).append((c, k))
        need(all(len(pair) == 2 for pair in ends.values()), "a label does not stand twice")
        return {one: other for pair in ends.values() for one, other in (pair, pair[::-1])}

    def components(self):
        """The number of components, after a check that the diagram is one on the sphere."""
        across, n = self.across(), len(self.rows)
        unseen, parts = set(self.rows), 0
        while unseen:
            queue, parts = [unseen.pop()], parts + 1
            for c in queue:
                near = {across[c, k][0] for k in range(4)} & unseen
                unseen -= near
                queue += near
        faces = cycles({place: turned(end, 3) for place, end in across.items()})
        need(faces == n + 2 * parts, f"not planar: {n} crossings in {parts} parts have {faces} faces")
        return cycles({place: across[turned(place, 2)] for place in across}) // 2 + self.circles

    def text(self):
        """The diagram as the hashes see it: what each dart is joined to, and the circles."""
        darts = {place: str(4 * c + k) for place, (c, k) in self.across().items()}
        rows = [f"{c}:{','.join(darts[c, k] for k in range(4))}" for c in sorted(self.rows)]
        return f"{';'.join(rows)}|{self.circles}"


def cycles(step):
    """The number of cycles of a permutation."""
    unseen, count = set(step), 0
    while unseen:
        here, count = unseen.pop(), count + 1
        while step[here] in unseen:
            here = step[here]
            unseen.remove(here)
    return count


def remove_kink(d, dart):
    """R1-: the edge of the dart goes straight back to the next place of its crossing."""
    place = d.place(dart)
    need(d.other(place) == turned(place, 1), f"no kink lies left of dart {dart}")
    d.remove(place[0])


def remove_bigon(d, dart):
    """R2-: a face of two sides, between two crossings, one strand above at both."""
    place = d.place(dart)
    end = d.other(place)
    back = end[0] != place[0] and d.other(turned(end, 3)) == turned(place, 1)
    need(back, f"no face of two sides and two crossings lies left of dart {dart}")
    need((place[1] - end[1]) % 2 == 0, f"the strands beside the face left of dart {dart} are clasped")
    d.remove(place[0])
    d.remove(end[0])


def slide(d, dart):
    """R3: on each of the three strands of a triangle the two crossings change their order."""
    sides, _ = d.face(d.place(dart))
    need(len(sides) == len({c for c, _ in sides}) == 3, f"no triangle lies left of dart {dart}")
    need(len({k % 2 for _, k in sides}) == 2, f"no strand of the triangle left of dart {dart} is above twice")
    before = {side: d.other(side) for side in sides}
    strands = [(turned(side, 2), side, end, turned(end, 2)) for side, end in before.items()]
    labels = [[d.at(place) for place in strand] for strand in strands]
    for (outer, inner, end, last), (coming, middle, _, leaving) in zip(strands, labels, strict=True):
        for place, label in ((end, coming), (last, middle), (outer, middle), (inner, leaving)):
            d.at(place, label)


def add_kink(d, dart, slot):
    """R1+: the strand turns once to the left; its loop joins the places slot and slot + 1."""
    place = d.place(dart)
    need(slot in (0, 1), f"a kink begins at slot 0 or 1, not {slot}")
    end, loop, far = d.other(place), d.fresh(), d.fresh()
    d.at(end, far)
    d.add((loop, loop, d.at(place), far), slot)


def add_bigon(d, dart, second, level):
    """R2+: the edge of a dart is pushed across that of another on the same face, above it or below."""
    one, two = d.place(dart), d.place(second)
    need(level in (0, 1), f"the level is 0 or 1, not {level}")
    need(one != two and d.other(one) != two, f"darts {dart} and {second} belong to one edge")
    need(two in d.face(one)[0], f"darts {dart} and {second} have not the same face to their left")
    one_end, two_end = d.other(one), d.other(two)
    a, b, a_middle, a_far, b_middle, b_far = d.at(one), d.at(two), *(d.fresh() for _ in range(4))
    d.at(one_end, a_far)
    d.at(two_end, b_far)
    d.add((a, b_middle, a_middle, b_far), level)
    d.add((a_far, b, a_middle, b_middle), level)


def change(d, dart):
    """XC: the places of the crossing are counted one further, so that the other strand lies above."""
    row = d.rows[d.place(dart)[0]]
    row[:] = row[3:] + row[:3]


def lay_anew(d, dart, length, *route):
    """PASS: an arc above (or below) all it crosses is taken out, and laid across the edges of a route."""
    start, arc = d.place(dart), []
    need(1 <= length <= 2 * len(d.rows), f"an arc does not cross {length} times")
    end = d.other(start)
    for _ in range(length):
        arc.append(end)
        end = d.other(turned(end, 2))
    gone, level = {c for c, _ in arc}, arc[0][1] % 2
    need(all(k % 2 == level for _, k in arc), f"the arc from dart {dart} is not at one level")
    apart = len(gone) == length and start[0] not in gone and end[0] not in gone and start != end
    need(apart, f"the arc from dart {dart} ends at a crossing that it passes")
    for place in arc:
        d.merge(turned(place, 1))
    for c in gone:
        del d.rows[c]
    head, tail, stub = d.at(start, d.fresh()), d.at(end, d.fresh()), start
    d.loose = {head, tail}
    for dart in route:
        place = d.place(dart)
        need(head in d.face(place)[1], f"the arc does not reach the face left of dart {dart}")
        above, came, head = d.fresh(), head, d.fresh()
        d.at(d.other(place), above)
        stub = d.add((head, above, came, d.at(place)), level)
        d.loose = {head, tail}
    met = set()
    while d.at(stub) in d.loose:
        met.add(d.at(stub))
        stub = turned(stub, 3)
    need(tail in met | d.face(stub)[1], "the route ends in a face that the arc's other end does not touch")
    d.loose = set()
    d.relabel(tail, head)


MOVES = {"R1-": (1, remove_kink), "R2-": (1, remove_bigon), "R3": (1, slide), "R1+": (2, add_kink)}
MOVES |= {"R2+": (3, add_bigon), "XC": (1, change), "PASS": (2, lay_anew)}


def digest(*parts):
    """The first 16 hexadecimal digits of the SHA-256 sum of compact JSON."""
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:16]


def verify(certificate):
    """Return as a sentence what a certificate proves; raise `Rejected` where it does not bear its claim."""
    need(isinstance(certificate, dict), "a certificate is a table of fields")
    fields = ("format", "version", "claim", "value", "end", "start")
    form, version, claim, value, stated, start = head = [certificate.get(field) for field in fields]
    moves, hashes, last = certificate.get("moves"), certificate.get("hashes"), digest(*head)
    need(form == FORMAT and version == VERSION, f"this is not version {VERSION} of {FORMAT!r}")
    need(isinstance(start, list) and isinstance(moves, list), "start and moves are not lists")
    complete = isinstance(hashes, list) and len(hashes) == len(moves) + 1
    need(hashes is None or (complete and hashes[0] == last), "a hash is missing, or the first differs")
    diagram = Rows(start)
    components, peak = diagram.components(), len(start)
    for step, move in enumerate(moves, 1):
        try:
            known = isinstance(move, list) and move and isinstance(move[0], str) and move[0] in MOVES
            need(known and all(type(number) is int for number in move[1:]), "this is no move")
            size, action = MOVES[move[0]]
            fits = len(move) == size + 1 or (move[0] == "PASS" and len(move) > size)
            need(fits, f"{size} integers should follow")
            action(diagram, *move[1:])
            need(diagram.components() == components, "the number of components changes")
            last = digest(last, move, diagram.text()) if hashes else None
            need(not hashes or hashes[step] == last, "the hash differs")
        except Rejected as why:
            raise Rejected(f"step {step}, {move}: {why}") from None
        peak = max(peak, len(diagram.rows))
    changes = sum(move[0] == "XC" for move in moves)
    how = f"{len(moves)} moves, at most {peak} crossings on the way"
    if claim == "equivalent":
        need(changes == 0 and stated == diagram.text(), "the moves do not end at the diagram stated")
        return f"a diagram of {len(start)} crossings is equivalent to one of {len(diagram.rows)} ({how})"
    need(claim in ("unknot", "unknotting number"), f"the claim {claim!r} is not known")
    need(not diagram.rows and diagram.circles == 1, f"the moves end with {len(diagram.rows)} crossings")
    allowed = 0 if claim == "unknot" else value
    need(type(allowed) is int and changes <= allowed, f"{changes} crossings are changed, not {allowed}")
    proved = "is the unknot" if claim == "unknot" else f"has unknotting number at most {value}"
    return f"a diagram of {len(start)} crossings {proved} ({how})"


def main(arguments):
    """Check files; return 0 if every one proves what it claims, otherwise 1."""
    code = 0
    for path in arguments:
        try:
            with open(path) as file:  # noqa: PTH123
                print(f"{path}: {verify(json.load(file))}")
        except (Rejected, ValueError, OSError) as why:
            print(f"{path}: REJECTED: {why}")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
