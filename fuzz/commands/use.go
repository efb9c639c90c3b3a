package commands

import "strings"

// use says which values an argument takes, after its type and name in COMMAND DOCS.
type use uint8

const (
	useWord     use = iota // a value, member, field
	useCount               // how many of the argument behind it follow
	useIndex               // a place in a list, string or sorted set, or a small number of things
	useBig                 // an increment or the like: any 64-bit number, and none
	useBit                 // 0 or 1
	useBits                // a bit offset: small, so that no string grows large
	useSpan                // a duration from now: so long that no run sees its end, or none
	useMoment              // a Unix time: far ahead or long past
	useTimeout             // of a blocking command: a few milliseconds
	useCursor              // where a scan starts: 0
	useSlot                // a hash slot
	useScore               // a double
	useBorder              // a border of a range of scores or members
	useEncoding            // of BITFIELD
	useProtocol            // 2 or 3
	useScript
	useFunction
	useDigest // of a script
	useNode   // a node's id
	usePattern
	useCommand // a command's name
	useDB
	useHash // of a value, as DIGEST answers it
)

var useByName = map[string]use{
	"numkeys": useCount, "numfields": useCount, "numids": useCount, "numlocal": useIndex, "numreplicas": useIndex,
	"value": useWord, "increment": useBig, "decrement": useBig, "bit": useBit, "offset": useBits,
	"seconds": useSpan, "milliseconds": useSpan, "ttl": useSpan, "ms": useSpan, "timeout": useTimeout,
	"cursor": useCursor, "slot": useSlot, "start-slot": useSlot, "end-slot": useSlot, "startslot": useSlot, "endslot": useSlot,
	"min": useBorder, "max": useBorder, "encoding": useEncoding, "protover": useProtocol,
	"script": useScript, "function": useFunction, "sha1": useDigest, "node-id": useNode,
	"importing": useNode, "migrating": useNode, "node": useNode, "command": useCommand, "command-name": useCommand,
	"destination-db": useDB, "db": useDB, "ifdeq-digest": useHash, "ifdne-digest": useHash, "index1": useDB, "index2": useDB, "weight": useScore,
}

func useOf(k kind, name string) use {
	switch k {
	case kindUnixTime:
		return useMoment
	case kindPattern:
		return usePattern
	case kindDouble:
		if name == "timeout" {
			return useTimeout
		}
		if name == "min" || name == "max" {
			return useBorder
		}
		return useScore
	case kindInteger:
		if name == "value" {
			return useBig
		}
		if u, ok := useByName[name]; ok {
			return u
		}
		return useIndex
	case kindString:
		if name == "start" || name == "stop" || name == "end" {
			return useBorder
		}
		if u, ok := useByName[name]; ok {
			return u
		}
	}
	return useWord
}

// family says what a key holds, so that most commands meet keys of their own type.
type family uint8

const (
	famString family = iota
	famHash
	famList
	famSet
	famZset
	famStream
	famAny
	families = famAny
)

func (f family) String() string { return [...]string{"s", "h", "l", "e", "z", "x", "a"}[f] }

func familyOf(name, group string) family {
	switch group {
	case "string", "bitmap", "hyperloglog":
		return famString
	case "hash":
		return famHash
	case "list":
		return famList
	case "set":
		return famSet
	case "sorted-set", "geo":
		return famZset
	case "stream":
		return famStream
	}
	if strings.HasPrefix(name, "sort") {
		return famList
	}
	return famAny
}
