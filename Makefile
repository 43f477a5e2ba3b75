# Every target does its own set-up: virtual environment, locked packages, cluster binaries, images. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
LOCK := operator/requirements/dev.txt
NAME ?= treadle
EXAMPLES ?= 2000
PYTEST := $(PY) -m pytest
APART := PYTHONPATH=operator $(VENV)/bin/uv run --quiet --no-project --isolated --python $(PY)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: venv ## Bring up a cluster, install Treadle, and turn the loop twice with real data
	@$(PY) -m e2e.demo up

.PHONY: demo-env
demo-env: ## Lines for your shell that show it the demo: eval "$(make --silent demo-env)"
	@$(PY) -m e2e.demo environment

.PHONY: demo-down
demo-down: venv ## Remove everything that `make demo` made
	@$(PY) -m e2e.demo down

.PHONY: test
test: venv ## Lint, unit tests and stories, properties, integration tests, end-to-end tests; one summary
	@$(PY) -m e2e.suite lint unit properties integration e2e

.PHONY: lint
lint: venv ## ruff, mypy --strict, import contracts, drift of generated files, chart lint
	@$(PY) -m e2e.suite lint

.PHONY: unit
unit: venv ## Unit tests and stories
	@$(PY) -m e2e.suite unit

.PHONY: integration
integration: venv ## Tests against a real API server, MLflow, Label Studio and S3
	@$(PY) -m e2e.suite integration

.PHONY: e2e
e2e: venv ## Tests in real pods on a real local cluster (needs root)
	@$(PY) -m e2e.suite e2e

.PHONY: bench-control
bench-control: venv ## Benchmark of the control plane beside JobSet and the raw limit, about 40 min (RUNS= ROUNDS=5 PARTS=throughput,presence...); writes docs/performance.md
	@$(PY) -m tests.bench $(if $(PARTS),--parts=$(PARTS)) $(if $(RUNS),--runs=$(RUNS)) $(if $(ROUNDS),--rounds=$(ROUNDS)) $(if $(RESUME),--resume)

.PHONY: bench-serving
bench-serving: venv ## Benchmark of the serving runtime beside a bare application, MLflow, MLServer and BentoML, about 10 min (ROUNDS=3 SECONDS_EACH=6 RESUME=); writes docs/performance-serving.md
	@$(PY) -m tests.bench_serving $(if $(ROUNDS),--rounds=$(ROUNDS)) $(if $(SECONDS_EACH),--seconds=$(SECONDS_EACH)) $(if $(RESUME),--resume)

.PHONY: bench
bench: bench-control bench-serving bench-data bench-sync ## Every benchmark, one after the other

.PHONY: bench-data
bench-data: venv ## Quality and release of up to 1,000,000 items (ITEMS=100000 for less), about 10 min; writes docs/evidence/labels.md
	@$(PY) -m tests.bench.data $(ITEMS)

.PHONY: bench-sync
bench-sync: venv ## The first sync of 100,000 objects and the next one (ITEMS=10000 for less), about 8 min; writes docs/evidence/sync.md
	@$(PY) -m tests.bench.sync $(ITEMS)

.PHONY: bench-learning
bench-learning: venv ## How many labels active learning needs to equal random sampling (digits, MNIST-5k), and how many wrong labels are found, about 20 min (PARTS="digits mnist labels" for some); writes docs/evidence/learning.md and its plots
	@$(APART) --with-requirements operator/requirements/learning.txt python -m tests.bench.learning $(PARTS)

.PHONY: crash
crash: venv ## Kill the operator at every single outside call, and change the world meanwhile (PART="TrainingRun and every" for a part); goes on where it was interrupted; writes docs/evidence/crash.md
	@$(PYTEST) tests/crash -v $(if $(PART),-k "$(PART)")

.PHONY: faults
faults: venv ## Let the API server, MLflow, Label Studio and S3 fail in every way (CASE=mlflow- for some); all of it writes docs/evidence/faults.md
	@$(PYTEST) tests/faults -s -q $(if $(CASE),-k $(CASE))

.PHONY: leadership
leadership: venv ## Kill, freeze and cut off the leader, and update it with 10,000 objects present; writes docs/evidence/leadership.md
	@$(PYTEST) tests/leadership -s -q

.PHONY: properties
properties: venv ## Search for a sequence of events that breaks a property, for long and at random (EXAMPLES=2000); a sample is part of `make test`
	@TREADLE_PROPERTIES=long EXAMPLES=$(EXAMPLES) $(PYTEST) tests/properties -q

.PHONY: interop
interop: venv ## Runs on several nodes and in queues, with the real JobSet and Kueue from their charts, in real pods (needs root)
	@$(PYTEST) tests/interop -s -q

.PHONY: e2e-frameworks
e2e-frameworks: venv ## Run the samples of PyTorch, TensorFlow and others in real pods (images of several gigabytes; needs root)
	@$(PYTEST) tests/frameworks -s -q

.PHONY: loaders
loaders: venv ## Load every export format with the tools that it is meant for (pycocotools, datumaro, datasets, mlcroissant, dvc)
	@$(APART) --with-requirements operator/requirements/loaders.txt python -m pytest tests/loaders -q

.PHONY: oracles
oracles: venv ## Compare our statistics with other people's (scikit-learn, statsmodels, krippendorff, pycocotools, nervaluate, crowd-kit, scikit-activeml)
	@$(APART) --with-requirements operator/requirements/oracles.txt python -m pytest tests/oracles -q

.PHONY: scan
scan: venv ## Scan what the chart installs and what the operator builds with Checkov
	@$(PY) -m e2e.scan

.PHONY: audit
audit: venv ## bandit and zizmor on ours, pip-audit on every locked package (OFFLINE=1 where its database cannot be asked)
	@OFFLINE=$(OFFLINE) $(PY) -m e2e.audit

.PHONY: sbom
sbom: venv ## What each image is made of, as CycloneDX in dist/sbom
	@$(PY) -m e2e.audit sbom

.PHONY: reproducible
reproducible: venv ## Build our images twice from nothing and compare them, bit by bit (needs root)
	@$(PY) -m e2e.images reproduce

.PHONY: generate
generate: venv ## Write everything generated: CRDs, chart copies, reason tables
	@$(PY) -m e2e.generate

.PHONY: docs
docs: venv ## Build the documentation's pages into build/site; every link and anchor is checked
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/uv run --quiet --no-project --isolated --with-requirements operator/requirements/docs.txt mkdocs build --quiet

.PHONY: lock
lock: ## Resolve and hash-lock all requirements anew
	@for extra in operator jobs runtime cli dev docs audit loaders learning oracles; do \
	  $(VENV)/bin/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 \
	    --extra $$extra pyproject.toml -o operator/requirements/$$extra.txt || exit 1; done

.PHONY: images
images: venv ## Build all container images (cached by content)
	@$(PY) -m e2e.images build

.PHONY: cluster-up
cluster-up: venv ## Start a local Kubernetes (NAME=treadle)
	@$(PY) -m e2e.cluster up --name $(NAME) --mode full

.PHONY: cluster-down
cluster-down: venv ## Stop it and leave nothing behind
	@$(PY) -m e2e.cluster down --name $(NAME)

.PHONY: venv
venv: $(VENV)/.locked ## Make the virtual environment from the hash-locked requirements

$(VENV)/.locked: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)' 2>/dev/null || \
	  { echo "Treadle needs Python 3.11 or newer with the venv module (Debian: apt-get install python3-venv), or PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> virtual environment: installing $$(grep -c == $(LOCK)) locked packages"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: clean
clean: ## Remove the virtual environment and tool caches of this checkout
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
