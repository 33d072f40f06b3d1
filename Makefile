# Everything a newcomer and the checks run. Nothing is installed outside this folder.

PYTHON ?= python3
VENV ?= .venv
# Where the CPU build of torch is taken from when pip, as it is configured, knows none.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH ?= 2.13.0
ACCELERATOR ?= $(if $(wildcard /proc/driver/nvidia/version),gpu,cpu)

BIN := $(VENV)/bin
CONSUL := .nearfield/bin/consul
PROTOS := $(wildcard protos/nearfield/v1/*.proto)
RUN := $(VENV)/run-$(ACCELERATOR).stamp
ALL := $(VENV)/all.stamp
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate

.PHONY: help install quickstart test lint types contracts tests consul gpu-check proto lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(ALL) ## Make the virtual environment with all a fleet, its tests and benches need

quickstart: $(RUN) ## Start three PoPs, ask them from five cities, show where time went, stop
	@$(BIN)/nearfield quickstart $(ARGS)

test: lint types contracts tests ## Install what the checks need and run them all

lint: $(ALL) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(ALL) ## Check types
	$(BIN)/mypy

contracts: $(ALL) ## Check what may import what
	$(BIN)/lint-imports

tests: $(ALL) consul ## Run unit, contract, integration and system tests
	$(BIN)/pytest $(ARGS)

consul: $(CONSUL) ## Bring a Consul for tests and local fleets, unless one is installed

gpu-check: $(RUN) ## On a machine with an NVIDIA GPU: check a node and measure it (SIZE=1b or 8b)
	$(BIN)/python -m bench gpu --size $(or $(SIZE),1b) --out $(or $(OUT),bench/results/gpu-$(or $(SIZE),1b).json)

proto: $(ALL) ## Generate code from the protocol
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. \
		--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=. $(PROTOS)

lock: $(VENV)/made.stamp ## Pin dependencies anew
	$(BIN)/pip install -q uv
	$(LOCK) pyproject.toml --extra cpu --extra control-plane --extra cli \
		--override requirements/overrides-cpu.txt --excludes requirements/excludes-cpu.txt \
		| grep -v '^torch==' > requirements/run-cpu.txt
	$(LOCK) pyproject.toml --extra cpu --extra control-plane --extra cli --extra bench --extra test \
		--override requirements/overrides-cpu.txt --excludes requirements/excludes-cpu.txt \
		--constraint requirements/run-cpu.txt | grep -v '^torch==' > requirements/all-cpu.txt
	$(LOCK) pyproject.toml --extra gpu --extra control-plane --extra bench > requirements/run-gpu.txt

clean: ## Remove what was installed and built
	rm -rf $(VENV) .nearfield *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON to one"; exit 1; }
	@echo "making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/torch.stamp: $(VENV)/made.stamp
	@echo "installing torch $(TORCH), CPU build (200 MB)"
	@$(BIN)/pip install -q --no-deps "torch==$(TORCH)+cpu" 2>/dev/null || \
		$(BIN)/pip install -q --no-deps --index-url $(TORCH_INDEX) "torch==$(TORCH)+cpu"
	@touch $@

$(VENV)/run-cpu.stamp: $(VENV)/torch.stamp requirements/run-cpu.txt pyproject.toml
	@echo "installing vLLM and what else a fleet needs (one to three minutes)"
	@$(BIN)/pip install --progress-bar on --no-deps -r requirements/run-cpu.txt | \
		awk '/^Collecting/ {printf "."; fflush()} END {print ""}'
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/run-gpu.stamp: $(VENV)/made.stamp requirements/run-gpu.txt pyproject.toml
	@echo "installing vLLM's GPU build and what else a fleet needs (several GB)"
	$(BIN)/pip install -r requirements/run-gpu.txt
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(ALL): $(VENV)/run-cpu.stamp requirements/all-cpu.txt
	@echo "installing what tests and benches need"
	@$(BIN)/pip install -q --no-deps -r requirements/all-cpu.txt
	@touch $@

$(CONSUL):
	@$(PYTHON) tools/install_consul.py $(@D)
