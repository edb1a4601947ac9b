#!/usr/bin/env bash
# Measures every figure of bench/budgets.tsv but those of large groups (bench-group.sh) and prints one table. Fails above a limit of kind
# "max" (sizes, bytes, memory); figures of time depend on the machine and what else runs there,
# so they show PASS or ABOVE and the ratio, and do not fail. Takes about three minutes.
set -uo pipefail
cd "$(dirname "$0")/.."

out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# row NAME VALUE
row() {
	local limit unit kind
	IFS=$'\t' read -r limit unit kind < <(awk -F'\t' -v n="$1" '$1 == n { print $2 "\t" $3 "\t" $4 }' bench/budgets.tsv)
	if [ -z "${2:-}" ]; then
		printf '%-16s %12s %-6s limit %9s         not measured\n' "$1" - "$unit" "$limit"
		failed=1
		return
	fi
	local verdict
	verdict=$(awk -v v="$2" -v l="$limit" -v k="$kind" 'BEGIN { ok = k == "time-min" ? v >= l : v <= l; printf "%5.2f  %s", v / l, ok ? "PASS" : "ABOVE" }')
	[ "$kind" = time-min ] && verdict=${verdict/ABOVE/BELOW}
	case "$kind $verdict" in max*ABOVE) failed=1 ;; esac
	printf '%-16s %12s %-6s limit %9s  ratio %s\n' "$1" "$2" "$unit" "$limit" "$verdict"
}
ms() { awk '/µs$/ { print $0 / 1000; next } /ms$/ { print $0 + 0; next } /s$/ { print $0 * 1000 }'; }
field() { grep -oE "$2[0-9.]+(ms|µs|s)?" <<<"$1" | head -1 | sed "s/^$2//" | ms; }

tool/budgets.sh || failed=1

go test ./e2e -count=1 -run 'TestLatency|TestServerMemory' -latency 2500 -memory -clients 2000 -v >"$out" 2>&1 || failed=1
row idle-rss "$(grep -oE 'idle-rss [0-9]+' "$out" | cut -d' ' -f2)"
line=$(grep 'FIGURE message' "$out")
row message-p50 "$(field "$line" p50=)"
row message-p99 "$(field "$line" p99=)"

# As many sessions as descriptors allow, up to the 10,000 of the budget.
sessions=$(($(ulimit -n) - 1000))
[ "$sessions" -gt 10000 ] && sessions=10000
go test ./protocol/session -count=1 -run MemoryPerSession -rss "$sessions" -v >"$out" 2>&1 || failed=1
row rss-per-client "$(grep -oE '[0-9.]+ KB each' "$out" | cut -d' ' -f1)"

go test ./server/store/embedded -count=1 -run TestFigures -figures 10s -v >"$out" 2>&1 || failed=1
line=$(grep -E '^ +64 writers +embedded ' "$out")
row append-rate "$(grep -oE '[0-9]+/s' <<<"$line" | head -1 | tr -d /s)"
row append-p99 "$(grep -oE 'p99 +[0-9.]+(ms|µs)' <<<"$line" | awk '{ print $2 }' | ms)"
row append-floor "$(grep -oE '64 writers +ratio to floor: growing [0-9.]+' "$out" | awk '{ print $NF }')"

wasm_exec="$(go env GOROOT)/lib/wasm/go_js_wasm_exec"
for js in '' -js; do
	if [ -n "$js" ]; then
		GOOS=js GOARCH=wasm go test -exec="$wasm_exec" ./client -count=1 -run '^$' -bench Search -benchtime 5x >"$out" 2>&1 || failed=1
	else
		go test ./client -count=1 -run '^$' -bench Search -benchtime 5x >"$out" 2>&1 || failed=1
	fi
	row "search$js" "$(awk '/^BenchmarkSearch\/next(-[0-9]+)? / { print $3 / 1e6 }' "$out" | head -1)"
	row "search-first$js" "$(awk '/^BenchmarkSearch\/first(-[0-9]+)? / { print $3 / 1e6 }' "$out" | head -1)"
done

node web/test/speed.mjs >"$out" 2>&1 || failed=1
row interactive "$(grep -oE 'name-field=[0-9]+' "$out" | cut -d= -f2 | sort -n | sed -n 2p)"
exit $failed
