"""Claims about the report's files: one page that needs nothing else, Markdown, tables."""

import csv
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from answers import left
from studies import paired_configs, sampled_configs, study

from hypertuning.report import page
from hypertuning.report.data import Data, Registered, RunPages
from hypertuning.report.document import document
from hypertuning.report.page import cell, render, texts, write
from hypertuning.tracking.runs import STUDY_COLUMNS

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def studied(*given: tuple[str, dict]) -> Data:
    """Data of studies: (stage, what their row in `studies` says and how many trials they have)."""
    frames, rows = [], []
    for number, (stage, said) in enumerate(given):
        study_id = f"{number}" * 32
        configs = said.pop("configs", sampled_configs(6))
        frames.append(study(configs, [1, 1, 3, 9], stage=stage, study_id=study_id))
        row = {"study_id": study_id, "stage": stage, "outcome": "completed", "dataset": "digits"}
        row |= {"planned_trials": 6, "train_images": 500, "val_images": 50, "seed": number}
        rows.append({**dict.fromkeys(STUDY_COLUMNS), **row, "command": "python -m x", **said})
    trials, curves = (pd.concat(kind, ignore_index=True) for kind in zip(*frames, strict=True))
    return Data(pd.DataFrame(rows), trials, curves)


def text_of(data: Data) -> str:
    return render("Report", document(data), NOW)["report.md"].decode()


