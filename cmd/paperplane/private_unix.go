//go:build unix

package main

import "syscall"

// private makes every file that the program writes readable by its user only.
func private() { syscall.Umask(0o077) }
