"""One row per stage: its options, function, growing options, profiles in `main`, next stages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hypertuning.stages.bohb import Bohb
from hypertuning.stages.compare import Compare
from hypertuning.stages.done import Done
from hypertuning.stages.download import Download
from hypertuning.stages.grid import Grid
from hypertuning.stages.hyperband import Hyperband
from hypertuning.stages.main import Main
from hypertuning.stages.options import Options
from hypertuning.stages.predict import Predict
from hypertuning.stages.register import Register
from hypertuning.stages.repair import Doctor, Sync
from hypertuning.stages.report import Report
from hypertuning.stages.rollback import Rollback
from hypertuning.stages.train import Train

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


STUDY = "A Study, also if it was interrupted: see its `outcome`. None after a dry run."


@dataclass(frozen=True)
class Stage:
    """A stage, as commands, functions of Python and `main` need to know it."""

    name: str
    options: type[Options]
    does: str
    """`module:function`, imported when it is called; for a search it returns the Search."""
    opening: str
    """What it is about to do: the first line it prints, with names of options in braces."""
    gives: str = STUDY
    """What its function in Python returns."""
    searches: bool = False
    """Whether it trains, as a study, the Search that `does` returns."""
    grows: frozenset[str] = frozenset()
    """The options that may become larger when a study is resumed."""
    amends: bool = False
    """Whether a study may go on in another space, and with more points."""
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """The options with which `main` runs it, by profile; empty if `main` does not run it."""
    next: tuple[str, ...] = ()
    """The stages that it suggests at its end."""
    invitation: str = ""
    """What other stages print when they suggest this one."""
    source: str = ""
    """Its option that takes the id of the study after which it is suggested."""

    def opening_of(self, options: Options) -> str:
        """What it is about to do, with the values of its options."""
        if resume := getattr(options, "resume", None):
            return f"goes on with {resume}"
        return self.opening.format_map(options.parameters())

    def run(self, options: Options) -> Done:
        """Run the stage.

        Raises:
            UserError: it cannot.
        """
        if not self.searches:
            return self._function()(options)
        from hypertuning.stages.start import start  # takes a second: the first line comes before

        return start(self.name, self.search, options)

    def search(self, options: Any, given: Mapping | None = None) -> "Search":
        """What the stage tries.

        Args:
            given: If the study is resumed, what it read from elsewhere when it began.
        """
        return self._function()(options, given)

    def _function(self) -> Callable:
        module, _, name = self.does.partition(":")
        return getattr(import_module(f"hypertuning.stages.{module}"), name)


_AFTER_A_SEARCH = ("train", "register", "report")

STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            "download",
            Download,
            "download:download",
            "{dataset}, to {data_dir}",
            gives="The folder of the decoded images.",
        ),
        Stage(
            "compare",
            Compare,
            "compare:search",
            "NN, NN with residual layers, and CNN on {dataset}, epochs={epochs}",
            searches=True,
            grows=frozenset({"repeats"}),
            profiles={"quick": {"epochs": 3}, "full": {"repeats": 3}},
            next=_AFTER_A_SEARCH,
        ),
        Stage(
            "grid",
            Grid,
            "grid:search",
            "every combination of structures on {dataset}, epochs={epochs}",
            searches=True,
            profiles={"quick": {"epochs": 1}, "full": {}},
            next=_AFTER_A_SEARCH,
        ),
        Stage(
            "hyperband",
            Hyperband,
            "hyperband:search",
            "on {dataset}, num_samples={num_samples}, max_epochs={max_epochs}",
            searches=True,
            grows=frozenset({"num_samples"}),
            amends=True,
            profiles={
                "quick": {"num_samples": 9, "grace_period": 1, "max_epochs": 9},
                "full": {},
            },
            next=_AFTER_A_SEARCH,
        ),
        Stage(
            "bohb",
            Bohb,
            "bohb:search",
            "on {dataset}, num_samples={num_samples}, max_epochs={max_epochs}",
            searches=True,
            grows=frozenset({"num_samples"}),
            amends=True,
            profiles={
                "quick": {"num_samples": 17, "family": "plain"},
                "full": {"train_size": 10_000},
            },
            next=_AFTER_A_SEARCH,
        ),
        Stage(
            "train",
            Train,
            "train:search",
            "config={config}, epochs={epochs}",
            searches=True,
            grows=frozenset({"epochs"}),
            next=("register", "report"),
            invitation="train the best longer",
            source="config",
        ),
        Stage(
            "register",
            Register,
            "register:register",
            "from {source}, top_k={top_k}, repeats={repeats}, model_name={model_name}",
            gives="A Registered version, with its `model_uri`; a Study if it was interrupted.",
            profiles={
                "quick": {"top_k": 2, "repeats": 2},
                "full": {"refit_size": 0, "refit_epochs": 12, "test_augment": "mirror_shift"},
            },
            next=("report",),
            invitation="register the best",
            source="source",
        ),
        Stage(
            "predict",
            Predict,
            "predict:predict",
            "{images}, model_uri={model_uri}",
            gives="A DataFrame with a row per picture.",
        ),
        Stage(
            "rollback",
            Rollback,
            "rollback:rollback",
            "model_name={model_name}",
            gives="The number of the version that is champion again.",
        ),
        Stage(
            "main",
            Main,
            "main:main",
            "compare, grid, hyperband, bohb, register, report on {dataset}, profile {profile}",
            gives="The id of the run that holds the stages.",
        ),
        Stage(
            "report",
            Report,
            "report:report",
            "to {out}",
            gives="The path of report.html.",
            invitation="write it up",
        ),
        Stage(
            "sync",
            Sync,
            "repair:sync",
            "{study}, from the records in {storage_path}",
            gives="None.",
        ),
        Stage(
            "doctor",
            Doctor,
            "repair:doctor",
            "{study}, with the records in {storage_path}",
            gives="How many findings are left.",
        ),
    )
}
"""In the order in which they are listed."""
