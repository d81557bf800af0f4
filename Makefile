# All development commands. `make demo` and `make test` need Python 3.11 or later and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NEWEST := .venv-newest
# Published data, if the folder exists; tests that need it are skipped without it.
DATA   := $(wildcard ../shared/data)
ifneq ($(DATA),)
export QBUILD_TEST_DATA ?= $(abspath $(DATA))
endif

.PHONY: help install demo test test-quick test-newest check format docs bench demo-train learn build clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.demo  ## Install qbuild and the demo's packages into .venv.

$(VENV)/.demo: pyproject.toml backends/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt -e '.[demo,dev]' -e ./backends
	@touch $@

demo: $(VENV)/.demo  ## Make images, ratings, levels, pairs and exports in work/demo.
	$(BIN)/qbuild run demo

DEMO := work/demo-train
demo-train: $(VENV)/.dev  ## Train, score and evaluate the tiny model on the demo's photographs (3 minutes).
	$(BIN)/qbuild run demo-train
	$(BIN)/qbuild train $(DEMO)/pairs.parquet -o $(DEMO)/scorer --backend vqa2 \
		--set base=tiny --set plan=ugc-scorer --media-root $(DEMO)/crops/media
	$(BIN)/qbuild score $(DEMO)/levels.parquet --split test -o $(DEMO)/scores.parquet \
		--model $(DEMO)/scorer --media-root $(DEMO)/crops/media --batch 32
	$(BIN)/qbuild evaluate $(DEMO)/scores.parquet $(DEMO)/levels.parquet \
		--split test -o $(DEMO)/metrics.parquet --trained-on $(DEMO)/scorer --scatter $(DEMO)/scatter.png

test: $(VENV)/.dev  ## Run all tests.
	$(BIN)/python -m pytest

test-quick: $(VENV)/.dev  ## Run the tests that are not slow.
	$(BIN)/python -m pytest -m 'not slow'

test-newest: $(NEWEST)/.made  ## Run the tests of models and LLM clients with the newest libraries.
	$(NEWEST)/bin/python -m pytest -m 'not slow' -p no:cacheprovider tests/backends tests/llm

# Torch stays the build of the constraints; everything else is the newest that pyproject.toml allows.
$(NEWEST)/.made: pyproject.toml backends/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(NEWEST)
	grep '^torch==' constraints.txt > $(NEWEST)/torch.txt
	$(NEWEST)/bin/python -m pip install --quiet --constraint $(NEWEST)/torch.txt torch
	$(NEWEST)/bin/python -m pip install --quiet --constraint $(NEWEST)/torch.txt \
		--upgrade --upgrade-strategy eager -e '.[demo]' -e ./backends pytest hypothesis
	@touch $@

check: $(VENV)/.dev  ## Check lint, format, types, import directions, docs.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layout.py tests/test_stage_versions.py tests/test_docs.py tests/cli/test_docs.py

format: $(VENV)/.dev  ## Format the sources.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.dev  ## Write docs/commands.md and the type stubs.
	$(BIN)/python docs/commands.py
	$(BIN)/python docs/python_stubs.py
	$(BIN)/ruff format -q qbuild/__init__.pyi

bench: $(VENV)/.dev  ## Compare with other packages (about 25 minutes).
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/schema_check.py
	$(BIN)/python benchmarks/stalls.py
	$(BIN)/python benchmarks/corruptions.py
	$(BIN)/python benchmarks/video_reader.py
	$(BIN)/python benchmarks/mos_to_levels.py
	$(BIN)/python benchmarks/llm.py
	$(BIN)/python benchmarks/gpt_extend.py
	$(BIN)/python benchmarks/motion_branch.py
	$(BIN)/python benchmarks/score.py
	$(BIN)/python benchmarks/train_step.py

learn: $(VENV)/.dev  ## Train the tiny model on a CPU: three tasks, two splits (about an hour).
	for split in a b; do for task in scorer distortion motion; do \
		$(BIN)/python benchmarks/learn.py $$task --split $$split || exit 1; done; done

build: $(VENV)/.dev  ## Build wheels and source archives of both distributions.
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m build --outdir dist backends

clean:  ## Remove everything that these commands made.
	rm -rf $(VENV) $(NEWEST) work dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
