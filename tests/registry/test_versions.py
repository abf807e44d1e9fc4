"""Claims about versions and aliases, in a real registry."""

import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from hypertuning.config import UserError
from hypertuning.registry import aliases, versions
from hypertuning.stages.register import publish

DIGITS = [str(n) for n in range(10)]


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v1", "V12"])
def test_aliases_that_the_registry_reserves_are_refused(alias):
    with pytest.raises(UserError, match="reserved by the registry"):
        aliases.check_alias(alias)


@pytest.mark.parametrize("alias", ["champion", "previous"])
def test_aliases_that_the_gate_gives_are_refused(alias):
    with pytest.raises(UserError, match="given by the gate alone"):
        aliases.check_alias(alias)


@pytest.mark.parametrize("alias", ["", "a b", "a/b", "ä!", "a" * 256])
def test_aliases_that_are_none_are_refused(alias):
    with pytest.raises(UserError, match="letters, digits"):
        aliases.check_alias(alias)


@pytest.mark.parametrize("alias", ["challenger", "candidate-2", "v", "v1a", "a" * 255])
def test_every_other_alias_is_taken_by_us_and_by_the_registry(client, name, new_version, alias):
    aliases.check_alias(alias)
    client.set_registered_model_alias(name, alias, new_version().version)


@pytest.mark.parametrize("wrong", ["", "a/b", "a:b", "a?b", "a" * 257])
def test_names_that_the_registry_refuses_are_refused_before_anything_is_made(client, wrong):
    with pytest.raises(UserError, match="`model_name`"):
        versions.check_name(client, wrong)
    assert wrong not in [model.name for model in client.search_registered_models()]


def test_a_name_that_is_new_or_taken_is_fine(client, name, new_version):
    versions.check_name(client, name)
    new_version()
    versions.check_name(client, name)


def test_openings_of_the_test_images_are_counted_by_model_name(client, name):
    assert [versions.open_test(client, name, run) for run in ("a", "b", "c")] == [1, 2, 3]
    assert versions.open_test(client, f"{name}-other", "a") == 1


def test_a_run_that_opens_them_again_after_a_break_counts_once(client, name):
    versions.open_test(client, name, "a")
    assert versions.open_test(client, name, "a") == 1
    assert client.get_registered_model(name).tags[versions.OPENED] == "1"


def test_a_champion_that_is_replaced_stays_as_previous_and_can_come_back(client, name, new_version):
    def aliases():
        model = client.get_registered_model(name)
        return {alias: int(version) for alias, version in model.aliases.items()}

    versions.promote(client, new_version(), "challenger")
    assert aliases() == {"champion": 1}
    second = new_version()
    client.set_registered_model_alias(name, "challenger", second.version)
    versions.promote(client, second, "challenger")
    assert aliases() == {"champion": 2, "previous": 1}
    champion, previous = versions.roll_back(client, name)
    assert (champion.version, previous.version) == ("1", "2") or (
        int(champion.version), int(previous.version)) == (1, 2)  # fmt: skip
    assert aliases() == {"champion": 1, "previous": 2}


@pytest.mark.parametrize(
    ("met", "forced", "leads"),
    [
        ("none", "false", False),
        ("7", "false", False),
        ("1", "false", True),
        ("none", "true", True),
        (None, "false", True),
    ],
)
def test_a_version_dethrones_only_a_champion_that_it_was_compared_with(
    client, name, new_version, met, forced, leads
):
    versions.promote(client, new_version(), "challenger")
    tags = {} if met is None else {versions.COMPARED: met}
    second = new_version(**{versions.PROMOTED: "true", "forced": forced}, **tags)
    prepared = SimpleNamespace(client=client, options=SimpleNamespace(alias="challenger"))
    assert publish._announce(prepared, second) == ("champion" if leads else "challenger")
    assert versions.find(client, name, "champion").version == (second.version if leads else 1)
    assert publish._announce(prepared, second) == ("champion" if leads else "challenger"), "again"


@pytest.mark.parametrize(
    ("champion_met", "said"),
    [
        ("1", "it came meanwhile, and the two were not compared: register again"),
        ("2", "the two were compared when that was registered"),
    ],
)
def test_what_is_said_of_a_champion_that_came_meanwhile(
    client, name, new_version, champion_met, said
):
    """Version 2 was to follow version 1, but when it is announced, version 3 is champion."""
    new_version()
    judged = {versions.PROMOTED: "true", versions.COMPARED: "1", "forced": "false", "gate": "won"}
    second = new_version(**judged)
    third = new_version(**{versions.COMPARED: champion_met})
    versions.promote(client, third, "challenger")
    study = client.create_run(client.get_experiment_by_name("models").experiment_id).info
    options = SimpleNamespace(model_name=name, alias="challenger")
    lines = publish.publish(
        SimpleNamespace(client=client, options=options),
        SimpleNamespace(id=study.run_id),
        pd.DataFrame(),
        SimpleNamespace(run_id=second.run_id),
    )
    assert lines[:4] == [
        "won",
        f"registered: models:/{name}@challenger (version 2)",
        "version 3 stays champion",
        said,
    ]
    tags = client.get_run(study.run_id).data.tags
    assert tags["model_version"] == "2" and said in tags[MLFLOW_RUN_NOTE]


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("steps", range(4))
def test_a_rollback_that_is_broken_off_anywhere_is_finished_by_the_next(
    client, name, new_version, monkeypatch, steps
):
    for _ in range(2):
        versions.promote(client, new_version(), "challenger")
    done = []

    def until_the_cut(change):
        def changed(*args):
            if len(done) == steps:
                raise PowerCut
            done.append(change(*args))

        return changed

    with monkeypatch.context() as broken:
        for change in ("set_registered_model_alias", "delete_registered_model_alias"):
            broken.setattr(client, change, until_the_cut(getattr(client, change)))
        with pytest.raises(PowerCut):
            versions.roll_back(client, name)
    versions.roll_back(client, name)
    aliases = client.get_registered_model(name).aliases
    assert {alias: int(number) for alias, number in aliases.items()} == {
        "champion": 1, "previous": 2
    }  # fmt: skip


