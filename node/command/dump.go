package command

import (
	"encoding/binary"
	"hash/crc64"
	"math"
	"strconv"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() { register(map[string]handler{"dump": dump}) }

// maxPlainDump is how long a string is at most that RDB never compresses
// (rdb.c:rdbSaveRawString).
const maxPlainDump = 20

// dump mirrors cluster.c:dumpCommand for strings that RDB does not compress; other
// values are refused by name.
func dump(e *Engine, c *Client) {
	o := e.find(c.argv[1])
	switch {
	case o == nil:
		c.null()
	case o.Kind != store.String || len(o.Str) > maxPlainDump:
		c.err("ERR slotnode does not execute 'dump'")
	default:
		c.bulk(dumpString(o.Str))
	}
}

// dumpString is the payload of a short string: type, value, version, checksum.
func dumpString(s []byte) []byte {
	b := appendRDBInt([]byte{0}, s)
	if len(b) == 1 {
		b = append(append(b, byte(len(s))), s...)
	}
	b = binary.LittleEndian.AppendUint16(b, rdbVersion)
	return binary.LittleEndian.AppendUint64(b, ^crc64.Update(^uint64(0), crcTable, b))
}

// appendRDBInt appends s as an integer of up to 32 bits if it is one in its
// shortest form; else it appends nothing. Mirrors rdb.c:rdbTryIntegerEncoding.
func appendRDBInt(b, s []byte) []byte {
	n, ok := table.ParseInt(s)
	if !ok || len(s) > 11 || string(strconv.AppendInt(nil, n, 10)) != string(s) {
		return b
	}
	switch {
	case n >= math.MinInt8 && n <= math.MaxInt8:
		return append(b, 0xc0, byte(n))
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return binary.LittleEndian.AppendUint16(append(b, 0xc1), uint16(n))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return binary.LittleEndian.AppendUint32(append(b, 0xc2), uint32(n))
	}
	return b
}
