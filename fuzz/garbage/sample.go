package garbage

import (
	"fmt"
	"os"
	"runtime"
)

// Sample is what the process holds after so many packets.
type Sample struct {
	Packets    uint64
	Heap       uint64 // bytes in use after a collection
	Goroutines int
	Files      int // open file descriptors, -1: this system does not tell
}

// String is the sample as a line of text.
func (s Sample) String() string {
	return fmt.Sprintf("%d packets: %.2f MiB of heap, %d goroutines, %d open files", s.Packets, float64(s.Heap)/(1<<20), s.Goroutines, s.Files)
}

func take(packets uint64) Sample {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	files := -1
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		files = len(list) - 1 // not the one that reads the folder
	}
	return Sample{Packets: packets, Heap: m.HeapAlloc, Goroutines: runtime.NumGoroutine(), Files: files}
}

// Bounds of what may come and go. The heap settles in the first tenth, when buffers have reached their size.
const (
	heapSlack  = 2 << 20
	countSlack = 8
)

// Flat is an error if the last of some samples holds more than the first.
func Flat(samples []Sample) error {
	if len(samples) < 2 {
		return nil
	}
	first, last := samples[0], samples[len(samples)-1]
	switch {
	case last.Heap > first.Heap+heapSlack:
		return fmt.Errorf("the heap grows: %s; then %s", first, last)
	case last.Goroutines > first.Goroutines+countSlack:
		return fmt.Errorf("goroutines are left: %s; then %s", first, last)
	case last.Files > first.Files+countSlack:
		return fmt.Errorf("files are left open: %s; then %s", first, last)
	}
	return nil
}
