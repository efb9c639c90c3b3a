package table

import "testing"

func TestOption(t *testing.T) {
	for arg, want := range map[string]string{
		"EX": "ex", "eX\x00": "ex", "EX\x00abc": "ex", "\x00EX": "", "": "",
		"STREAM\u017f": "stream\u017f", "\u212aEYS": "\u212aeys", "B\xc4": "b\xc4", // a letter of another alphabet stays itself
	} {
		if got := Option([]byte(arg)); got != want {
			t.Errorf("Option(%q) = %q, want %q", arg, got, want)
		}
		if !IsOption([]byte(arg), want) {
			t.Errorf("IsOption(%q, %q) is false", arg, want)
		}
	}
	for _, name := range []string{"e", "exa", "px", ""} {
		if IsOption([]byte("EX\x00a"), name) {
			t.Errorf("EX is taken for %q", name)
		}
	}
	if keys := Lookup([][]byte{[]byte("XREAD")}).Keys([][]byte{[]byte("XREAD"), []byte("streams\x00x"), []byte("k"), []byte("0")}, nil); len(keys) != 1 || keys[0].Pos != 2 {
		t.Errorf("keys of XREAD: %v", keys)
	}
}
