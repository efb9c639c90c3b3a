package store

import "slices"

// Dict is a map of fields that remembers the order of insertion, which is what
// a small set or hash of Redis shows.
type Dict struct {
	index map[string]int
	names []string
	vals  [][]byte
}

// NewDict returns an empty Dict.
func NewDict() *Dict { return &Dict{index: map[string]int{}} }

// Len returns the number of fields.
func (d *Dict) Len() int { return len(d.names) }

// Get returns the value of a field.
func (d *Dict) Get(name []byte) ([]byte, bool) {
	i, ok := d.index[string(name)]
	if !ok {
		return nil, false
	}
	return d.vals[i], true
}

// Set stores a copy of name and value and reports whether the field is new.
func (d *Dict) Set(name, val []byte) bool {
	if i, ok := d.index[string(name)]; ok {
		d.vals[i] = slices.Clone(val)
		return false
	}
	n := string(name)
	d.index[n] = len(d.names)
	d.names = append(d.names, n)
	d.vals = append(d.vals, slices.Clone(val))
	return true
}

// Delete removes a field and reports whether it was there.
func (d *Dict) Delete(name []byte) bool {
	i, ok := d.index[string(name)]
	if !ok {
		return false
	}
	delete(d.index, string(name))
	d.names = slices.Delete(d.names, i, i+1)
	d.vals = slices.Delete(d.vals, i, i+1)
	for j := i; j < len(d.names); j++ {
		d.index[d.names[j]] = j
	}
	return true
}

// Sort puts the fields in the order of less.
func (d *Dict) Sort(less func(a, b string) int) {
	slices.SortFunc(d.names, less) // only sets are sorted, whose values are all nil
	for i, n := range d.names {
		d.index[n] = i
	}
}

// All calls f for every field in order.
func (d *Dict) All(f func(name string, val []byte)) {
	for i, n := range d.names {
		f(n, d.vals[i])
	}
}

// Clone returns a deep copy.
func (d *Dict) Clone() *Dict {
	c := NewDict()
	d.All(func(n string, v []byte) { c.Set([]byte(n), v) })
	return c
}

// Clone returns a deep copy of a value, without its key and expiry.
func (o *Object) Clone() *Object {
	c := &Object{Kind: o.Kind, Str: slices.Clone(o.Str), Encoding: o.Encoding}
	for _, it := range o.Items {
		c.Items = append(c.Items, slices.Clone(it))
	}
	if o.Dict != nil {
		c.Dict = o.Dict.Clone()
	}
	if o.ZSet != nil {
		c.ZSet = o.ZSet.Clone()
	}
	return c
}
