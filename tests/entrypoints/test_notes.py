"""Claims about the note on a study: what was found stands in front, and once."""

from mlflow.entities import Run, RunData, RunInfo, RunTag

from hypertuning.stages.study.deliver import note_with

ASKED = "**grid**: 36 trials.\n\n| trains on | |\n|---|---|\n| images | digits |\n\nA remark."


def run(note: str) -> Run:
    info = RunInfo("0a1b", "7", "me", "FINISHED", 0, 1, "active")
    return Run(info, RunData(tags=[RunTag("mlflow.note.content", note)]))


def test_findings_stand_before_what_a_study_trains_on():
    note = note_with(run(ASKED), ["The best is b.", "The worst is c.", "The best is b."])
    first, heading, found, *rest = note.split("\n\n")
    assert first == "**grid**: 36 trials."
    assert heading.startswith("**Found** ([all trials, best first](#/experiments/7/runs?")
    assert found == "- The best is b.\n- The worst is c."
    assert "\n\n".join(rest) == ASKED.partition("\n\n")[2]


def test_new_findings_take_the_place_of_the_earlier_ones():
    once = note_with(run(ASKED), ["The best is b."])
    assert note_with(run(once), ["The best is b."]) == once
    assert note_with(run(once), ["It is a."]) == once.replace("The best is b.", "It is a.")
    assert note_with(run(once), []) == ASKED


def test_findings_at_the_end_of_a_note_are_those_of_an_earlier_version():
    before = f"{ASKED}\n\n**Found** ([all trials](#/x))\n\n- The best is b.\n- And c."
    assert note_with(run(before), ["It is a."]) == note_with(run(ASKED), ["It is a."])


def test_a_note_of_one_paragraph_is_followed_by_what_was_found():
    assert note_with(run("**train**"), ["It is a."]).endswith("\n\n- It is a.")


def test_of_more_findings_than_mlflow_takes_the_first_are_kept_whole():
    lines = [f"Step {n} of the learning rate: no clear difference in accuracy." for n in range(400)]
    note = note_with(run(ASKED), lines)
    assert 7900 < len(note) <= 8000
    kept = [line for line in lines if f"- {line}" in note.splitlines()]
    assert kept == lines[: len(kept)]
    assert f"- … and {400 - len(kept)} more, in the report" in note.splitlines()
    assert note.endswith(ASKED.partition("\n\n")[2])
    assert note_with(run(note), ["It is a."]) == note_with(run(ASKED), ["It is a."])
