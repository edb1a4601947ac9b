# Paperplane. `make run` is the whole messenger, `make test` everything CI checks.
# Needs Go, make, Node and npm; all else is fetched by name from their registries.

DATA    ?= data
LISTEN  ?= 127.0.0.1:8765
QUALITY ?= 5

export CGO_ENABLED ?= 0

.PHONY: run build web test test-go test-wasm test-race test-web test-peers bench bench-group sim screenshots clean

# run: build and start; a second run goes on with the same data.
run: build
	./bin/paperplane serve --data $(DATA) --listen $(LISTEN)

build: web
	go build -trimpath -ldflags="-s -w" -o bin/paperplane ./cmd/paperplane

# web: the browser's core and pages, into face/web/dist. It does nothing when nothing changed.
web: web/node_modules/.stamp
	go run -C tool ./web -root .. -quality $(QUALITY)

web/node_modules/.stamp: web/package-lock.json
	npm ci --prefix web --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

test: build
	tool/ci.sh

bench: build
	tool/bench.sh

# bench-group: the figures of one group of N members, beside other implementations.
N ?= 5000
bench-group:
	@tool/bench-group.sh $(N)

# sim: RUNS seeds from SEED on; a failure prints the seed that repeats it.
RUNS ?= 10000
SEED ?= 1
sim:
	go test ./sim -count=1 -timeout=0 -runs=$(RUNS) -seed=$(SEED)

screenshots: build
	node web/test/screenshots.mjs
	node web/test/readme.mjs
	node web/test/guide.mjs

clean:
	rm -rf bin face/web/dist/* web/node_modules
