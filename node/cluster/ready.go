package cluster

import "github.com/slotdiff/slotdiff/slot"

// Ready is what the driver must do, in the order of the fields: what is persisted is durable
// before anything that depends on it is sent or answered. All slices are valid until the
// next call of [Node.Ready].
type Ready struct {
	// Log are records in the order in which things happened. They have no effect.
	Log []LogRecord
	// Persist is the text that nodes.conf must have, nil: as it is. It replaces the file
	// atomically. A driver that cannot do it stops, except where an answer to [SaveConfig]
	// waits, which then fails.
	Persist []byte
	// Sync asks that Persist is on disk, directory too, before anything else is done.
	Sync bool
	// Data are effects on the data plane, in order.
	Data []DataOp
	// Close are links to close. No event follows for them.
	Close []LinkID
	// Dial are links to connect. Each is answered by LinkUp or LinkDown.
	Dial []Dial
	// Send are frames to write. One for a link that is still being dialled is written once the
	// link is up, before anything that is sent later; if the dial fails it is lost.
	Send []Send
	// Answers are the answers to [Admin] events.
	Answers []Answer
}

// Empty reports whether there is nothing to do.
func (r *Ready) Empty() bool {
	return len(r.Log) == 0 && r.Persist == nil && len(r.Data) == 0 && len(r.Close) == 0 &&
		len(r.Dial) == 0 && len(r.Send) == 0 && len(r.Answers) == 0
}

// Dial is a link to connect. Host is an address without a port; one that is no IP address
// must fail to connect, never be looked up.
type Dial struct {
	Link LinkID
	Host string
	Port int
}

// Send is one frame for one link. Frame must not be changed: the same bytes may go to many links.
type Send struct {
	Link  LinkID
	Frame []byte
}

// DataOp is an effect on the data plane: [DropKeys], [DropShardChannels], [Follow], [Unfollow],
// [EmptyData], [Deliver], [PauseWrites] or [ResumeWrites].
type DataOp interface{ dataOp() }

// DropKeys deletes the keys of slots that another node has won.
type DropKeys struct{ Slots slot.Set }

// DropShardChannels unsubscribes every client from the shard channels of slots whose owner changed, slot by slot.
type DropShardChannels struct{ Slots slot.Set }

// Follow makes this server a replica of the one at Host:Port (replicationSetMaster).
type Follow struct {
	Host string
	Port int
}

// Unfollow stops replication (replicationUnsetMaster); the data stays.
type Unfollow struct{}

// EmptyData deletes all keys, as CLUSTER RESET does on a replica.
type EmptyData struct{}

// Deliver gives a message from the bus to local subscribers. The bytes are valid as long as
// the [Ready] that holds them.
type Deliver struct {
	Channel, Message []byte
	Shard            bool
}

// PauseWrites suspends clients that write until the given time, for a manual failover.
type PauseWrites struct{ Until Time }

// ResumeWrites ends [PauseWrites].
type ResumeWrites struct{}

func (DropKeys) dataOp()          {}
func (DropShardChannels) dataOp() {}
func (Follow) dataOp()            {}
func (Unfollow) dataOp()          {}
func (EmptyData) dataOp()         {}
func (Deliver) dataOp()           {}
func (PauseWrites) dataOp()       {}
func (ResumeWrites) dataOp()      {}

// Level is the importance of a log record, as Redis has them.
type Level uint8

// The levels, least important first.
const (
	LevelDebug Level = iota
	LevelVerbose
	LevelNotice
	LevelWarning
)

// LogRecord is one line for the server's log.
type LogRecord struct {
	Level Level
	Text  string
}

// Answer is the answer to an administrative request.
type Answer struct {
	Tag   uint64 // of the Admin event; 0 from Node.Do
	Kind  AnswerKind
	Text  string // AnswerStatus: without '+'. AnswerError: with its code ("ERR ..."), without '-'
	Value int64  // AnswerInt
}

// AnswerKind is the RESP type of an answer.
type AnswerKind uint8

// The kinds of answers.
const (
	AnswerOK     AnswerKind = iota // +OK
	AnswerStatus                   // +Text
	AnswerInt                      // :Value
	AnswerError                    // -Text
)

// Err reports whether the request was refused.
func (a Answer) Err() bool { return a.Kind == AnswerError }
