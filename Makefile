# Sets the project up and runs its checks; needs Python 3.11 to 3.13, make, git and a C compiler.
# `make help` (or plain `make`) lists the targets.

PYTHON := $(or $(PYTHON),python3)
PORT := $(or $(PORT),5000)
TESTERS := $(or $(TESTERS),2)
DEMO ?= -P dataset=digits -P train_size=600
LOCK ?=
BENCH ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo ui mlproject sums test test-slow test-faults test-browser bench-bohb bench-checkpoints bench-growth bench-images bench-memory bench-recipe bench-report bench-search bench-stage bench-start bench-step bench-tail bench-tracking record-table lint format lock clean machine

# Both stamps are touched last, so that an interrupted install starts again from the beginning.
packages := .venv/packages-installed
project := .venv/project-installed
python := .venv/bin/python
# Named explicitly, so that nothing is installed into an environment that the user has activated.
install := .venv/bin/uv pip install --python .venv
# mlflow finds `python`, and uv under --env-manager uv, on PATH.
mlflow := PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/mlflow

help:  ## print this list
	@awk -F ' *## ' '/^[a-z-]+:.*##/ {sub(/:.*/, "", $$1); printf "make %-14s %s\n", $$1, $$2}' Makefile

demo: $(project)  ## the bohb stage on scikit-learn's digits, through mlflow run; minutes
	@$(mlflow) run . -e bohb --env-manager local --experiment-name demo $(DEMO)
	@echo 'To look at it, type `make ui`, and open:'
	@$(python) -m hypertuning.stages.console.pages $(PORT)

# Without the seven processes for MLflow's own jobs, which this project does not use.
ui: $(project)  ## MLflow's pages, for this machine only: PORT=5000
	@$(python) -m hypertuning.stages.console.pages $(PORT)
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(mlflow) ui --host 127.0.0.1 --port $(PORT) --workers 1

test: $(project)  ## the fast tests, two files at a time: TESTERS=2
	@$(python) -m pytest -q -n $(TESTERS) --dist loadfile

test-slow: $(project)  ## the slow tests
	@$(python) -m pytest -q -m slow

test-faults: $(project)  ## kill processes and servers, fill disks, and look for lost results; 50 minutes
	@$(python) -m pytest -q -m faults tests/faults

test-browser: $(project)  ## MLflow's pages and the report in a headless Chromium; a minute or two
	@$(python) -m pytest -q -m browser tests/browser

bench-bohb: $(project)  ## BOHB and its rivals on counting ones; an hour: BENCH="--seeds 2"
	@$(python) -m benchmarks.bench_bohb --out bench_results/counting-ones $(BENCH)

bench-images: $(project)  ## the strategies on real images; hours: BENCH="--dataset path/to/images"
	@$(python) -m benchmarks.real_images --out bench_results/images $(BENCH)

bench-recipe: $(project)  ## what each ingredient of the recipe brings; hours: BENCH="--dataset path/to/images"
	@$(python) -m benchmarks.bench_recipe --out bench_results/recipe $(BENCH)

bench-tracking: $(project)  ## the cost of tracking, ours beside Ray's own; minutes
	@$(python) -m benchmarks.bench_tracking --out bench_results/tracking $(BENCH)

bench-report: $(project)  ## a report of 2,000 trials, step by step; minutes
	@$(python) -m benchmarks.bench_report --out bench_results/report $(BENCH)

bench-search: $(project)  ## the searches, replayed on recorded trials; your own: BENCH="--table bench_results/table"
	@$(python) -m benchmarks.bench_search --table benchmarks/table --out bench_results/search $(BENCH)

record-table: $(project)  ## train what bench-search replays; hours, in as many goes as you like: BENCH="--time-budget-s 3600"
	@$(python) -m benchmarks.record_table --out bench_results/table $(BENCH)

bench-start: $(project)  ## how soon commands begin, beside a revision: BENCH="--against HEAD~1"
	@$(python) -m benchmarks.bench_start --out bench_results/start $(BENCH)

bench-stage: $(project)  ## a stage beside plain processes and the usual way: BENCH="--configs 4"
	@$(python) -m benchmarks.bench_stage --out bench_results/stage $(BENCH)

bench-step: $(project)  ## the training step, as a share of the peak, and changes to it; half an hour
	@$(python) -m benchmarks.bench_step --out bench_results/step $(BENCH)

bench-checkpoints: $(project)  ## the time that checkpoints take of a job; minutes
	@$(python) -m benchmarks.bench_checkpoints --out bench_results/checkpoints $(BENCH)

bench-memory: $(project)  ## the memory of 1, 2 and 4 trials at once; minutes
	@$(python) -m benchmarks.bench_memory --out bench_results/memory $(BENCH)

bench-growth: $(project)  ## what a job costs in studies of up to 4,096 trials; an hour: BENCH="--most 512"
	@$(python) -m benchmarks.bench_growth --out bench_results/growth $(BENCH)

bench-tail: $(project)  ## how long workers wait, by simulation; a minute
	@$(python) -m benchmarks.bench_tail --out bench_results/tail $(BENCH)

lint: $(project)  ## style, format, and who may import whom
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports

mlproject: $(project)  ## write MLproject, entry points and tables of the docs from the stages' options
	@$(python) -m hypertuning.stages.generate

sums:  ## after a change of the code that registered models carry: add its checksums
	@cd src/hypertuning && sha256sum registry/served_model.py learn/networks.py >> registry/packed_code.sha256 && \
	  sort -u -o registry/packed_code.sha256 registry/packed_code.sha256

format: $(project)  ## reformat the files as lint requires
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

lock: $(packages)  ## write requirements.txt from pyproject.toml: LOCK="--upgrade-package ray"
	@.venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --extra dev pyproject.toml -o requirements.txt $(LOCK)

clean:  ## remove .venv and caches; results, models and data stay
	rm -rf .venv build src/*.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src entrypoints tests -name __pycache__ -type d -prune -exec rm -rf {} +

# pip installs uv first, at the version and hashes that requirements.txt has for it.
$(packages): requirements.txt
	@$(MAKE) --no-print-directory machine
	@echo 'Building .venv (once; about 7 GB, most of it PyTorch) …'
	@$(PYTHON) -m venv --clear .venv
	@awk '/^[a-z]/ {wanted = /^uv==/} wanted' requirements.txt > .venv/uv.txt
	@$(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(install) --require-hashes -r requirements.txt
	@touch $@

$(project): $(packages) pyproject.toml
	@$(install) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Faults that would otherwise show only after minutes, or as a page of compiler output.
include_dir = $$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')
machine:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || \
	  { echo 'Python 3.11, 3.12 or 3.13 is needed, but `$(PYTHON)` is' \
	    "$$($(PYTHON) --version 2>&1 | tail -n 1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo '$(PYTHON) cannot make environments. Debian, Ubuntu: apt-get install python3-venv' >&2; \
	    exit 1; }
	@echo '#include <Python.h>' | $(CC) -E -I "$(include_dir)" - >/dev/null 2>&1 || \
	  { echo 'A C compiler and Python.h are needed (netifaces, which hpbandster needs, has no' \
	    'wheels). Debian, Ubuntu: apt-get install gcc python3-dev; Fedora: dnf install gcc' \
	    'python3-devel' >&2; exit 1; }
