#!/usr/bin/env bash
# Fails when anything in bench/budgets.tsv is above its limit. Run `make build` before: it measures
# what that left in face/web/dist and bin, compressed as hard as a release is, whatever it was built with.
set -euo pipefail
cd "$(dirname "$0")/.."
dist=face/web/dist

# Sums the sizes of files, each compressed by itself: brotli 11 as a browser gets them, or gzip 9.
packed() {
	node -e '
		const { readFileSync } = require("fs"), zlib = require("zlib");
		const pack = { brotli: (b) => zlib.brotliCompressSync(b), gzip: (b) => zlib.gzipSync(b, { level: 9 }) }[process.argv[1]];
		const read = (f) => f.endsWith(".gz") ? zlib.gunzipSync(readFileSync(f)) : readFileSync(f);
		console.log(process.argv.slice(2).reduce((n, f) => n + pack(read(f)).length, 0));
	' "$@"
}

# The core may be in dist compressed only.
core=$(ls $dist/assets/core-*.wasm.gz)

measure() {
	case $1 in
	core-gzip)    packed gzip "$core" ;;
	core-brotli)  packed brotli "$core" ;;
	shell-brotli) packed brotli $dist/index.html $dist/sw.js $dist/assets/*.js $dist/assets/*.css ;;
	binary)       wc -c < bin/paperplane ;;
	*)            echo "budgets.tsv: nothing measures $1" >&2; return 1 ;;
	esac
}

failed=0
while IFS=$'\t' read -r name limit unit how; do
	case $name in '' | '#'*) continue ;; esac
	got=$(measure "$how")
	verdict=ok
	if ((got > limit)); then verdict=ABOVE failed=1; fi
	printf '%-20s %10d of %10d %s  %s\n' "$name" "$got" "$limit" "$unit" "$verdict"
done < bench/budgets.tsv
printf '%-20s %10d bytes (what travels; the first visit at 10 Mbit/s hangs on it)\n' 'core, brotli' "$(measure core-brotli)"
exit $failed
