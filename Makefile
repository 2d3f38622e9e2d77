# What is built, from which commit. VERSION is the newest tag, with +<commits since>.<commit> after it.
git       = $(shell git $(1) 2>/dev/null)
describe := $(call git,describe --tags --match 'v[0-9]*' --abbrev=12 --dirty=.dirty)
VERSION  ?= $(or $(shell echo '$(describe)' | sed -E 's/^v//; s/-([0-9]+)-g/+\1./'),0.0.0-dev+$(or $(call git,describe --always --exclude '*' --abbrev=12 --dirty=.dirty),unknown))
REVISION ?= $(or $(call git,rev-parse HEAD),unknown)
BRANCH   ?= $(or $(call git,rev-parse --abbrev-ref HEAD),unknown)
SOURCE_DATE_EPOCH ?= $(or $(call git,log -1 --format=%ct),0)
DATE     := $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%dT%H:%M:%SZ)
PLATFORMS ?= linux/amd64 linux/arm64 darwin/arm64 windows/amd64
export VERSION REVISION BRANCH SOURCE_DATE_EPOCH DATE

.PHONY: build test lint check dist packages image stack version

build:
	go build -trimpath .

test:
	go test ./...

lint:
	golangci-lint run ./...

check: lint
	go test -race -shuffle=on ./...

# Archives with checksums and software bills of materials, in dist/.
dist:
	.ci/build $(PLATFORMS)

# The same, and .deb and .rpm.
packages: dist
	.ci/build-packages $(patsubst linux/%,%,$(filter linux/%,$(PLATFORMS)))

# The container image opsmanager_exporter:<version>, by buildah, or by docker where there is no buildah. A tag has no +.
IMAGE = opsmanager_exporter:$(subst +,-,$(VERSION))
ARCH ?= $(shell go env GOARCH)
image:
	$(MAKE) dist PLATFORMS=linux/$(ARCH)
	.ci/build-image $(IMAGE) $(ARCH)

# The demo with Prometheus, Alertmanager and Grafana, by docker compose.
stack:
	$(MAKE) dist PLATFORMS=linux/$(ARCH)
	docker compose --file deploy/compose/compose.yml up --build

version:
	@echo $(VERSION)
