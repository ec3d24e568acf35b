"""Write poker.npz: what OpenSpiel 2.0.2 computes for Kuhn and Leduc poker, in double precision.

Run it as ``python make_poker.py`` with NumPy and open-spiel at hand; the tests need neither of them.
A policy is stored with the information states it belongs to, as OpenSpiel's tensors.
"""

from pathlib import Path

import numpy as np
import pyspiel
from open_spiel.python import policy as policies
from open_spiel.python.algorithms import cfr, expected_game_score, exploitability

GAMES = {"kuhn": "kuhn_poker", "leduc": "leduc_poker"}
MARKS = {"kuhn": (1, 2, 10, 100, 1000), "leduc": (1, 2, 10, 100)}
SIMULTANEOUS = {"kuhn": (1, 2, 10, 100), "leduc": (1, 2, 10)}


def information_states(game):
    """Return every information state by its text: its tensor and which actions are legal."""
    found, waiting = {}, [game.new_initial_state()]
    while waiting:
        state = waiting.pop()
        if state.is_terminal():
            continue
        if not state.is_chance_node():
            legal = np.zeros(game.num_distinct_actions(), bool)
            legal[state.legal_actions()] = True
            found[state.information_state_string()] = np.array(state.information_state_tensor()), legal
        waiting += [state.child(action) for action in state.legal_actions()]
    return dict(sorted(found.items()))


def tabular(game, table):
    """Return OpenSpiel's policy for probabilities by information state."""
    found = policies.TabularPolicy(game)
    for text, row in table.items():
        found.policy_for_key(text)[:] = row
    return found


def random_policy(game, states):
    """Return probabilities from a fixed seed."""
    rng, table = np.random.default_rng(0), {}
    for text, (_, legal) in states.items():
        row = rng.exponential(size=legal.size) * legal
        table[text] = row / row.sum()
    return table


def values(game, policy):
    """Return the expected returns and NashConv."""
    scores = expected_game_score.policy_value(game.new_initial_state(), [policy] * game.num_players())
    return np.array([*scores, exploitability.nash_conv(game, policy)])


def run(game, name, solver, marks, states):
    """Return the exploitabilities after `marks` iterations, and the last average policy."""
    found = []
    for time in range(1, marks[-1] + 1):
        solver.evaluate_and_update_policy()
        if time in marks:
            found.append(pyspiel.exploitability(game, solver.average_policy()))
    average, size = solver.average_policy(), game.num_distinct_actions()
    rows = np.zeros((len(states), size))
    for row, text in enumerate(states):
        for action, probability in average.get_state_policy(text):
            rows[row, action] = probability
    return {
        f"{name}/marks": np.array(marks),
        f"{name}/exploitability": np.array(found),
        f"{name}/policy": rows,
    }


def run_at_once(game, name, plus, marks):
    """Return the exploitabilities with both players passing at once, by OpenSpiel's Python."""
    solver = cfr._CFRSolver(game, alternating_updates=False, linear_averaging=plus, regret_matching_plus=plus)
    found = []
    for time in range(1, marks[-1] + 1):
        solver.evaluate_and_update_policy()
        if time in marks:
            found.append(exploitability.exploitability(game, solver.average_policy()))
    return {f"{name}/marks": np.array(marks), f"{name}/exploitability": np.array(found)}


if __name__ == "__main__":
    arrays = {}
    for short, long in GAMES.items():
        game = pyspiel.load_game(long)
        states = information_states(game)
        table = random_policy(game, states)
        arrays[f"{short}/tensors"] = np.array([tensor for tensor, _ in states.values()], np.int8)
        arrays[f"{short}/legal"] = np.array([legal for _, legal in states.values()])
        arrays[f"{short}/random/policy"] = np.array(list(table.values()))
        arrays[f"{short}/random/values"] = values(game, tabular(game, table))
        arrays[f"{short}/uniform/values"] = values(game, policies.UniformRandomPolicy(game))
        for name, solver in (("cfr", pyspiel.CFRSolver), ("cfr+", pyspiel.CFRPlusSolver)):
            arrays |= run(game, f"{short}/{name}", solver(game), MARKS[short], states)
            at_once = f"{short}/{name}/at_once"
            arrays |= run_at_once(game, at_once, name == "cfr+", SIMULTANEOUS[short])
    np.savez_compressed(Path(__file__).with_name("poker.npz"), **arrays)
