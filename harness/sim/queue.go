package sim

// eventKind says what an event of the world is.
type eventKind uint8

const (
	evTick   eventKind = iota // the core of a host is due
	evWake                    // items arrive at a host
	evDial                    // a SYN arrives
	evResume                  // a paused host goes on
)

// event is something that happens at a time. Events of one time happen in the order in which
// they were made.
type event struct {
	at   int64
	seq  uint64
	kind eventKind
	gen  uint32 // of a tick: see host.tickGen; of a resume: host.pauses
	host *host  // evTick, evWake, evResume
	end  *end   // evDial
	wake *wake  // evWake
}

// wake is what arrives at a host at one time: the first item of each of these streams. The host
// takes it all before its core is asked for effects, as a server reads all sockets that are readable.
type wake struct {
	at   int64
	ends []*end
}

// queue is a binary heap of events, the next one first.
type queue struct {
	heap []event
	seq  uint64
}

func (q *queue) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.at < b.at || (a.at == b.at && a.seq < b.seq)
}

func (q *queue) push(ev event) {
	q.seq++
	ev.seq = q.seq
	q.heap = append(q.heap, ev)
	for i := len(q.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.before(i, up) {
			break
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

func (q *queue) pop() event {
	top := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if q.before(c, least) {
				least = c
			}
		}
		if least == i {
			return top
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
