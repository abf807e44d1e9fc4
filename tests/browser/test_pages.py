"""Claims about what a person sees of a study: on MLflow's pages, and in the report."""

import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from hypertuning.tracking import runs

LOSS = re.compile(r"^\d\.\d+")
TRACES = ".scatterlayer .trace"


def row_of(cell) -> str:
    return cell.find_element(By.XPATH, "./ancestor::*[@row-index]").get_attribute("row-index")


def loaded(image) -> bool:
    return image.get_property("complete") and image.get_property("naturalWidth") > 100


def test_the_address_that_a_stage_prints_shows_its_trials_best_first_with_their_curves(site, page):
    address = re.search(r"^http://127.0.0.1:5000/(#\S+)$", site.printed, re.MULTILINE)[1]
    page.open(address)
    names = [site.client.get_run(run_id).info.run_name for run_id in site.best]
    page.wait_for("Curves of the trials", "val_loss", "generalization_gap", names[0])
    page.wait(lambda _: len(page.all(TRACES)) >= 10, "the curves of the trials")
    text = page.text()
    places = [text.index(name) for name in names[:4]]
    assert places == sorted(places), "the best is first"


def test_that_page_leads_each_trial_through_its_parameters(site, page):
    page.open(re.search(r"^http://127.0.0.1:5000/(#\S+)$", site.printed, re.MULTILINE)[1])
    page.wait_for("What the parameters do")
    axes = ("hidden_size", "filters", "kernel_size", "padding", "augment", "best_val_loss")
    page.wait(
        lambda _: set(axes) <= {label.text for label in page.all("svg text.label")},
        "an axis for each parameter",
    )


def test_the_views_are_in_the_menu_of_the_page(site, page):
    page.open(f"#/experiments/{site.experiment_id}/runs?workflowType=machine_learning")
    page.press("[data-testid=saved-views-trigger]")
    page.wait_for("All trials", "All studies", "hyperband · digits · 8 trials")
    page.press("[data-testid=saved-views-item-studies]")
    page.wait_for("1 matching run", "best_val_loss")
    assert "report digits" not in page.text()


def test_a_trial_that_was_pruned_is_shown_as_finished(site, page):
    pruned = runs.trials(site.client, [site.study_id]).query("outcome == 'pruned'").iloc[0]
    page.open(f"#/experiments/{site.experiment_id}/runs/{pruned['run_id']}")
    page.wait_for("Finished", "Pruned after 1 epoch")


def test_the_table_of_that_view_sorts_by_the_best_loss(site, page):
    address = re.search(r"^http://127.0.0.1:5000/(#\S+)$", site.printed, re.MULTILINE)[1]
    page.open(address.replace("&compareRunsMode=CHART", ""))
    # what was searched follows; `outcome` is further to the right, where the page draws nothing yet
    page.wait_for("best_val_loss", "best_val_accuracy", "epochs_run", "augment", "filters")
    cells = "[role=row] [col-id*='best_val_loss'][role=gridcell]"
    page.wait(lambda _: any(LOSS.match(cell.text) for cell in page.all(cells)), "the losses")
    rows = {int(row_of(cell)): LOSS.match(cell.text) for cell in page.all(cells)}
    losses = [float(rows[place][0]) for place in sorted(rows) if rows[place]]
    assert len(losses) >= 8
    assert losses == sorted(losses)


def test_trials_are_nested_under_their_study(site, page):
    page.open(f"#/experiments/{site.experiment_id}/runs?workflowType=machine_learning")
    page.wait_for("hyperband · digits · 8 trials", "report digits")
    assert "cnn f" not in page.text(), "they are folded away"
    page.click("//*[@role='gridcell'][contains(@col-id, 'Run Name')]//button")  # unfolds it
    page.wait_for("cnn f")


