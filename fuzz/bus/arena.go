package bus

import "sync"

// arenaChunk is how much memory for frames is taken at a time.
const arenaChunk = 512 << 10

var chunks = sync.Pool{New: func() any { return new([arenaChunk]byte) }}

// arena is the memory of an episode's frames, which is used again when the episode is done with.
type arena struct {
	all  []*[arenaChunk]byte
	rest []byte
}

func newArena() *arena { return &arena{} }

// take is an empty slice with room for n bytes and no more: what is appended behind them goes elsewhere.
func (a *arena) take(n int) []byte {
	if n > arenaChunk/8 {
		return make([]byte, 0, n)
	}
	if n > len(a.rest) {
		c := chunks.Get().(*[arenaChunk]byte)
		a.all = append(a.all, c)
		a.rest = c[:]
	}
	b := a.rest[:0:n]
	a.rest = a.rest[n:]
	return b
}

// free gives the memory back. Nobody may have a frame of it any more.
func (a *arena) free() {
	for _, c := range a.all {
		chunks.Put(c)
	}
	a.all, a.rest = nil, nil
}
