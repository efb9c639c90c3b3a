package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// frames is the memory of the frames of one Ready. It grows by chunks, so that a broadcast to a
// large cluster moves nothing that is there already. The zero value is empty.
type frames struct {
	chunk []byte // being filled; those that are full are held by their frames only
}

// frameChunk is the size of a chunk in bytes, unless one frame alone is larger.
const frameChunk = 32 << 10

// add writes a packet. The frame cannot be appended to.
func (f *frames) add(p *bus.Packet) []byte {
	if size := p.Size(); cap(f.chunk)-len(f.chunk) < size {
		f.chunk = make([]byte, 0, max(size, frameChunk))
	}
	start := len(f.chunk)
	f.chunk = p.Append(f.chunk)
	return f.chunk[start:len(f.chunk):len(f.chunk)]
}

// reset makes the memory free for other frames. A long message gives its memory back.
func (f *frames) reset() {
	if cap(f.chunk) > frameChunk {
		f.chunk = nil
	}
	f.chunk = f.chunk[:0]
}
