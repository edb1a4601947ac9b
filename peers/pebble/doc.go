// Package pebble tests automatic certificates against a kept ACME server, pebble. It is a module
// of its own, so that the product never depends on what it is tested with.
package pebble
