package main

import (
	"fmt"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// handmade is what must have a fixture and is never sent by Redis 8.6.
var handmade = []struct {
	name, how    string
	words, lines []string
}{
	{
		name:  "handmade_module",
		how:   "only a module that calls RedisModule_SendClusterMessage makes Redis send MODULE, and none comes with it",
		words: []string{"MODULE", "mflags=ext", "module.id=0102030405060708", "module.type=7", `module.payload="hello\x00module"`},
	},
	{
		name:  "handmade_flags",
		how:   "nodes with these flags are kept out of gossip by clusterSendPing",
		words: []string{"PING", "mflags=ext"},
		lines: []string{
			"gossip " + puppet.ID(0, "h").String() + " addr=127.0.0.1:7001@17001 pport=0 flags=handshake ping=1700000000 pong=0",
			"gossip " + puppet.ID(0, "n").String() + " addr=:0@0 pport=0 flags=master,noaddr ping=0 pong=1700000000",
		},
	},
	{
		name:  "handmade_unknown",
		how:   "Redis 8.6 has no type 11",
		words: []string{"TYPE11"},
		lines: []string{"raw 00112233445566778899aabbccddeeff"},
	},
}

// writeHandmade builds the handmade fixtures.
func writeHandmade(dir string) error {
	tmpl := bus.Header{
		Sender: puppet.ID(0, "p"), Port: 7000, CPort: 17000, CurrentEpoch: 3, ConfigEpoch: 2,
		Flags: bus.FlagMaster | bus.FlagMyself,
	}
	for _, h := range handmade {
		frame, err := bus.Build(tmpl, h.words, h.lines)
		if err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
		if err := (capture{name: h.name, how: h.how, frame: frame}).write(dir, "handmade"); err != nil {
			return err
		}
	}
	return nil
}
