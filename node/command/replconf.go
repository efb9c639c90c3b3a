package command

import (
	"strconv"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() { register(map[string]handler{"replconf": replconf}) }

// maxHostLen bounds the address of a replica, in bytes (NET_HOST_STR_LEN).
const maxHostLen = 256

// replconf mirrors replication.c:replconfCommand as far as a replica that gets no stream
// goes: what it says of itself is checked and forgotten, ACK and GETACK have no answer.
func replconf(e *Engine, c *Client) {
	if len(c.argv)%2 == 0 {
		c.err("ERR syntax error")
		return
	}
	for i := 1; i < len(c.argv); i += 2 {
		option, value := table.Option(c.argv[i]), c.argv[i+1]
		switch option {
		case "listening-port":
			if _, ok := table.ParseInt(value); !ok {
				c.err("ERR value is not an integer or out of range")
				return
			}
		case "ip-address":
			if len(value) >= maxHostLen {
				c.err("ERR REPLCONF ip-address provided by replica instance is too long: " + strconv.Itoa(len(value)) + " bytes")
				return
			}
		case "capa":
		case "ack", "getack":
			return
		case "rdb-only", "rdb-filter-only", "rdb-channel", "rdb-no-compress", "main-ch-client-id":
			c.err("ERR slotnode does not execute 'replconf " + option + "'")
			return
		default:
			c.err("ERR Unrecognized REPLCONF option: " + cString(c.argv[i]))
			return
		}
	}
	c.ok()
}