def test_two_trials_selected_and_compared_show_their_parameters_and_overlaid_curves(site, page):
    address = re.search(r"^http://127.0.0.1:5000/(#\S+)$", site.printed, re.MULTILINE)[1]
    page.open(address.replace("&compareRunsMode=CHART", ""))
    for row in (0, 1):
        page.click(f"//*[@role='row'][@row-index='{row}']//input[@type='checkbox']")
    page.click("//button[normalize-space()='Compare']")
    page.wait_for("Comparing 2 Runs", "Parameters", "hidden_size", "best_val_loss")
    two = [site.client.get_run(run_id) for run_id in site.best[:2]]
    assert all(run.data.params["hidden_size"] in page.text() for run in two)
    page.click("//a[normalize-space()='val_loss']")
    page.wait_for(*(f"{run.info.run_name} (val_loss)" for run in two))
    assert len(page.all(TRACES)) >= 2


def test_the_figures_of_a_study_open_under_its_artifacts(site, page):
    run = f"#/experiments/{site.experiment_id}/runs/{site.study_id}"
    page.open(f"{run}/artifacts/figures/overfitting.png")
    page.wait_for("figures", "tables", "plan.json", "overfitting.png")
    page.wait(
        lambda _: any(
            loaded(image) for image in page.all("img[src^='blob:'], img.image-outer-container, img")
        ),
        "the picture",
    )


def test_the_page_of_a_study_says_what_it_found_and_leads_to_its_trials(site, page):
    page.open(f"#/experiments/{site.experiment_id}/runs/{site.study_id}")
    page.wait_for("Found", "all trials, best first", "best_val_loss")
    link = page.driver.find_element(By.LINK_TEXT, "all trials, best first").get_attribute("href")
    page.open(link)
    page.wait_for("Curves of the trials")


def test_a_registered_model_shows_its_version_and_alias(site, page):
    page.open("#/models/digits-cnn")
    page.wait_for("digits-cnn", "Version 1", "champion", "test_opened")


def test_a_version_shows_its_card_and_leads_to_the_refit_with_its_test(site, page):
    version = site.client.get_model_version("digits-cnn", "1")
    page.open("#/models/digits-cnn/versions/1")
    page.wait_for("An image classifier of", "Measured once", "source_study", site.study_id)
    experiment = site.client.get_run(version.run_id).info.experiment_id
    page.open(f"#/experiments/{experiment}/runs/{version.run_id}")
    page.wait_for("test_accuracy", "test_expected_calibration_error", "train_loss")


def test_the_report_opens_among_the_artifacts_of_its_run(site, page):
    made = site.client.search_runs([site.experiment_id], "tags.report = 'digits'")[0]
    page.open(f"#/experiments/{site.experiment_id}/runs/{made.info.run_id}/artifacts/report.html")
    frame = page.wait(
        lambda driver: driver.find_element(By.TAG_NAME, "iframe"), "the page in its frame"
    )
    page.driver.switch_to.frame(frame)
    page.wait_for("Report on digits", "hyperband: study", "of 8 trials")
    page.click("(//table[@id='trials-table']//tbody//button)[1]")
    assert page.all("tr.panel svg"), "its script runs there too"
    page.driver.switch_to.default_content()


def test_the_report_alone_shows_every_picture_and_asks_nobody_for_anything(site, page):
    page.open(site.report.as_uri())
    pictures = page.all("img")
    assert len(pictures) >= 4
    assert all(loaded(picture) for picture in pictures)
    assert all(picture.get_attribute("alt") for picture in pictures)
    asked = page.driver.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert not [name for name in asked if not name.startswith("data:")]
    # of the page that was open before, messages may still come in
    messages = [entry["message"] for entry in page.driver.get_log("browser")]
    assert not [message for message in messages if site.url not in message]


