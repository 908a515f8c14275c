# `make` shows what there is. Everything runs from a clone; nothing is installed outside it
# except the system packages that scripts/setup names.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-kernels bench bundle docs lint format clean

MINUTES ?= 4
DEMO ?= runs/demo

help: ## show this page
	@printf '\n  FaceGAN: train, judge, edit and serve face GANs, in Swift on libtorch.\n\n'
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS=$$'\t' read -r name text; do \
	    printf '  make %-13s %s\n' "$$name" "$$text"; done
	@printf '\n  ./facegan --help   the command itself (built when needed)\n\n'

setup: ## install what is missing: system packages, PyTorch's engine in .venv
	@scripts/setup

build: setup ## build the command in release
	@scripts/build

demo: ## see faces: trains a small GAN for 4 minutes (MINUTES=n) on built-in faces
	@MINUTES=$(MINUTES) scripts/demo $(DEMO)

test: setup ## run all tests in release
	@scripts/test

test-kernels: setup ## test the CPU operators with sanitizers and random arguments
	@scripts/test-kernels

bench: build ## measure against plain PyTorch and Pillow, in one run
	@Benchmarks/run

bundle: setup ## make a folder that runs on a machine without Swift (ENGINES="other PyTorchs")
	@scripts/bundle $(ENGINES)

docs: setup ## make the library's documentation in out/docs (a static website)
	@scripts/docs

lint: ## check the style, strictly
	@swift format lint --strict -r Sources Tests Package.swift && echo 'lint: fine'

format: ## bring the sources into style
	@swift format --in-place -r Sources Tests Package.swift

clean: ## remove what was built (not the engine, not the runs)
	@rm -rf .build .build-bundle bundle
