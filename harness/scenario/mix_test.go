package scenario

import (
	"slices"
	"strings"
	"testing"
)

// mixHead is a case of three nodes and a puppet without its mixes.
var mixHead = strings.Replace(head, "node a\n----\nok\n\n", "node a\n----\nok\n\nnode b x=1\n----\nok\n\nnode c\n----\nok\n\n", 1)

func withMixes(mixes string) string {
	return strings.Replace(mixHead, "source: ", "mixes:    "+mixes+"\nsource: ", 1)
}

func caseNames(list []*Case) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Name())
	}
	return strings.Join(out, " ")
}

func TestVariants(t *testing.T) {
	c := mustParse(t, withMixes("a a,c"))
	if got := string(Format(c)); !strings.Contains(got, "\nmixes:    a a,c\n") {
		t.Errorf("the header key is not written:\n%s", got)
	}
	list := c.Variants()
	if got, want := caseNames(list), "x/y@oracle=a x/y@oracle=a,c"; got != want {
		t.Fatalf("variants are %s, want %s", got, want)
	}
	v := list[1]
	text := string(Format(v))
	for _, want := range []string{"node a make=oracle\n", "node b x=1\n", "node c make=oracle\n", "puppet p\n"} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("the variant lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "mixes:") {
		t.Errorf("the variant has mixes of its own:\n%s", text)
	}
	for i, s := range v.Sections[0].Steps {
		if base := c.Sections[0].Steps[i]; s.Line != base.Line || base.FromOracle() {
			t.Errorf("step %d: line %d of %d, the file's own step is changed: %v", i, s.Line, base.Line, base.Text())
		}
	}
	if again := mustParse(t, text); len(again.Variants()) != 1 || !again.Sections[0].Steps[0].FromOracle() {
		t.Error("the text of a variant does not stand for itself")
	}
	if files := Files(append(list, c)); len(files) != 1 || files[0] != c {
		t.Errorf("the variants are of %d files", len(files))
	}
	if got, want := caseNames(c.EveryVariant()), "x/y@oracle=a x/y@oracle=b x/y@oracle=c x/y@oracle=a,b x/y@oracle=a,c x/y@oracle=b,c"; got != want {
		t.Errorf("every variant is %s, want %s", got, want)
	}
	plain := mustParse(t, mixHead)
	if got := MixesAll.Of([]*Case{plain, c}); len(got) != 7 || got[0] != plain {
		t.Errorf("a case without mixes is played as %s", caseNames(got[:1]))
	}
	if file, mix := SplitMix(v.Name()); file != "x/y" || mix != "a,c" {
		t.Errorf("%s is split into %q and %q", v.Name(), file, mix)
	}
}

func TestSelectVariants(t *testing.T) {
	list := MixesListed.Of([]*Case{mustParse(t, withMixes("a b,c")), {Path: "x/z.case"}})
	for pattern, want := range map[string]string{
		"x/y":            "x/y@oracle=a x/y@oracle=b,c",
		"y":              "x/y@oracle=a x/y@oracle=b,c",
		"x/?":            "x/y@oracle=a x/y@oracle=b,c x/z",
		"x/y@oracle=b,c": "x/y@oracle=b,c",
		"x/*@oracle=a":   "x/y@oracle=a",
		"y@oracle=a":     "x/y@oracle=a",
		"E003":           "x/y@oracle=a x/y@oracle=b,c",
	} {
		got, err := Select(list, []string{pattern})
		if err != nil || caseNames(got) != want {
			t.Errorf("%q selects %q (%v), want %q", pattern, caseNames(got), err, want)
		}
	}
	if _, err := Select(list, []string{"x/y@oracle=b"}); err == nil || !strings.Contains(err.Error(), "near: ") {
		t.Errorf("a mix that is not there: %v", err)
	}
}

func TestMistakesOfMixes(t *testing.T) {
	for mixes, want := range map[string]string{
		"a,d":     `mix a,d: the case starts no node "d" (nodes: a b c)`,
		"p":       `mix p: the case starts no node "p"`,
		"a,":      `mix a,: the case starts no node ""`,
		"a b a":   "mix a stands twice",
		"a,c,b":   "mix a,c,b: the nodes of a mix stand in the order in which they start",
		"a,a":     "mix a,a: a node stands twice",
		"b a,b,c": "mix a,b,c leaves no node to the target",
	} {
		_, err := Parse("x/y.case", []byte(withMixes(mixes)))
		if err == nil || !strings.Contains(err.Error(), "x/y.case:6: "+want) {
			t.Errorf("mixes: %s: %v\nwant %s", mixes, err, want)
		}
	}
	src := strings.Replace(withMixes("a"), "node b", "node b make=oracle", 1)
	if _, err := Parse("x/y.case", []byte(src)); err == nil || !strings.Contains(err.Error(), "node b: make= and the header key mixes exclude each other") {
		t.Errorf("mixes beside make=: %v", err)
	}
	if !slices.Contains(HeaderKeys(), "mixes") {
		t.Error("mixes is no header key")
	}
}
