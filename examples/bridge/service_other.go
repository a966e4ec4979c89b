//go:build !windows

package main

// asService is for Windows, see service_windows.go. Elsewhere a service is a process like
// any other.
func asService() (code int, is bool) { return 0, false }
