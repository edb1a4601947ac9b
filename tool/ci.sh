#!/usr/bin/env bash
# Everything that must hold, in the order in which it is cheapest to learn of a mistake.
# `tool/ci.sh STEP…` runs only the named steps.
set -euo pipefail
cd "$(dirname "$0")/.."

seed=${SEED:-$(date +%s)}
wasm_exec="$(go env GOROOT)/lib/wasm/go_js_wasm_exec"
pure="./protocol/plane ./protocol/caps ./protocol/wire ./protocol/content ./protocol/seal ./mls ./core/... ./client/vault ./client/vault/mem ./client/vault/opfs ./face/api"

step_format()   { test -z "$(gofmt -l . | tee /dev/stderr)"; }
step_vet()      { go vet ./... && GOOS=windows go vet ./... && GOOS=js GOARCH=wasm go vet ./cmd/wasm; }
step_fix()      { go fix -diff ./...; }
step_static()   { go tool -modfile=tool/go.mod staticcheck ./...; }
step_generate() { go generate ./... && git diff --exit-code; }
step_types()    { web/node_modules/.bin/tsc --noEmit -p web; }
step_tidy()     { go mod tidy -diff; }
step_go()       { go test -shuffle=on -timeout=20m $(go list ./... | grep -v "/e2e$") && go test -C tool ./web; }
step_vectors()  { go test ./mls -count=1 -run 'TestVectors' -vectors "${VECTORS:-../../shared/vectors/mls}" -v; }
step_wasm()     { GOOS=js GOARCH=wasm go test -exec="$wasm_exec" $pure; }
step_race()     { CGO_ENABLED=1 go test -race ./client ./server/... ./protocol/session ./transport/... ./face/...; }
step_sim()      { echo "simulation from seed $seed"; go test ./sim -count=1 -timeout=30m -runs=300 -seed="$seed"; }
step_e2e()      { go test ./e2e -count=1 -timeout=12m -e2e; }
step_peers()    { (cd peers/mlsgo && go test -count=1 ./...) && (cd peers/tsmls && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error && go test -count=1 ./...) && peers/pebble/run.sh; }
step_browser()  { node web/test/run.mjs; }
step_budgets()  { tool/budgets.sh; }

steps=${*:-format vet fix static tidy generate types go vectors wasm race sim e2e peers browser budgets}
for s in $steps; do
	start=$SECONDS
	echo "== $s"
	"step_$s"
	echo "== $s took $((SECONDS - start)) s"
done
echo "all steps passed: $steps"
