.PHONY: build test lint check

build:
	go build -trimpath .

test:
	go test ./...

lint:
	golangci-lint run ./...

check: lint
	go test -race -shuffle=on ./...
