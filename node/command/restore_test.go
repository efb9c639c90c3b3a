package command

import (
	"strings"
	"testing"
)

// The payloads were made by DUMP of redis 8.6.3.
var dumps = []struct{ value, payload string }{
	{"", "\x00\x00\x0d\x00\xff2\xd5\xf3\x08\xca\xd5\x1a"},
	{"bar", "\x00\x03bar\x0d\x00D\x17\xc0\xd3\xe9\xd3\x8a\xd7"},
	{"12", "\x00\xc0\x0c\x0d\x00\x9e\x83q\xe2[\xb1\xcb\x15"},
	{"-300", "\x00\xc1\xd4\xfe\x0d\x00dm\x0f\x90\xf9\x0b\xa9\xee"},
	{"70000", "\x00\xc2p\x11\x01\x00\x0d\x00\xa3\x0d\x81M\x92\x85\xe2e"},
	{"12345678901", "\x00\x0b12345678901\x0d\x00\x92\xe7\xdbd \xa2\x12\xd0"},
	{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", "\x00\xc3\x09@G\x01xx\xe0:\x00\x01xy\x0d\x00\x06\xa6\xc4\x87\x16\xb8v\x0e"},
	{"abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc", "\x00\xc3\x0eAh\x03abca\xe0\xff\x02\xe1Q\x07\x01bc\x0d\x00wQ?Y\xee\xc7*U"},
}

func TestRestore(t *testing.T) {
	r := newRig(t)
	for _, d := range dumps {
		c := r.client("a")
		r.e.Execute(c, [][]byte{[]byte("RESTORE"), []byte("b"), []byte("0"), []byte(d.payload), []byte("REPLACE")})
		if got := r.take("a"); got != "+OK\r\n" {
			t.Fatalf("%q: %q", d.value, got)
		}
		if o := r.e.DB.Peek([]byte("b"), r.now); o == nil || string(o.Str) != d.value {
			t.Errorf("want %q, got %v", d.value, o)
		}
		for i := range d.payload {
			bad := d.payload[:i] + string(d.payload[i]^1) + d.payload[i+1:]
			r.e.Execute(c, [][]byte{[]byte("RESTORE"), []byte("b"), []byte("0"), []byte(bad), []byte("REPLACE")})
			if got := r.take("a"); got != "-ERR DUMP payload version or checksum are wrong\r\n" {
				t.Fatalf("byte %d of %q flipped: %q", i, d.value, got)
			}
		}
	}
}

// TestRDBStringRefuses feeds every truncation of a compressed string.
func TestRDBStringRefuses(t *testing.T) {
	body := dumps[len(dumps)-1].payload
	body = body[1 : len(body)-10]
	if _, ok := rdbString([]byte(body)); !ok {
		t.Fatal("the whole string is refused")
	}
	for i := range body {
		if v, ok := rdbString([]byte(body[:i])); ok {
			t.Errorf("%d bytes of %d give %q", i, len(body), v)
		}
	}
	if !strings.HasPrefix(body, "\xc3") {
		t.Error("the last payload is not compressed")
	}
}
