package cluster

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// cloneRand is another generator with the same future.
func cloneRand(t testing.TB, r *rand.PCG) *rand.PCG {
	t.Helper()
	state, err := r.MarshalBinary()
	c := new(rand.PCG)
	if err == nil {
		err = c.UnmarshalBinary(state)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// memory collects, with the path that leads there, all that can be changed behind a value: what pointers, maps and slices refer to.
type memory map[uintptr]string

func (m memory) walk(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || m[v.Pointer()] != "" {
			return
		}
		m[v.Pointer()] = path
		m.walk(path, v.Elem())
	case reflect.Interface:
		m.walk(path, v.Elem())
	case reflect.Map:
		if v.IsNil() || m[v.Pointer()] != "" {
			return
		}
		m[v.Pointer()] = path
		for it := v.MapRange(); it.Next(); {
			m.walk(fmt.Sprintf("%s[%v]", path, it.Key()), it.Value())
		}
	case reflect.Slice:
		if v.Cap() == 0 {
			return
		}
		m[v.Pointer()] = path
		fallthrough
	case reflect.Array:
		switch v.Type().Elem().Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Struct:
			for i := range v.Len() {
				m.walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			m.walk(path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}

// shared are the paths at which two nodes refer to the same memory.
func shared(a, b *Node) (paths []string) {
	ma, mb := memory{}, memory{}
	ma.walk("", reflect.ValueOf(a))
	mb.walk("", reflect.ValueOf(b))
	for at, path := range mb {
		if ma[at] != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// A clone of a node in the middle of a cluster shares nothing with it, and what happens to one does not happen to the other.
func TestCloneSharesNothing(t *testing.T) {
	net := newNet(t, 5)
	net.meet()
	net.shareSlots(3)
	net.run(3000)
	n := net.hosts[0].n
	for _, ev := range []Event{
		Admin{Request: SetSlot{Slot: 1, Action: SetSlotMigrating, Node: string(net.hosts[1].n.myself.id[:])}},
		Admin{Request: SetSlot{Slot: 16000, Action: SetSlotImporting, Node: string(net.hosts[2].n.myself.id[:])}},
		Report{SendQueues: []SendQueue{{Link: n.peers[1].out.id, Bytes: 5}}},
	} {
		if err := n.Step(net.now, ev); err != nil {
			t.Fatal(err)
		}
	}
	n.Ready()
	if len(n.migrating) != 1 || len(n.importing) != 1 || len(n.queued) != 1 || len(n.links) < 8 {
		t.Fatalf("the node has too little to clone: %d, %d, %d, %d", len(n.migrating), len(n.importing), len(n.queued), len(n.links))
	}
	before := string(n.AppendConfig(nil))
	c := n.Clone(rand.NewPCG(9, 9))
	if paths := shared(n, c); len(paths) > 0 {
		t.Errorf("the clone shares %q", paths)
	}
	if got := string(c.AppendConfig(nil)); got != before {
		t.Errorf("the clone is %s\nnot %s", got, before)
	}
	if err := c.Step(net.now, Admin{Request: Reset{Hard: true}}); err != nil {
		t.Fatal(err)
	}
	c.Ready()
	if got := string(n.AppendConfig(nil)); got != before {
		t.Errorf("a reset of the clone changed the node to %s\nfrom %s", got, before)
	}
}

func BenchmarkClone(b *testing.B) {
	net := newNet(b, 6)
	net.meet()
	net.shareSlots(6)
	net.run(3000)
	b.ReportAllocs()
	for b.Loop() {
		net.hosts[0].n.Clone(rand.NewPCG(1, 1))
	}
}
