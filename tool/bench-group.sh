#!/usr/bin/env bash
# The figures of one large group, N members (5000), as TSV: ours with X-Wing, its budget from
# bench/budgets.tsv, and the peers on suite 1 with a tenth of the members, for most of them are
# quadratic. Times depend on the machine and on what else runs there. A peer that is not to be
# had shows "-": ts-mls needs `npm ci` in peers/tsmls.
set -uo pipefail
cd "$(dirname "$0")/.."

n=${1:-5000}
tenth=$((n / 10 > 2 ? n / 10 : 2))
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go test ./mls -count=1 -timeout=20m -run '^TestFigures$' -figures "$n" -v >"$dir/ours" || { cat "$dir/ours" >&2; exit 1; }
(cd peers/mlsgo && go test -count=1 -timeout=20m -run '^TestFigures$' -figures "$tenth" -v .) >"$dir/mlsgo" 2>&1
: >"$dir/tsmls"
[ -d peers/tsmls/node_modules ] && (cd peers/tsmls && node figures.mjs "$tenth") >"$dir/tsmls" 2>&1

printf 'what\tours\tbudget\tunit\tmls-go at %s\tts-mls at %s\n' "$tenth" "$tenth"
awk -F'\t' -v OFS='\t' '
	FILENAME ~ /budgets/ { budget[$1] = $2; next }
	$1 != "FIGURE" { next }
	FILENAME ~ /mlsgo$/ { mlsgo[$2] = $3; next }
	FILENAME ~ /tsmls$/ { tsmls[$2] = $3; next }
	{ print $2, $3, dash(budget["group-" $2]), $4, dash(mlsgo[$2]), dash(tsmls[$2]) }
	function dash(v) { return v == "" ? "-" : v }
' bench/budgets.tsv "$dir/mlsgo" "$dir/tsmls" "$dir/ours"
