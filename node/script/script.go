// Package script runs the scripts of EVAL: Lua 5.1 in a sandbox, the table
// "redis" in it, and the conversion of values between Lua and RESP, both ways.
//
// A script sees no file, socket, clock or chance of its own: what it may do is
// what its Host does for it. Each run starts from nothing, so no run sees another,
// and is bounded: by instructions and bytes of strings, which gives the same end
// every time, and by a guard on memory as a whole.
//
// It knows nothing of commands, keys, users, clusters or the cache of scripts.
package script

import "math/rand/v2"

// Engine compiles scripts of one language.
type Engine interface {
	// Compile returns a program for a text. The error's text is the first syntax
	// error, "user_script:LINE: what is wrong".
	Compile(text string) (Program, error)
}

// Program is a compiled script. It may run any number of times, one at a time.
type Program interface {
	// Run runs the script to its end and returns its reply.
	Run(in Input, host Host) Reply
}

// Input is what one run is given.
type Input struct {
	Name       string   // by which errors name the script: its SHA-1
	Keys, Args [][]byte // KEYS and ARGV
	Protocol   int      // of the client that is answered, 2 or 3
	Seed       [2]uint64
}

// Host is what a script asks of the node.
type Host interface {
	// Call runs a command and returns its reply in a version of RESP. If the script
	// is not allowed to run it, refused says why: a text without a code, or "-",
	// the code and the text.
	Call(argv [][]byte, protocol int) (reply []byte, refused string)
	// MayCall answers redis.acl_check_cmd: an error, or whether the user may.
	MayCall(argv [][]byte) (ok bool, wrong string)
	// Log writes to the server's log; levels are those of redis.log.
	Log(level int, text string)
	// Clock is the processor time that os.clock answers, in seconds.
	Clock() float64
}

// Reply is the end of a run.
type Reply struct {
	Bytes []byte // RESP in the version of the client
	// Counted says that the reply is an error that was counted when it arose: the
	// reply of a command, or its refusal.
	Counted bool
}

// Limits of a run. They are far above what a script needs that Redis would end
// before it answers BUSY.
const (
	maxInstructions = 1 << 23   // of the virtual machine, and steps of library functions
	maxStringBytes  = 256 << 20 // that are made, freed ones included
	maxHeapGrowth   = 384 << 20 // bytes, of the process while a script runs
	maxThreads      = 1000      // coroutines
	maxText         = 4 << 20   // bytes of a script
	maxCallDepth    = 20000     // LUAI_MAXCALLS
	maxProtected    = 195       // pcalls in one another; of the 200 of LUAI_MAXCCALLS some are taken
)

// newChance is math.random's source: the same seed, the same sequence.
func newChance(seed [2]uint64) *rand.Rand { return rand.New(rand.NewPCG(seed[0], seed[1])) }
