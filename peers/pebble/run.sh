#!/bin/sh
# Runs our server against pebble, a test certificate authority, on loopback ports: a certificate
# is fetched by TLS-ALPN-01 and by HTTP-01, used, kept over a restart. Needs only Go.
set -eu
cd "$(dirname "$0")"
exec go test -count=1 -timeout 5m "$@" ./...
