//go:build !unix

package main

// private has nothing to do: a user's folders are the user's here.
func private() {}