class Links(HTMLParser):
    """What a page loads or links to, and the ids in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded, self.linked, self.ids, self.open = [], [], [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.loaded += [given["src"]] if "src" in given else []
        self.loaded += [given["href"]] if tag == "link" else []
        self.linked += [given["href"]] if tag == "a" else []
        self.ids += [given["id"]] if "id" in given else []
        if tag not in ("meta", "img", "input", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "every element is closed where it should be"


@pytest.fixture(scope="module")
def files():
    compared = {"space": "{}", "strategy": "bohb"}
    return render(
        "Report on <digits> & more",
        document(
            studied(
                ("hyperband", {"configs": paired_configs(6)}),
                ("bohb", dict(compared)),
                ("bohb", {**compared, "strategy": "random"}),
            )
        ),
        NOW,
    )


def test_the_page_loads_nothing_and_its_links_lead_somewhere(files):
    links = Links()
    links.feed(files["report.html"].decode())
    assert links.loaded and all(src.startswith("data:image/png;base64,") for src in links.loaded)
    assert {link.removeprefix("#") for link in links.linked} <= set(links.ids)
    assert len(set(links.ids)) == len(links.ids)
    assert not links.open


def test_the_title_is_text_and_not_markup(files):
    assert "<title>Report on &lt;digits&gt; &amp; more</title>" in files["report.html"].decode()


def test_every_picture_and_table_that_markdown_names_is_there(files):
    named = re.findall(r"\]\(([^)]+)\)", files["report.md"].decode())
    assert named and set(named) <= set(files)
    pictures = {name for name in files if name.startswith("figures/")}
    assert pictures <= set(named), "and no picture lies there unseen"


def test_every_figure_has_its_rows_as_csv(files):
    for name in files:
        if name.startswith("figures/"):
            table = files[name.replace("figures/", "tables/").replace(".png", ".csv")]
            assert len(list(csv.reader(table.decode().splitlines()))) > 1


def test_markdown_tables_have_as_many_cells_in_every_row(files):
    tables = re.findall(r"(?:^\|.*\n)+", files["report.md"].decode(), re.MULTILINE)
    assert len(tables) >= 4
    for table in tables:
        heading, line, *rows = table.splitlines()
        assert set(line) <= set("|-:")
        assert rows
        assert len({row.count("|") for row in (heading, line, *rows)}) == 1


def test_a_stage_without_a_study_is_named_with_the_command_for_it():
    data = studied(("grid", {}))
    assert "- compare: not among these studies\n" in text_of(data)
    stages = ("compare", "grid", "hyperband", "bohb")
    text = text_of(data._replace(makes={stage: f"run --stage '{stage}'" for stage in stages}))
    for stage in ("compare", "hyperband", "bohb"):
        assert f"- {stage}: not among these studies; `run --stage '{stage}'` makes one" in text
    assert "- grid: not among" not in text


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, "still running, 6 of 51 trials have begun"),
        ("interrupted", "interrupted, 6 of 51 trials have begun"),
    ],
)
def test_a_study_that_is_not_complete_says_how_far_it_got(outcome, said):
    assert said in text_of(studied(("compare", {"outcome": outcome, "planned_trials": 51})))


def test_what_a_figure_lacks_is_said():
    text = text_of(studied(("bohb", {"configs": sampled_configs(2)})))
    assert "- importance: fewer than 12 trials have a loss after the same number of epochs" in text


def test_studies_of_one_space_and_the_same_images_stand_on_one_axis():
    same = {"space": "{}", "strategy": "bohb"}
    *_, stage = document(
        studied(
            ("train", dict(same)), ("train", {**same, "strategy": "random"}),
            ("train", {**same, "train_images": 400}), ("train", {**same, "space": "{1}"}),
        )
    ).sections  # fmt: skip
    assert [below.title for below in stage.below[:1]] == [
        "train: 2 studies of one space, on the same images"
    ]
    assert stage.below[0].lines == ["Compared: bohb, random."]
    assert len(stage.below) == 4, "the best of the two, and the others for themselves"
    assert "not shown in full" in stage.lacking[0]


def test_studies_of_one_strategy_are_told_apart_by_their_seeds():
    same = {"space": "{}", "strategy": "bohb"}
    *_, stage = document(studied(("train", dict(same)), ("train", dict(same)))).sections
    assert stage.below[0].lines == ["Compared: bohb seed 0, bohb seed 1."]


def test_the_oldest_of_many_studies_are_in_the_tables_alone():
    sections = document(studied(*(("compare", {}) for _ in range(6)))).sections
    compare = next(section for section in sections if section.title == "compare")
    assert len(compare.below) == 4
    assert "000000, 111111" in compare.lacking[0]
    assert len(sections[0].tables[0].rows) == 6
    assert len(sections[0].tables[1].rows) == 36


def test_a_run_name_with_a_bar_does_not_break_a_markdown_table():
    data = studied(("compare", {}))
    data.trials["run_name"] = "a|b"
    assert "a\\|b" in text_of(data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (float("nan"), "–"), (pd.NA, "–"), (0.123456, "0.1235"), (12, "12"),
        (pd.Timestamp("2026-11-24 12:30", tz="UTC"), "2026-11-24 12:30"), ("sgd", "sgd"),
    ],
)  # fmt: skip
def test_cells_are_short(value, text):
    assert cell(value) == text


def test_numbers_of_a_column_have_as_many_digits_unless_one_needs_an_exponent():
    rows = pd.DataFrame({"loss": [0.5, 1.23456, None], "rate": [1e-6, 0.1, 1.0], "n": [1, 2, 3]})
    assert texts(rows) == [["0.5000", "1e-06", "1"], ["1.2346", "0.1", "2"], ["–", "1", "3"]]


def test_without_its_script_the_page_shows_the_first_trials(monkeypatch):
    monkeypatch.setattr(page, "SHOWN", 4)
    text = render("R", document(studied(("train", {}))), NOW)["report.html"].decode()
    table = text.split('id="trials-table"')[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 4
    assert "The first 4 of 6; all in tables/trials.csv." in text
    assert "minorFalse" not in text and "None" not in table


def test_the_first_page_stands_in_markdown_too():
    text = text_of(studied(("train", {})))
    first = text.split("## Studies")[0]
    assert "## The best configuration on digits" in first
    assert "```yaml\nmodel: cnn\n" in first
    assert "| Test accuracy | – | – | Not tested yet:" in first


def test_runs_are_linked_to_their_pages_in_mlflow():
    data = studied(("train", {"experiment_id": "7"}))
    pages = RunPages("http://host:5000/sub/", "mlflow ui")
    text = render("R", document(data._replace(pages=pages)), NOW)["report.html"].decode()
    assert f'href="http://host:5000/sub/#/experiments/7/runs/{"0" * 32}"' in text
    assert "<pre>mlflow ui</pre>" in text


def test_a_report_takes_the_place_of_the_one_before(tmp_path):
    write({"report.html": b"old", "figures/a.png": b"a"}, tmp_path / "out" / "name")
    write({"report.html": b"new"}, tmp_path / "out" / "name")
    (tmp_path / "out/name/notes.txt").write_text("mine")
    write({"report.html": b"new"}, tmp_path / "out" / "name")
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["out/name/notes.txt", "out/name/report.html"]
    assert (tmp_path / "out/name/report.html").read_bytes() == b"new"


def test_a_report_that_cannot_be_written_leaves_the_one_before(tmp_path):
    write({"report.html": b"old"}, tmp_path / "name")
    with pytest.raises(OSError, match="name too long"):
        write({"report.html": b"new", f"figures/{'x' * 300}": b""}, tmp_path / "name")
    assert [p.name for p in tmp_path.iterdir()] == ["name"]
    assert (tmp_path / "name/report.html").read_bytes() == b"old"


def test_a_report_that_cannot_take_its_place_leaves_the_one_before(tmp_path, monkeypatch):
    write({"report.html": b"old"}, tmp_path / "name")
    rename = Path.rename

    def no_place(self, target):
        if self.name == "new":
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", no_place)
    with pytest.raises(OSError, match="no"):
        write({"report.html": b"new"}, tmp_path / "name")
    assert (tmp_path / "name/report.html").read_bytes() == b"old"


def test_a_stage_of_any_name_leads_to_no_other_folder():
    files = render("R", document(studied(("../../evil", {}))), NOW)
    assert not [name for name in files if ".." in name]


def test_a_study_without_a_trial_is_written_up():
    data = studied(("bohb", {}))
    empty = Data(data.studies, data.trials.head(0), data.curves.head(0))
    assert "0 trials, 0 epochs" in text_of(empty)


def test_markup_in_a_name_stays_text():
    """Also within the page's data, which no text may end."""
    data = studied(("train", {"dataset": "<i>d</i>", "command": "x <b>"}))
    data.trials["run_name"] = "a\n<img src=x></script><script>"
    data.trials["optimizer"] = "</script><!--"
    files = render("R", document(data), NOW)
    assert "a &lt;img src=x>" in files["report.md"].decode()
    html = files["report.html"].decode()
    assert not [text for text in ("<img src=x>", "<i>", "<b>", "<!--") if text in html]
    assert html.count("</script>") == 2
    data = html.split('id="trials-data">')[1].split("</script>")[0]
    assert json.loads(data)["rows"][0][1] == "a\n<img src=x></script><script>"


def test_a_registered_model_is_shown_with_its_card_below_the_studys_heading():
    data = studied(("register", {"configs": sampled_configs(4)}))
    card = "# cifar10-cnn: a <network>\n\n## Use\n\nuint8 images"
    made = {data.studies["study_id"].iloc[0]: Registered(left(), card)}
    written = document(data._replace(registered=made))
    files = render("Report", written, NOW)
    text, html = files["report.md"].decode(), files["report.html"].decode()
    assert "\n### cifar10-cnn: a <network>\n\n#### Use\n" in text
    assert "<pre># cifar10-cnn: a &lt;network&gt;" in html
    assert "On 2,000 test images: accuracy" in text
    names = [table.name for top in written.sections for section in top.all()
             for table in section.tables]  # fmt: skip
    assert len(names) == len(set(names)), "no table takes another's place"
    assert {"figures/register-confusion.png", "tables/register-test_scores.csv"} <= files.keys()
