//go:build race

package dbtest

// raceDetector says that the tests run several times slower than usual.
const raceDetector = true
