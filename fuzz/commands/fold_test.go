package commands

import "testing"

func TestFoldTakesWholeWords(t *testing.T) {
	f := folder{"7000": "$a.port", "17000": "$a.cport", "abc7000": "$a.id"}
	for text, want := range map[string]string{
		"abc7000 127.0.0.1:7000@17000 myself": "$a.id 127.0.0.1:$a.port@$a.cport myself",
		"-MOVED 70 127.0.0.1:7000":            "-MOVED 70 127.0.0.1:$a.port",
		":1795799417000":                      ":1795799417000",
		"e7000f":                              "e7000f",
	} {
		if got := f.replace(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
