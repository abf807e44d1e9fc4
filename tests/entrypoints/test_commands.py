"""Claims about printed commands: they can be pasted into the shell in which they were printed."""

import json
import sys
from pathlib import Path

import pytest
from stand_ins import ROOT, shell, understood

from hypertuning.stages.console import invocation
from hypertuning.stages.console.commands import command_of, module_of

PRINTED = [
    ("register", {"source": "0a1b"}),
    ("train", {"config": "it's my best.yaml", "data_dir": "/big disk/$HOME/data"}),
    ("predict", {"model_uri": "models:/a b@champion", "images": "FILE_OR_FOLDER"}),
    ("doctor", {"fix": True}),
    ("report", {}),
]
PRINTS = """
import json
from hypertuning.stages.console.commands import command_of, mlflow_command, module_command_of
print(json.dumps({
    "stages": [command_of(stage, **options) for stage, options in PRINTED],
    "elsewhere": command_of("grid", experiment="an 'other' one"),
    "module": module_command_of("train", resume="0a1b"),
    "mlflow": mlflow_command("ui", "--backend-store-uri", "sqlite:////a b/m.db"),
}))
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "my 'own' project"
    folder.mkdir()
    (folder / "prints.py").write_text(f"PRINTED = {PRINTED!r}{PRINTS}")
    return folder


def printed(place, line):
    return json.loads(place.run(line).splitlines()[-1])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("mlflow run . -e bohb --env-manager local -P seed=1", ". -e register --env-manager local"),
        ("mlflow run . -ebohb --env-manager=uv -Pseed=1", ". -e register --env-manager uv"),
        ("mlflow run -P seed=1 -e bohb --run-name mine .", ". -e register"),
        ("mlflow run -v main --env-manager uv .", ". -e register -v main --env-manager uv"),
        ("mlflow run . --experiment-id 7", ". -e register --experiment-id 7"),
        ("mlflow run . --experiment-name 'my $1'", ". -e register --experiment-name 'my $1'"),
    ],
)
def test_under_mlflow_run_only_stage_and_parameters_differ_from_what_was_typed(
    tmp_path, project, typed, said
):
    place = shell(tmp_path, project, project)
    lines = printed(place, typed)["stages"]
    assert lines[0] == f"mlflow run {said} -P source=0a1b"
    for line, (stage, options) in zip(lines, PRINTED, strict=True):
        pasted = place.paste(line)
        assert understood(pasted["words"]) == (stage, as_text(options))
        assert pasted["folder"] == str(project)


@pytest.mark.parametrize("program", ["../bin/mlflow", "python ../bin/mlflow", "python -m mlflow"])
def test_mlflow_is_started_as_it_was(tmp_path, project, program):
    place = shell(tmp_path, project, project)
    place.variables["PATH"] = place.variables["PATH"].split(":", 1)[1]  # not on PATH any more
    (tmp_path / "bin/mlflow.py").symlink_to("mlflow")
    place.variables["PYTHONPATH"] = str(tmp_path / "bin")
    line = printed(place, f"{program} run .")["stages"][0]
    expected = program if "-m" in program else "../bin/mlflow"
    assert line == f"{expected} run . -e register -P source=0a1b"


def as_text(options):
    return {n: str(v).lower() if v is True else v for n, v in options.items()}


def test_the_project_may_be_elsewhere_and_its_python_too(tmp_path, project):
    place = shell(tmp_path, tmp_path / "my work", project)
    said = printed(place, f'mlflow run "../{project.name}" -e bohb --env-manager local')
    assert place.paste(said["stages"][0])["words"][2] == f"../{project.name}"
    module = place.paste(said["module"])
    assert understood(module["words"]) == ("train", {"resume": "0a1b"})
    assert module["variables"]["PYTHONPATH"] == f"{project}:{project}/src"
    assert place.paste(said["mlflow"])["words"][1:] == [
        "ui", "--backend-store-uri", "sqlite:////a b/m.db",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"])
def test_what_the_shell_has_set_is_not_contradicted(tmp_path, project, name):
    """MLflow refuses a command with both the name and the id of an experiment."""
    place = shell(tmp_path, project, project, **{name: "7"})
    said = printed(place, "mlflow run . -e bohb --env-manager local")
    pasted = place.paste(said["stages"][0])
    assert pasted["variables"][name] == "7", "the shell says it still"
    assert not any(word.startswith("--experiment") for word in pasted["words"])
    elsewhere = place.paste(said["elsewhere"])
    at = elsewhere["words"].index("--experiment-name")
    assert elsewhere["words"][at + 1] == "an 'other' one"
    assert "MLFLOW_EXPERIMENT_ID" not in elsewhere["variables"]


@pytest.mark.parametrize(
    "variables", [{}, {"MLFLOW_RUN_ID": 32 * "0", "MLFLOW_EXPERIMENT_ID": "3"}]
)
def test_as_a_module_it_is_the_python_that_was_typed(tmp_path, project, variables):
    place = shell(tmp_path, project, project, PYTHONPATH=str(ROOT), **variables)
    said = printed(place, "python -m prints")
    for command, (stage, options) in zip(said["stages"], PRINTED, strict=True):
        pasted = place.paste(command)
        assert Path(pasted["words"][0]).name == "python"
        assert understood(pasted["words"]) == (stage, as_text(options))
        assert "MLFLOW_RUN_ID" not in pasted["variables"], "an old run takes no second study"
        assert pasted["variables"].get("MLFLOW_EXPERIMENT_ID") == variables.get(
            "MLFLOW_EXPERIMENT_ID"
        )
    elsewhere = place.paste(said["elsewhere"])["variables"]
    assert elsewhere["MLFLOW_EXPERIMENT_NAME"] == "an 'other' one"
    assert "MLFLOW_EXPERIMENT_ID" not in elsewhere, "it would have the last word"


def test_a_stage_of_main_says_what_started_main(tmp_path, project):
    (project / "main.py").write_text(
        "import os, subprocess, sys\n"
        "del os.environ['MLFLOW_RUN_ID']\n"
        "sys.exit(subprocess.call([sys.executable, '-m', 'prints']))\n"
    )
    place = shell(tmp_path, project, project)
    program = Path(place.variables["PATH"].split(":")[0], "mlflow")
    program.write_text(program.read_text().replace("-m prints", "-m main"))
    said = printed(place, "mlflow run . --env-manager uv")
    assert said["stages"][0] == "mlflow run . -e register --env-manager uv -P source=0a1b"


def test_after_make_the_environment_is_entered_first(tmp_path, project):
    place = shell(tmp_path, project, project, MAKELEVEL="1")
    said = printed(place, "mlflow run . --env-manager local")
    entered = f"source {sys.prefix}/bin/activate && "
    assert all(line.startswith(f"{entered}mlflow run") for line in said["stages"])
    place.variables["VIRTUAL_ENV"] = sys.prefix
    assert not printed(place, "mlflow run . --env-manager local")["stages"][0].startswith("source")


@pytest.mark.parametrize(
    ("made_by", "option"),
    [("uv = 0.9.1\n", "--env-manager uv"), ("version = 3.11.7\n", "--env-manager virtualenv")],
)
def test_of_a_call_from_python_the_environment_tells_the_manager(
    tmp_path, monkeypatch, made_by, option
):
    from mlflow.utils.environment import _get_mlflow_env_name

    made = tmp_path / _get_mlflow_env_name("as MLflow names those of uv and virtualenv")
    made.mkdir()
    (made / "pyvenv.cfg").write_text(f"home = /usr/bin\n{made_by}")
    monkeypatch.setattr(sys, "prefix", str(made))
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "7")
    assert command_of("register", source="a") == (
        f"mlflow run {tmp_path} -e register {option} --experiment-id 7 -P source=a"
    )
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert "--env-manager local" in command_of("register", source="a")


@pytest.mark.slow
def test_every_option_of_mlflow_run_is_known():
    """A value that is mistaken for the project would be printed as the project."""
    from mlflow.cli import run

    spelled = {
        word.lstrip("-") + ("" if option.is_flag else ("=" if word.startswith("--") else ":"))
        for option in run.params
        for word in option.opts
        if word.startswith("-")
    }
    known = {*invocation.LONG, *(f"{letter}:" for letter in invocation.SHORT.replace(":", ""))}
    assert spelled == known


def test_another_package_called_entrypoints_is_not_ours(tmp_path, monkeypatch):
    (tmp_path / "entrypoints.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "entrypoints"]:
        monkeypatch.delitem(sys.modules, name)
    assert module_of("bohb") == ["-m", "hypertuning", "bohb"]


def test_the_program_is_named_as_the_shell_finds_it(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "hypertuning"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "bohb"])
    assert command_of("report") == f"{program} report"
    monkeypatch.setenv("PATH", f"{program.parent}:/bin")
    assert command_of("report") == "hypertuning report"
