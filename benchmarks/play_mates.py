"""Mate in two by search: the keys of famous games and problems, and the time to prove each the only one.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

import jax
import numpy as np

from ansatz.rl.envs._chess_text import spelled
from ansatz.rl.envs.chess import Chess
from ansatz.rl.forced import forced
from benchmarks.run import entry

Row = list[dict[str, Any]]
KEY = jax.random.key(0)
MATES = (
    ("Morphy, problem", "kbK5/pp6/1P6/8/8/8/8/R7 w", "a1a6"),
    ("Taverner, problem", "3brrb1/2N4B/8/2p4Q/2p2k2/5P2/4P1KR/2N2RB1 w", "h2h1"),
    ("Buckle 1840", "r2qkb1r/pp2nppp/3p4/2pNN1B1/2BnP3/3P4/PPP2PPP/R2bK2R w", "d5f6"),
    ("Paulsen - Blachy 1857", "1rb4r/pkPp3p/1b1P3n/1Q6/N3Pp2/8/P1P3PP/7K w", "b5d5"),
    ("Morphy - Isouard 1858", "4kb1r/p2n1ppp/4q3/4p1B1/4P3/1Q6/PPP2PPP/2KR4 w", "b3b8"),
    ("Zukertort - Anderssen 1865", "r1b2k1r/ppp1bppp/8/1B1Q4/5q2/2P5/PPP2PPP/R3R1K1 w", "d5d8"),
    ("Neumann - Mayet 1866", "5rkr/pp2Rp2/1b1p1Pb1/3P2Q1/2n3P1/2p5/P4P2/4R1K1 w", "g5g6"),
    ("Blackburne - Martin 1876", "1r1kr3/Nbppn1pp/1b6/8/6Q1/3B1P2/Pq3P1P/3RR1K1 w", "g4d7"),
    ("W. Paulsen - Anderssen 1878", "5rk1/1p1q2bp/p2pN1p1/2pP2Bn/2P3P1/1P6/P4QKP/5R2 w", "f2f8"),
    ("Blackburne - Smith 1882", "r1nk3r/2b2ppp/p3b3/3NN3/Q2P3q/B2B4/P4PPP/4R1K1 w", "a4d7"),
    ("Steinitz - Sands 1887", "r4br1/3b1kpp/1q1P4/1pp1RP1N/p7/6Q1/PPB3PP/2KR4 w", "g3g6"),
    ("Steinitz - Hodges 1891", "r1b2k1r/ppppq3/5N1p/4P2Q/4PP2/1B6/PP5P/n2K2R1 w", "h5h6"),
    ("Tarrasch - Fiedler 1892", "r2q1b1r/1pN1n1pp/p1n3k1/4Pb2/2BP4/8/PPP3PP/R1BQ1RK1 w", "d1g4"),
    ("Pillsbury - Rodgers 1893", "3q2r1/4n2k/p1p1rBpp/PpPpPp2/1P3P1Q/2P3R1/7P/1R5K w", "h4h6"),
    ("Tarrasch - Kürschner 1893", "r2qk2r/pb4pp/1n2Pb2/2B2Q2/p1p5/2P5/2B2PPP/RN2R1K1 w", "f5g6"),
    ("Mason - Marco 1894", "6k1/pp4p1/2p5/2bp4/8/P5Pb/1P3rrP/2BRRN1K b", "g2g1"),
    ("Teed - Delmar 1896", "rnbqkbn1/ppppp3/7r/6pp/3P1p2/3BP1B1/PPP2PPP/RN1QK1NR w", "d1h5"),
    ("Steinitz - Trenchard 1898", "r2qrb2/p1pn1Qp1/1p4Nk/4PR2/3n4/7N/P5PP/R6K w", "g6e7"),
    ("Mason - Lasker 1899", "8/2r5/1k5p/1pp4P/8/K2P4/PR2QB2/2q5 b", "c1c3"),
    ("Nimzowitsch - Neumann 1899", "r1b3nr/ppqk1Bbp/2pp4/4P1B1/3n4/3P4/PPP2QPP/R4RK1 w", "f2f5"),
    ("Pillsbury - Tinsley 1899", "3k1r1r/pb3p2/1p4p1/1B2B3/3qn3/6QP/P4RP1/2R3K1 w", "e5f6"),
    ("Ryder 1899", "rn2kb1r/1pQbpppp/1p6/qp1N4/6n1/8/PPP3PP/2KR2NR w", "c7c8"),
    ("Pulitzer - Marco 1900", "r2k2nr/pp1b1Q1p/2n4b/3N4/3q4/3P4/PPP3PP/4RR1K w", "e1e8"),
    ("Reggio - Marco 1902", "7k/1p4p1/p4b1p/3N3P/2p5/2rb4/PP2r3/K2R2R1 b", "c3c1"),
    ("Lasker 1903", "r2q2nr/5p1p/p1Bp3b/1p1NkP2/3pP1p1/2PP2P1/PP5P/R1Bb1RK1 w", "c1f4"),
    ("Schwartz - Samsonov 1908", "r2q1k1r/ppp1bB1p/2np4/6N1/3PP1bP/8/PPP5/RNB2RK1 w", "g5e6"),
    ("Rotlewi - Süchting 1911", "6k1/1p1r1pp1/p1r3b1/3pPqB1/2pP4/Q1P4R/P3P2K/6R1 w", "a3f8"),
    ("Flamberg - Duras 1912", "r1b3k1/ppp3pp/8/3pB3/1P1P4/3K1P2/PP1n1q1P/R2Q3R b", "c8f5"),
    ("Lasker - Englund 1913", "2kr1b1r/pp3ppp/2p1b2q/4B3/4Q3/2PB2R1/PPP2PPP/3R2K1 w", "e4c6"),
    ("Teichmann 1914", "rn2kb1r/pp3ppp/4p1qn/1p4B1/2B5/3P2QP/PPP2PP1/R3K2R w", "g3b8"),
)
"""Whose it is, the position (no castling), and the one move that mates in two."""


def mates() -> Row:
    """Mate in two by trying all moves: the only key found, and every other move refuted."""
    env, right, times, tried = Chess(), 0, [], []
    states = [Chess(f"{fen} - - 0 1").reset(KEY) for _, fen, _ in MATES]
    forced(env, states[0])
    wrong = []
    for (name, _, key), state in zip(MATES, states, strict=True):
        begun = time.perf_counter()
        found = forced(env, state)
        times.append(time.perf_counter() - begun)
        tried.append(found.tried)
        keys = [spelled(state.position, action) for action in np.flatnonzero(found.actions)]
        right += keys == [key]
        wrong += [] if keys == [key] else [f"{name}: {keys}"]
    note = f"{min(tried):,} to {max(tried):,} moves tried, {sum(tried) / sum(times):,.0f} a second"
    note += "".join(f"; {one}" for one in wrong)
    return [
        entry("", "chess: mates in two with the one key proven", right, unit=f"of {len(MATES)}",
              must=len(MATES), aim=len(MATES), better="higher", seconds=sum(times), note=note),
        entry("", "chess: the longest proof of a mate in two, once compiled", max(times), unit="s", must=1,
              aim=0.5, better="lower", seconds=max(times), note=f"{sum(times):.1f} s for all"),
    ]  # fmt: skip
