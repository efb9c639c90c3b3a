package bus_test

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"testing"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// offsetStructs says, for each struct of the offset table, which packet shows it, where it begins there and
// which Go value it is.
var offsetStructs = map[string]struct {
	capture string
	base    int
	value   func(*bus.Packet) any
	goField []string // fields of the Go value that are not in the table
}{
	"clusterMsg":            {"handmade_unknown", 0, func(p *bus.Packet) any { return &p.Header }, nil},
	"clusterMsgDataGossip":  {"ping_full", 2256, func(p *bus.Packet) any { return &p.Body.(*bus.Ping).Gossip[0] }, nil},
	"clusterMsgPingExt":     {"ping_full", 2256 + 3*104, func(p *bus.Packet) any { return &p.Body.(*bus.Ping).Exts[0] }, nil},
	"clusterMsgDataFail":    {"fail", 2256, func(p *bus.Packet) any { return p.Body }, nil},
	"clusterMsgDataPublish": {"publish", 2256, func(p *bus.Packet) any { return p.Body }, []string{"Message"}},
	"clusterMsgDataUpdate":  {"update", 2256, func(p *bus.Packet) any { return p.Body }, nil},
	"clusterMsgModule":      {"handmade_module", 2256, func(p *bus.Packet) any { return p.Body }, nil},
}

type offsetRow struct {
	strukt, field, goField string
	offset, size           int
}

func offsetRows(t *testing.T) []offsetRow {
	var rows []offsetRow
	for line := range strings.Lines(fixture.Offsets()) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) != 6 {
			t.Fatalf("offsets.txt: %q has %d columns", line, len(f))
		}
		off, err1 := strconv.Atoi(f[2])
		size, err2 := strconv.Atoi(f[3])
		if err1 != nil || err2 != nil {
			t.Fatalf("offsets.txt: %q", line)
		}
		rows = append(rows, offsetRow{strukt: f[0], field: f[1], goField: f[4], offset: off, size: size})
	}
	return rows
}

// Every byte of the table's field changes the Go field of the same row and nothing else. A length, which has
// no Go field, makes the packet fail.
func TestCodecAgreesWithTheOffsetTable(t *testing.T) {
	rows := offsetRows(t)
	for _, row := range rows {
		s, ok := offsetStructs[row.strukt]
		if !ok {
			t.Errorf("no packet shows struct %s", row.strukt)
			continue
		}
		if row.goField == "Body" {
			if row.offset != bus.HeaderLen {
				t.Errorf("the body begins at %d, HeaderLen is %d", row.offset, bus.HeaderLen)
			}
			continue
		}
		t.Run(row.strukt+"."+row.field, func(t *testing.T) {
			frame := fixture.Get(s.capture).Frame
			for i := range max(row.size, 1) {
				checkByte(t, frame, s.base+row.offset+i, row.goField, s.value)
			}
		})
	}
}

// checkByte flips the byte at off and demands that only the named field follows.
func checkByte(t *testing.T, frame []byte, off int, field string, value func(*bus.Packet) any) {
	t.Helper()
	flipped := bytes.Clone(frame)
	flipped[off] ^= 0x10
	before := mustParse(t, frame)
	after, err := bus.Parse(flipped)
	switch field {
	case "-", "TotLen", "Length":
		if err == nil {
			t.Fatalf("byte %d: a wrong length parses", off)
		}
		return
	case "Type":
		if err != nil || value(after) == nil || reflect.TypeOf(value(after)) != reflect.TypeOf(value(before)) {
			t.Fatalf("byte %d: %v", off, err)
		}
	}
	if err != nil {
		t.Fatalf("byte %d: %v", off, err)
	}
	a, b := reflect.ValueOf(value(before)).Elem(), reflect.ValueOf(value(after)).Elem()
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		same := reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface())
		if same != (name != field) {
			t.Errorf("byte %d is of %s; field %s changed: %v", off, field, name, !same)
		}
	}
}

// The table has every Go field, and the fields of a struct follow one another without a gap.
func TestOffsetTableIsComplete(t *testing.T) {
	next := make(map[string]int)
	have := make(map[string]map[string]bool)
	for _, row := range offsetRows(t) {
		if row.offset != next[row.strukt] {
			t.Errorf("%s.%s begins at %d, the field before it ends at %d", row.strukt, row.field, row.offset, next[row.strukt])
		}
		next[row.strukt] = row.offset + row.size
		if have[row.strukt] == nil {
			have[row.strukt] = make(map[string]bool)
		}
		have[row.strukt][row.goField] = true
	}
	for name, s := range offsetStructs {
		v := reflect.TypeOf(s.value(mustParse(t, fixture.Get(s.capture).Frame))).Elem()
		for field := range v.Fields() {
			field := field.Name
			listed := have[name][field]
			for _, known := range s.goField {
				listed = listed || known == field
			}
			if !listed {
				t.Errorf("field %s of %s is not in the table", field, v)
			}
		}
	}
	if got := next["clusterMsgDataGossip"]; got != bus.GossipLen {
		t.Errorf("the table's gossip entry has %d bytes, GossipLen is %d", got, bus.GossipLen)
	}
}
