#!/usr/bin/env bash
# The budgets that do not depend on how fast the machine is: sizes and allocations. Fails above
# any. Needs `make build`.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
limit() { awk -F'\t' -v n="$1" '$1 == n { print $2 }' bench/budgets.tsv; }

# row NAME VALUE UNIT prints a line of the table and remembers a failure.
row() {
	local max verdict=PASS
	max=$(limit "$1")
	if [ "$2" -gt "$max" ]; then
		verdict=ABOVE
		failed=1
	fi
	printf '%-16s %12s %-6s limit %12s  %s\n' "$1" "$2" "$3" "$max" "$verdict"
}

dist=face/web/dist
core=$(find $dist -name '*.wasm' | head -1)
if [ -n "$core" ]; then
	row wasm-gzip "$(gzip -9 -c "$core" | wc -c)" bytes
elif core=$(find $dist -name '*.wasm.gz' | head -1) && [ -n "$core" ]; then
	row wasm-gzip "$(wc -c <"$core")" bytes
else
	echo "no WASM core in $dist: run make build" >&2
	exit 1
fi
# What the page names, and its worker, is there before the core; other scripts and sheets are loaded after that.
shell=0
later=0
while IFS= read -r -d '' file; do
	name=$(basename "$file" .br)
	size=$(wc -c <"$file")
	case $file in
	*/manifest.json.br) ;; # for who audits a release: no page asks for it
	*/assets/worker-*) shell=$((shell + size)) ;;
	*/assets/*) if grep -qF "/assets/$name" $dist/index.html; then shell=$((shell + size)); else later=$((later + size)); fi ;;
	*) shell=$((shell + size)) ;;
	esac
done < <(find $dist -name '*.br' ! -name '*.wasm.br' -print0)
row shell-brotli "$shell" bytes
row later-brotli "$later" bytes
row binary "$(wc -c <bin/paperplane)" bytes
go test -count=1 ./core -run 'TestStateBytes' >/dev/null || { echo "core: TestStateBytes fails" >&2; failed=1; }
exit $failed
