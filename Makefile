# Version and commit of the build. VERSION is the newest tag, followed by +<commits since>.<commit>.
git       = $(shell git $(1) 2>/dev/null)
describe := $(call git,describe --tags --match 'v[0-9]*' --abbrev=12 --dirty=.dirty)
VERSION  ?= $(or $(shell echo '$(describe)' | sed -E 's/^v//; s/-([0-9]+)-g/+\1./'),0.0.0-dev+$(or $(call git,describe --always --exclude '*' --abbrev=12 --dirty=.dirty),unknown))
REVISION ?= $(or $(call git,rev-parse HEAD),unknown)
BRANCH   ?= $(or $(call git,rev-parse --abbrev-ref HEAD),unknown)
SOURCE_DATE_EPOCH ?= $(or $(call git,log -1 --format=%ct),0)
DATE     := $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%dT%H:%M:%SZ)
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
export VERSION REVISION BRANCH SOURCE_DATE_EPOCH DATE

.PHONY: build help test lint check pictures dist packages image images chart stack version

build: ## Build ./opsmanager_exporter (default).
	go build -trimpath .

help: ## Print this list.
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

test: ## Run the tests that need only Go.
	go test ./...

lint: ## Run the linters, as CI does.
	.ci/run lint

check: ## Run the linters, and the tests with the race detector, as CI does.
	.ci/run lint race

pictures: ## Redraw the pictures in the READMEs; needs Chromium and npm.
	.ci/tools prometheus promtool
	cd dashboards/picture && go run .
	collector/statuspage/picture

dist: ## Build archives with checksums and bills of materials in dist/; PLATFORMS="linux/amd64 ..." selects them.
	.ci/build $(PLATFORMS)

packages: dist ## Build the same, and .deb and .rpm packages.
	.ci/build-packages $(patsubst linux/%,%,$(filter linux/%,$(PLATFORMS)))

# Image tags cannot contain +. Images for other architectures than that of this machine have names of their own.
IMAGE = opsmanager_exporter:$(subst +,-,$(VERSION))
HOST := $(shell go env GOHOSTARCH)
ARCH ?= $(HOST)
image: ## Build the container image, with buildah or docker; ARCH=arm64 selects the architecture.
	$(MAKE) dist PLATFORMS=linux/$(ARCH)
	.ci/build-image $(IMAGE)$(addprefix -,$(filter-out $(HOST),$(ARCH))) $(ARCH)

images: override PLATFORMS := $(filter linux/%,$(PLATFORMS))
images: dist ## Build the images for all Linux platforms, and one index of them, also as an OCI archive in dist/.
	.ci/build-index $(IMAGE) $(patsubst linux/%,%,$(PLATFORMS))

chart: ## Package the Helm chart into dist/, for the image that "make image" builds.
	.ci/build-chart "$(subst +,-,$(VERSION))"

stack: ## Run the demo with Prometheus, Alertmanager and Grafana, with docker compose.
	$(MAKE) dist PLATFORMS=linux/$(ARCH)
	docker compose --file deploy/compose/compose.yml up --build

version: ## Print the version.
	@echo $(VERSION)
