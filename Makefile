# Everything runs from a fresh clone on a machine with Go, Node and, for the
# tests, Debian's package manager. `make` alone lists the targets.

.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0

TOOL := go tool -modfile=tools/go.mod
BINARY := bin/threatloop

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

.PHONY: toolchain
toolchain:
	@scripts/check-toolchain.sh

.PHONY: page
page: toolchain
	@scripts/build-page.sh

.PHONY: build
build: page ## build the page and the program, bin/threatloop
	go build -trimpath -o $(BINARY) ./cmd/threatloop

.PHONY: demo
demo: build ## build, run the whole loop once, and stay up on 127.0.0.1:8080
	$(BINARY) demo

.PHONY: test
test: ## everything that CI runs: linters, tests, crash tests, a round of fuzzing
	@scripts/test.sh

.PHONY: short
short: toolchain ## the quick tests only
	go test -short ./...

.PHONY: bench
bench: toolchain ## the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: lint
lint: toolchain ## formatting, vet, staticcheck
	@scripts/lint.sh

.PHONY: fmt
fmt: toolchain ## format the Go code
	$(TOOL) gofumpt -w cmd internal library tools web/*.go

.PHONY: notices
notices: toolchain ## rewrite the licence texts of what is linked
	go run tools/licences/main.go > internal/licences/notices.new
	mv internal/licences/notices.new internal/licences/notices.txt

.PHONY: clean
clean: ## remove what was built
	rm -rf bin web/node_modules web/dist/assets web/dist/index.html web/dist/*.svg
