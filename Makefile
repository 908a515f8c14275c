# `make` lists the targets. All targets run in a clone. Nothing is installed outside it except the system packages that
# scripts/setup names.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-fuzz test-kill test-kernels test-engines test-export bench bundle gpu-bundle docs lint format clean

MINUTES ?= 4
LINES ?= 5000
FILES ?= 100000
KILLS ?= 1000
SEED ?= 1
DEMO ?= runs/demo

help: ## list the targets
	@printf '\n  FaceGAN: train, evaluate, edit and serve face GANs, in Swift on libtorch.\n\n'
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS=$$'\t' read -r name text; do \
	    printf '  make %-13s %s\n' "$$name" "$$text"; done
	@printf '\n  ./facegan --help   the command (built if necessary)\n\n'

setup: ## install missing system packages, and libtorch in .venv
	@scripts/setup

build: setup ## build the command in release mode
	@scripts/build

demo: build ## generate faces with the included model, then train a small GAN for 4 minutes (MINUTES=n)
	@MINUTES=$(MINUTES) scripts/demo $(DEMO)

test: setup ## run all tests in release mode
	@scripts/test

test-fuzz: setup ## run 5,000 random command lines and 100,000 damaged files in release mode (LINES=n FILES=n SEED=n)
	@scripts/test-fuzz $(LINES) $(FILES) $(SEED)

test-kill: build ## kill training runs 1,000 times, then measure the memory of 10,000 steps (KILLS=n SEED=n)
	@scripts/test-kill --kills $(KILLS) --seed $(SEED)
	@scripts/test-kill --memory

test-kernels: setup ## test the CPU operators with sanitizers, against PyTorch on random arguments
	@scripts/test-kernels

test-engines: setup ## test the engine library of clang and g++ with PyTorch 2.11, 2.13 and the newest release
	@scripts/test-engines

test-export: build ## load exported weights in PyTorch and compare the pictures
	@scripts/test-export

bench: build ## measure speed and memory relative to PyTorch, NumPy and Pillow
	@Benchmarks/run

bundle: setup ## create a folder that runs without Swift (ENGINES="folders of other PyTorch versions")
	@scripts/bundle $(ENGINES)

gpu-bundle: setup ## create an archive that checks FaceGAN on a machine with a GPU (DATA=pictures)
	@scripts/gpu-bundle "$(DATA)"

docs: setup ## create the API reference in out/docs, a static website
	@scripts/docs

lint: ## check the style
	@swift format lint --strict -r Sources Tests Package.swift && echo 'lint: no errors'

format: ## format the sources
	@swift format --in-place -r Sources Tests Package.swift

clean: ## remove build results; keeps libtorch and runs
	@rm -rf .build .build-bundle bundle
