//go:build race

package schedule

// raceDetector says that everything takes ten times as long.
const raceDetector = true
