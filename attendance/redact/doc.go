// Package redact decides what of foreign words may be told: which part of a database
// driver's error, which part of a platform's answer. It is where texts that may hold
// a password or a token become texts that do not; whoever quotes goes through it.
//
// It imports the standard library only, so that every room may use it.
package redact

// Blank stands where a secret was.
const Blank = "***"
