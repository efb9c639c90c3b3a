package commands

import "testing"

func TestChannelOrder(t *testing.T) {
	message := func(channel, count string) string {
		return "*3\r\n$12\r\nsunsubscribe\r\n$1\r\n" + channel + "\r\n:" + count + "\r\n"
	}
	published := func(pattern, text string) string {
		return ">4\r\n$8\r\npmessage\r\n$1\r\n" + pattern + "\r\n$1\r\nc\r\n$1\r\n" + text + "\r\n"
	}
	order := func(frames ...string) string {
		var raw []byte
		var ends []int
		for _, f := range frames {
			raw = append(raw, f...)
			ends = append(ends, len(raw))
		}
		out, ends := inChannelOrder(raw, ends)
		if len(ends) != len(frames) || ends[len(ends)-1] != len(out) {
			t.Fatalf("%q: ends %v", frames, ends)
		}
		return string(out)
	}
	for _, tc := range [][2]string{
		{order(message("b", "2"), message("a", "1"), "+PONG\r\n"), message("a", "2") + message("b", "1") + "+PONG\r\n"},
		{order(message("b", "2"), "+PONG\r\n", message("a", "1")), message("b", "2") + "+PONG\r\n" + message("a", "1")},
		{order(published("b", "1"), published("a", "1"), published("a", "2")), published("a", "1") + published("b", "1") + published("a", "2")},
		{order("+PONG\r\n"), "+PONG\r\n"},
	} {
		if tc[0] != tc[1] {
			t.Errorf("%q, want %q", tc[0], tc[1])
		}
	}
}
