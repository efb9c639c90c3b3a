package command

import (
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// debugProtocol answers DEBUG PROTOCOL: a sample of each reply type.
// Mirrors the PROTOCOL part of debug.c:debugCommand.
func debugProtocol(c *Client) {
	switch table.Option(c.argv[2]) {
	case "string":
		c.text("Hello World")
	case "integer":
		c.int(12345)
	case "double":
		if c.resp == 3 {
			c.Out = resp.AppendDouble(c.Out, 3.141)
		} else {
			c.text("3.141")
		}
	case "null":
		c.null()
	case "array":
		c.array(3)
		for i := range 3 {
			c.int(int64(i))
		}
	case "set":
		c.set(3)
		for i := range 3 {
			c.int(int64(i))
		}
	case "map":
		c.mapOf(3)
		for i := range 3 {
			c.int(int64(i))
			debugBool(c, i == 1)
		}
	case "attrib":
		if c.resp == 3 {
			c.Out = resp.AppendAttribute(c.Out, 1)
			c.text("key-popularity")
			c.array(2)
			c.text("key:123")
			c.int(90)
		}
		c.text("Some real reply following the attribute")
	case "push":
		if c.resp < 3 {
			c.err("ERR RESP2 is not supported by this command")
			return
		}
		c.push(2)
		c.text("server-cpu-usage")
		c.int(42)
	case "true":
		debugBool(c, true)
	case "false":
		debugBool(c, false)
	case "verbatim":
		c.verbatim([]byte("This is a verbatim\nstring"))
	case "bignum":
		const digits = "1234567999999999999999999999999999999"
		if c.resp == 3 {
			c.Out = resp.AppendBigNumber(c.Out, digits)
		} else {
			c.text(digits)
		}
	default:
		c.err("ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
	}
}

func debugBool(c *Client, v bool) {
	if c.resp == 3 {
		c.Out = resp.AppendBool(c.Out, v)
	} else {
		c.int(int64(b2i(v)))
	}
}
