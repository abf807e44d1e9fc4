"""A real study in a real `mlflow server`, and a headless Chromium that looks at it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from mlflow import MlflowClient
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from benchmarks.stores import served
from hypertuning.tracking import runs

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90
STUDY = [
    "hyperband", "--dataset=digits", "--train-size=100", "--val-size=50", "--num-samples=4",
    "--grace-period=1", "--max-epochs=3",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Site(NamedTuple):
    """MLflow's pages, with one finished study and its report."""

    url: str
    client: MlflowClient
    experiment_id: str
    study_id: str
    report: Path
    printed: str
    """What the stage said at its end."""

    @property
    def best(self) -> list[str]:
        """The runs of its trials, best first."""
        trials = runs.trials(self.client, [self.study_id])
        return trials.sort_values("best_val_loss")["run_id"].tolist()


class Page:
    """A browser, and what a person does with it."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        self.driver.get("about:blank")  # an address that differs after its # alone loads nothing
        self.driver.get(f"{self.url}/{path}" if "://" not in path else path)

    def wait(self, condition: Callable[[webdriver.Chrome], object], what: str):
        """Wait until a condition holds, which may look at elements that come and go."""
        waiting = WebDriverWait(self.driver, PATIENCE_S, ignored_exceptions=(WebDriverException,))
        try:
            return waiting.until(condition)
        except TimeoutException as error:
            shown = f"the page shows: {self.text()[:1500]}"
            raise AssertionError(f"not there in {PATIENCE_S} s: {what}; {shown}") from error

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait_for(self, *words: str) -> None:
        self.wait(lambda _: all(word in self.text() for word in words), " and ".join(words))

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def click(self, xpath: str) -> None:
        found = self.wait(lambda driver: driver.find_element(By.XPATH, xpath), xpath)
        self.driver.execute_script("arguments[0].click()", found)

    def press(self, css: str) -> None:
        """Click as a mouse does: menus do not open for a script's click."""
        found = self.wait(lambda driver: driver.find_element(By.CSS_SELECTOR, css), css)
        ActionChains(self.driver).move_to_element(found).click().perform()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    printed = command(folder, "digits", *STUDY)
    client = MlflowClient(store_in(folder))
    study = runs.studies(client).iloc[0]
    few = ["--top-k=1", "--repeats=1"]
    command(folder, "registered", "register", f"--source={study['study_id']}", *few)
    command(folder, "digits", "report", f"--out={folder}/reports")
    with served(folder) as url:
        report = folder / "reports" / "digits" / "report.html"
        yield Site(url, client, study["experiment_id"], study["study_id"], report, printed)


def store_in(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def command(folder: Path, experiment: str, stage: str, *options: str) -> str:
    """Run a stage; give what it printed."""
    named = {"MLFLOW_TRACKING_URI": store_in(folder), "MLFLOW_EXPERIMENT_NAME": experiment}
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-m", f"entrypoints.{stage}", *options],
        cwd=folder, env={**os.environ, **named, "PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def _driver() -> Iterator[webdriver.Chrome]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("needs Chromium and its driver (Debian: apt-get install chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    arguments = ["--headless=new", "--window-size=1700,1200", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses root otherwise
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture
def page(_driver: webdriver.Chrome, site: Site) -> Page:
    """A page in a browser that has not been here before."""
    _driver.get(site.url)
    _driver.execute_script("localStorage.clear()")
    closed = json.dumps(False)  # the assistant covers a third of the page
    _driver.execute_script(f"localStorage.setItem('mlflow.assistant.panelOpen_v1', '{closed}')")
    return Page(_driver, site.url)
