// The build program puts the Go toolchain's wasm_exec.js here.
declare module 'go:wasm_exec';
