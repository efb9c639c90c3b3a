package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMemberRows(t *testing.T) {
	rows, rank := memberRows("idb 127.0.0.1:2@3,h.example myself,master - 0 0 12 connected 5-9 [7->-ida]\n" +
		"ida 127.0.0.1:1@2 slave,fail? idb 10 20 9 disconnected\nidc 127.0.0.1:4@5 master - 0 0 12 connected 0 2-3\n")
	want := [][]string{
		{"idb", "127.0.0.1:2@3,h.example", "master", "-", "12", "5-9"},
		{"ida", "127.0.0.1:1@2", "slave,fail?", "idb", "9"},
		{"idc", "127.0.0.1:4@5", "master", "-", "12", "0", "2-3"},
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"9": 1, "12": 2}, rank); d != "" {
		t.Error(d)
	}
}