def in_window(page, width: int, height: int = 1200) -> None:
    """Show a page as a window of this width does; Chromium's own windows are not so narrow."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def column(page, name: str) -> list[str]:
    names = [heading.get_attribute("data-name") for heading in page.all("#trials-table th")]
    cells = page.all(f"#trials-table tbody tr:not(.panel) td:nth-child({names.index(name) + 1})")
    return [cell.text for cell in cells]


def heading(page, name: str):
    return page.driver.find_element(By.CSS_SELECTOR, f"#trials-table th[data-name={name}]")


@pytest.mark.parametrize("width", [1700, 1280, 390])
def test_the_report_fits_a_wide_and_a_narrow_window(site, page, width):
    in_window(page, width)
    page.open(site.report.as_uri())
    page.click("(//table[@id='trials-table']//tbody//button)[1]")
    inside, outside = page.driver.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert inside <= outside


def test_the_report_opens_with_the_best_configuration_its_numbers_and_its_yaml(site, page):
    page.open(site.report.as_uri())
    first = page.text().split("All trials")[0]
    run = site.client.get_run(site.best[0])
    assert "The best configuration on digits" in first
    assert f"{run.data.metrics['best_val_loss']:.3f}" in first
    assert f"hidden_size: {run.data.params['hidden_size']}\n" in first
    page.all("button.copy")[0].click()
    selected = page.driver.execute_script("return getSelection().toString()")
    assert f"hidden_size: {run.data.params['hidden_size']}\n" in selected


def test_all_trials_are_sorted_as_numbers_by_a_click_or_a_key(site, page):
    page.open(site.report.as_uri())
    losses = [float(loss) for loss in column(page, "best_val_loss")]
    assert len(losses) == 8 and losses == sorted(losses)
    heading(page, "filters").find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert heading(page, "filters").get_attribute("aria-sort") == "ascending"
    filters = [int(number) for number in column(page, "filters")]
    assert filters == sorted(filters)
    heading(page, "filters").find_element(By.TAG_NAME, "button").click()
    assert heading(page, "filters").get_attribute("aria-sort") == "descending"
    assert [int(number) for number in column(page, "filters")] == filters[::-1]
    assert heading(page, "best_val_loss").get_attribute("aria-sort") == "none"


def test_trials_are_found_by_words_and_by_their_outcome(site, page):
    page.open(site.report.as_uri())
    trials = runs.trials(site.client, [site.study_id])
    words = page.driver.find_element(By.ID, "trials-words")
    words.send_keys("augment=crop_flip t0001")
    page.wait_for("1 of 8 trials")
    assert column(page, "trial_id") == ["t0001"]
    words.clear()
    words.send_keys("nothing like it")
    page.wait_for("0 of 8 trials")
    words.clear()
    words.send_keys(" ")
    outcomes = trials["outcome"].value_counts()
    assert len(outcomes) > 1, "some were pruned"
    for outcome, count in outcomes.items():
        Select(page.driver.find_element(By.ID, "trials-outcome")).select_by_value(outcome)
        assert set(column(page, "outcome")) == {outcome}
        assert f"{count} of 8 trials" in page.text()


def test_a_click_on_a_trial_shows_its_curve_its_configuration_and_its_run(site, page):
    page.open(site.report.as_uri())
    row = page.all("#trials-table tbody tr")[0]
    row.find_elements(By.TAG_NAME, "td")[2].click()
    run = site.client.get_run(site.best[0])
    (panel,) = page.all("tr.panel")
    epochs = int(run.data.metrics["epochs_run"])
    assert len(panel.find_elements(By.CSS_SELECTOR, "circle.validation")) == epochs
    assert len(panel.find_elements(By.CSS_SELECTOR, "circle.training")) == epochs
    said = panel.find_element(By.TAG_NAME, "svg").get_attribute("aria-label")
    assert f"{run.data.metrics['best_val_loss']:.4f}" in said
    assert f"filters: {run.data.params['filters']}\n" in panel.text
    link = panel.find_element(By.LINK_TEXT, "This trial in MLflow").get_attribute("href")
    assert link.endswith(f"/#/experiments/{site.experiment_id}/runs/{site.best[0]}")
    button = row.find_element(By.TAG_NAME, "button")
    assert button.get_attribute("aria-expanded") == "true"
    button.send_keys(Keys.ENTER)
    assert not page.all("tr.panel")
    assert button.get_attribute("aria-expanded") == "false"


def test_without_scripts_the_report_has_the_trials_as_a_plain_table(site, page):
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.open(site.report.as_uri())
        assert len(page.all("#trials-table tbody tr")) == 8
        assert not page.driver.find_element(By.ID, "trials-controls").is_displayed()
        assert not [button for button in page.all("button") if button.is_displayed()]
        assert "With JavaScript, this table sorts" in page.text()
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
