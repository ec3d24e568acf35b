"""The station of the tour that learns to act: a pole on a cart, by PPO, four seeds at once."""

from ansatz.results.report import Picture
from ansatz.rl.algorithms import steps_of
from ansatz.rl.play import play
from ansatz.rl.play_report import answer, learning_curve
from ansatz.rl.worth import curve

SEEDS = 4


def actions() -> tuple[str, str, Picture]:
    """Learn to keep the pole upright; return the page, the answer in one line, and a picture of it."""
    player = play("CartPole-v1", "ppo", seeds=SEEDS)
    steps, values = curve(player.run.validation, steps_of(player.recipe.learner))
    found = player.evaluation
    drawn = learning_curve(steps, values, found.by_chance.value, found.solved)
    return player.report(), answer(player).text, Picture(drawn, "Returns of four trainings.")
