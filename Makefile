# `make` lists the targets. All targets run in a clone. Nothing is installed outside it except the system packages that
# scripts/setup names.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-kernels bench bundle docs lint format clean

MINUTES ?= 4
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

demo: ## train a small GAN on built-in faces for 4 minutes (MINUTES=n) and generate faces
	@MINUTES=$(MINUTES) scripts/demo $(DEMO)

test: setup ## run all tests in release mode
	@scripts/test

test-kernels: setup ## test the CPU operators with sanitizers, against PyTorch on random arguments
	@scripts/test-kernels

bench: build ## measure speed and memory relative to PyTorch, NumPy and Pillow
	@Benchmarks/run

bundle: setup ## create a folder that runs without Swift (ENGINES="folders of other PyTorch versions")
	@scripts/bundle $(ENGINES)

docs: setup ## create the API reference in out/docs, a static website
	@scripts/docs

lint: ## check the style
	@swift format lint --strict -r Sources Tests Package.swift && echo 'lint: no errors'

format: ## format the sources
	@swift format --in-place -r Sources Tests Package.swift

clean: ## remove build results; keeps libtorch and runs
	@rm -rf .build .build-bundle bundle
