"""What Ray runs: the job of one trial, an epoch a step."""

from ray import tune

from hypertuning.search.problem import Problem


class TrialRunner(tune.Trainable):
    """Gives the jobs that Ray hands to this process to a worker, which is made here.

    The driver does not train: only the workers import PyTorch, which takes seconds.
    """

    def setup(self, config: dict, problem: Problem) -> None:
        from hypertuning.search.worker import Worker

        self.worker = Worker(problem)
        self.worker.begin(config)

    def reset_config(self, new_config: dict) -> bool:
        self.worker.begin(new_config)
        return True

    def step(self) -> dict:
        return self.worker.step()


def trainable(problem: Problem) -> type[tune.Trainable]:
    """The trainable of a study, with the problem on board."""
    problem.checkpoints.mkdir(parents=True, exist_ok=True)
    return tune.with_parameters(TrialRunner, problem=problem)
