"""OpenSpiel's Python tree search on connect four: prints its rate as JSON.

Usage: open_spiel_search.py SETTINGS, a JSON object:

- `openings`: a list of lists of columns; one search begins after each, one after the other.
- `simulations`; `rollout`: judge a state by one game played at random, not by an even prior and the value 0.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import pyspiel
from open_spiel.python.algorithms import mcts


class Even(mcts.Evaluator):
    """An even prior over the legal columns, and the value 0."""

    def evaluate(self, state):
        """Return 0 for both players."""
        return (0.0, 0.0)

    def prior(self, state):
        """Return the legal columns, each as likely."""
        legal = state.legal_actions()
        return [(action, 1.0 / len(legal)) for action in legal]


def main(asked):
    """Search from each opening, and print what was measured."""
    game, random = pyspiel.load_game("connect_four"), np.random.RandomState(0)
    evaluator = mcts.RandomRolloutEvaluator(1, random) if asked.get("rollout") else Even()
    bot = mcts.MCTSBot(
        game, 1.25, asked["simulations"], evaluator, solve=False, random_state=random,
        child_selection_fn=mcts.SearchNode.puct_value,
    )  # fmt: skip
    states = []
    for columns in asked["openings"]:
        states.append(game.new_initial_state())
        for column in columns:
            states[-1].apply_action(column)
    bot.mcts_search(states[0])
    clock, cpu, count = time.perf_counter(), time.process_time(), 0
    for state in states:
        count += bot.mcts_search(state).explore_count
    seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
    found = {"rate": count / seconds, "cpu_rate": count / cpu, "open_spiel": version("open_spiel")}
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[-1]))
