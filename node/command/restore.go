package command

import (
	"encoding/binary"
	"hash/crc64"
	"strconv"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{"migrate": migrate, "restore": restore, "restore-asking": restore})
}

// migrate mirrors cluster.c:migrateCommand up to the point where a key would
// leave: the node sends no keys, so keys that are here are refused by name.
func migrate(e *Engine, c *Client) {
	argv := c.argv
	keys := argv[3:4]
options:
	for i := 6; i < len(argv); i++ {
		more := len(argv) - 1 - i
		switch table.Option(argv[i]) {
		case "copy", "replace":
		case "auth":
			if more < 1 {
				c.syntax()
				return
			}
			i++
		case "auth2":
			if more < 2 {
				c.syntax()
				return
			}
			i += 2
		case "keys":
			if len(argv[3]) != 0 {
				c.err("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")
				return
			}
			keys = argv[i+1:]
			break options
		default:
			c.syntax()
			return
		}
	}
	if _, ok := c.intArg(argv[5]); !ok {
		return
	}
	if _, ok := c.intArg(argv[4]); !ok {
		return
	}
	for _, k := range keys {
		if e.DB.Lookup(k, e.now) != nil {
			c.err("ERR slotnode does not execute 'migrate'")
			return
		}
	}
	c.status("NOKEY")
}

// rdbVersion is the newest dump format that 8.6.3 takes.
const rdbVersion = 13

// crcTable is that of Redis's CRC64 (Jones), reflected.
var crcTable = crc64.MakeTable(0x95ac9329ac4bc9b5)

// validDump mirrors cluster.c:verifyDumpPayload: two bytes of version and eight
// of checksum at the end; a checksum of zero is not looked at.
func validDump(b []byte) bool {
	if len(b) < 10 {
		return false
	}
	foot := b[len(b)-10:]
	sum := binary.LittleEndian.Uint64(foot[2:])
	return binary.LittleEndian.Uint16(foot) <= rdbVersion &&
		(sum == 0 || sum == ^crc64.Update(^uint64(0), crcTable, b[:len(b)-8]))
}

// restore mirrors cluster.c:restoreCommand for strings; other types are refused
// by name.
func restore(e *Engine, c *Client) {
	var replace, abs, idle, freq bool
	for i := 4; i < len(c.argv); i++ {
		more := i+1 < len(c.argv)
		switch opt := table.Option(c.argv[i]); {
		case opt == "replace":
			replace = true
		case opt == "absttl":
			abs = true
		case opt == "idletime" && more && !freq:
			i++
			idle = true
			if n, ok := c.intArg(c.argv[i]); !ok {
				return
			} else if n < 0 {
				c.err("ERR Invalid IDLETIME value, must be >= 0")
				return
			}
		case opt == "freq" && more && !idle:
			i++
			freq = true
			if n, ok := c.intArg(c.argv[i]); !ok {
				return
			} else if n < 0 || n > 255 {
				c.err("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return
			}
		default:
			c.syntax()
			return
		}
	}
	key := c.argv[1]
	old := e.DB.Lookup(key, e.now)
	if old != nil && !replace {
		c.err("BUSYKEY Target key name already exists.")
		return
	}
	ttl, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	if ttl < 0 {
		c.err("ERR Invalid TTL value, must be >= 0")
		return
	}
	if !validDump(c.argv[3]) {
		c.err("ERR DUMP payload version or checksum are wrong")
		return
	}
	// Redis reads on into version and checksum where the value is too short.
	body := c.argv[3]
	if len(body) > 10 && body[0] != 0 && body[0] < 28 {
		c.err("ERR slotnode does not execute '" + c.cmd.Name + "'")
		return
	}
	var val []byte
	if ok = len(body) > 10 && body[0] == 0; ok {
		val, ok = rdbString(body[1:])
	}
	if !ok {
		c.err("ERR Bad data format")
		return
	}
	if ttl > 0 && !abs {
		ttl += e.now
	}
	if old != nil {
		e.DB.Delete(key)
	}
	if ttl == 0 || ttl > e.now {
		e.DB.Put(key, &store.Object{Str: val}, ttl)
	}
	e.touched(string(key))
	c.ok()
}

// rdbString reads a string as RDB has it: with its length, as an integer of one,
// two or four bytes, or compressed. Mirrors rdb.c:rdbGenericLoadStringObject.
func rdbString(b []byte) ([]byte, bool) {
	if len(b) > 0 && b[0]>>6 == 3 {
		switch enc := b[0] & 63; {
		case enc == 0 && len(b) >= 2:
			return strconv.AppendInt(nil, int64(int8(b[1])), 10), true
		case enc == 1 && len(b) >= 3:
			return strconv.AppendInt(nil, int64(int16(binary.LittleEndian.Uint16(b[1:]))), 10), true
		case enc == 2 && len(b) >= 5:
			return strconv.AppendInt(nil, int64(int32(binary.LittleEndian.Uint32(b[1:]))), 10), true
		case enc == 3:
			packed, b, ok := rdbLength(b[1:])
			if !ok {
				return nil, false
			}
			size, b, ok := rdbLength(b)
			if !ok || packed > uint64(len(b)) || size > 512<<20 {
				return nil, false
			}
			return lzf(b[:packed], int(size))
		}
		return nil, false
	}
	n, b, ok := rdbLength(b)
	if !ok || n > uint64(len(b)) {
		return nil, false
	}
	return append([]byte{}, b[:n]...), true
}

// rdbLength reads a length of 6, 14, 32 or 64 bits.
func rdbLength(b []byte) (n uint64, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0]>>6 == 0:
		return uint64(b[0]), b[1:], true
	case len(b) >= 2 && b[0]>>6 == 1:
		return uint64(b[0]&63)<<8 | uint64(b[1]), b[2:], true
	case len(b) >= 5 && b[0] == 0x80:
		return uint64(binary.BigEndian.Uint32(b[1:])), b[5:], true
	case len(b) >= 9 && b[0] == 0x81:
		return binary.BigEndian.Uint64(b[1:]), b[9:], true
	}
	return 0, nil, false
}

// lzf expands LZF data that must come to exactly size bytes.
func lzf(b []byte, size int) ([]byte, bool) {
	var out []byte
	for len(b) > 0 {
		ctrl := int(b[0])
		b = b[1:]
		if ctrl < 32 {
			if len(b) < ctrl+1 || len(out)+ctrl+1 > size {
				return nil, false
			}
			out = append(out, b[:ctrl+1]...)
			b = b[ctrl+1:]
			continue
		}
		n := ctrl >> 5
		if n == 7 {
			if len(b) == 0 {
				return nil, false
			}
			n += int(b[0])
			b = b[1:]
		}
		if len(b) == 0 {
			return nil, false
		}
		from := len(out) - (ctrl&31)<<8 - int(b[0]) - 1
		b = b[1:]
		if from < 0 || len(out)+n+2 > size {
			return nil, false
		}
		for i := range n + 2 {
			out = append(out, out[from+i])
		}
	}
	return out, len(out) == size
}
