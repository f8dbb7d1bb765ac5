# On a machine without ROS: `make demo` and `make test` create .venv, install everything from the
# package index and build the messages. Over an installed ROS 2 use colcon instead (README.md).

PYTHON ?= python3
VENV := $(CURDIR)/.venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
# One worker: DDS wants the cores to itself, and a worker that hangs or dies is replaced.
PYTEST := $(VENV)/bin/pytest --numprocesses 1
SOURCES := $(shell find CMakeLists.txt LICENSE NOTICE README.md package.xml pyproject.toml setup.py \
  cmake config data latent_rag_ros launch msg rviz srv -not -path '*/__pycache__*' 2>/dev/null)

SOAK_S ?= 3600

# A sourced ROS or a second environment must not leak into .venv: their libraries do not mix.
unexport PYTHONPATH
unexport LD_LIBRARY_PATH
unexport CMAKE_PREFIX_PATH
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE
export VIRTUAL_ENV := $(VENV)
export PATH := $(VENV)/bin:$(PATH)
export AMENT_PREFIX_PATH := $(VENV)
# Nothing of the demo or the tests leaves this machine.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST

.PHONY: help install demo test test-all soak evaluate bench bench-check clean
.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

install: $(VENV)/installed ## Create .venv and install the package, its messages and its requirements

demo: $(VENV)/installed ## Protect a clip through the real nodes; VIDEO=path takes your own video
	$(VENV)/bin/latent-rag demo $(if $(VIDEO),--video '$(VIDEO)')

test: $(VENV)/installed ## Run the unit and node tests on the sources as they are now
	$(PYTEST) -m 'not slow'

test-all: $(VENV)/installed ## Run every test, the slow ones and an hour of soak too; SOAK_S=seconds shortens it
	SOAK_S=$(SOAK_S) $(PYTEST)

soak: $(VENV)/installed ## Run the filter behind a camera at 30 Hz for SOAK_S seconds; writes results/soak.json
	SOAK_S=$(SOAK_S) SOAK_RESULTS=$(CURDIR)/results/soak.json $(PYTEST) test/faults/test_soak.py

evaluate: $(VENV)/installed ## Measure privacy, re-identification and coverage again; renews README's tables
	$(VENV)/bin/latent-rag evaluate latent-rag
	$(VENV)/bin/latent-rag evaluate privacy
	$(VENV)/bin/latent-rag evaluate colours --document docs/linkability.md
	$(VENV)/bin/latent-rag evaluate coverage
	$(VENV)/bin/latent-rag evaluate models
	$(VENV)/bin/latent-rag evaluate tables --write-readme --write-cards latent_rag_ros/weights

bench: $(VENV)/deface ## Measure speed, age of frames and memory, 25 minutes; renews results/bench_cpu.json and its tables
	$(VENV)/bin/latent-rag bench
	if [ -f results/bench_cpu.json ]; then $(VENV)/bin/latent-rag bench --documents; fi

bench-check: $(VENV)/deface ## Compare the ratios of a quick run, 3 minutes, with results/bench_cpu.json
	$(VENV)/bin/latent-rag bench --quick --again --check

clean: ## Remove what was built: .venv, build, out
	rm -rf $(VENV) build dist out *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
	  "Python %d.%d is too old: pass PYTHON=python3.10 or newer" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/required: pyproject.toml scripts/print_requirements.py | $(VENV)/bin/python
	$(VENV)/bin/python scripts/print_requirements.py > $(VENV)/requirements.txt
	$(PIP) install --quiet --requirement $(VENV)/requirements.txt
	@touch $@

$(VENV)/installed: $(VENV)/required $(SOURCES)
	$(PIP) install --quiet --no-build-isolation --no-deps --force-reinstall .
	@touch $@

# Only to compare with. With its requirements it would replace opencv-python-headless.
$(VENV)/deface: $(VENV)/installed
	$(PIP) install --quiet --no-deps deface==1.5.0
	@touch $@