def test_there_is_no_way_back_where_there_was_no_champion_before(client, name, new_version):
    versions.promote(client, new_version(), "challenger")
    with pytest.raises(UserError, match="no version with the alias previous"):
        versions.roll_back(client, name)


def test_a_champion_of_other_classes_is_refused(client, name, new_version):
    versions.check_champion(client, name, DIGITS)  # there is none
    versions.promote(client, new_version(), "challenger")
    versions.check_champion(client, name, DIGITS)
    with pytest.raises(UserError, match=r"version 1 of model .* these images are of cat, dog"):
        versions.check_champion(client, name, ["cat", "dog"])


def test_a_champion_whose_files_are_gone_can_only_be_replaced_by_force(client, name, new_version):
    champion = new_version()
    versions.promote(client, champion, "challenger")
    shutil.rmtree(client.get_run(champion.run_id).info.artifact_uri)
    assert "its files are gone" in versions.incomparable(champion, DIGITS)
    with pytest.raises(UserError, match=r"cannot be compared with.* its files are gone"):
        versions.check_champion(client, name, DIGITS)


def test_a_card_that_is_too_long_for_the_registry_says_where_all_of_it_is(
    client, name, new_version
):
    run = client.get_run(new_version().run_id).info
    source = f"{run.artifact_uri}/model"
    version = versions.register(client, name, source, run.run_id, {}, "word " * 2000)
    assert len(version.description) <= 5000
    assert version.description.endswith("model_card.md among the artifacts of the source run.")


def test_a_run_that_has_made_a_version_is_known_by_it(client, name, new_version):
    version = new_version()
    assert versions.of_run(client, name, version.run_id).version == version.version
    assert versions.of_run(client, name, "0" * 32) is None


def test_a_champion_of_somebody_else_is_refused_unless_its_code_is_trusted(
    client, name, new_version
):
    champion = new_version()
    versions.promote(client, champion, "challenger")
    with open(
        f"{client.get_run(champion.run_id).info.artifact_uri}/model/served_model.py", "a"
    ) as f:
        f.write("# changed")
    with pytest.raises(UserError, match=r"was not made by `register` .* with `trust`"):
        versions.check_champion(client, name, DIGITS)
    versions.check_champion(client, name, DIGITS, trust=True)
    assert "was not made by `register`" in versions.unusable(champion)
    assert not versions.unusable(new_version())


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("digits", "digits-cnn"), ("cifar10", "cifar10-cnn"), ("my images", "my-images-cnn"),
     ("täst 100% x", "täst-100-x-cnn"), ("c#?/:@", "c-cnn"), ("..", "images-cnn"),
     ("a" * 300, "a" * 100 + "-cnn")],
)  # fmt: skip
def test_a_model_is_named_after_its_data_set_as_the_registry_takes_it(client, dataset, name):
    assert versions.name_for(dataset) == name
    versions.check_name(client, name)


def test_auto_is_the_only_model_of_ours_and_where_there_are_several_they_are_listed(
    empty_registry,
):
    client = empty_registry

    def register(name: str, *aliases: str, **tags: str) -> None:
        client.create_registered_model(name)
        client.create_model_version(name, "/nowhere", tags=tags)
        for alias in aliases:
            client.set_registered_model_alias(name, alias, "1")

    def champion() -> str:
        return versions.only_one(client, {"champion"}, "model_uri", "models:/{}@champion")

    with pytest.raises(UserError, match="no model that `register` has made has a champion yet"):
        champion()
    register("theirs", "champion", "previous")
    register("waiting", "challenger", register_study="a study")
    with pytest.raises(UserError, match="no model that `register` has made has a champion yet"):
        champion()
    register("ours", "champion", register_study="a study")
    assert champion() == "ours"
    register("ours-too", "champion", "previous", register_study="a study")
    with pytest.raises(UserError) as refusal:
        champion()
    listed = "models:/ours@champion, models:/ours-too@champion"
    assert str(refusal.value).endswith(f"one of the 2 models with a champion: {listed}")
    both = {"champion", "previous"}
    assert versions.only_one(client, both, "model_name", "{}") == "ours-too"
