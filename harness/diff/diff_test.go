package diff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestFirst(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ want, got, say string }{
		{"a\nb", "a\nb", "no difference"},
		{"-MOVED 866 $p.addr", "-MOVED 867 $p.addr", "line 1: want -MOVED 866 $p.addr, got -MOVED 867 $p.addr"},
		{"a\nb\nc", "a\nx\ny", "line 2: want b, got x"},
		{"a\nb", "a", "line 2: want b, got the end"},
		{"a", "a\nb", "line 2: want the end, got b"},
		{"", "a", "line 1: want nothing, got a"},
		{"a", "", "line 1: want a, got nothing"},
		{"a\n", "a\nb", "line 2: want an empty line, got b"},
		{"\xff", "\\xff", `line 1: want \xff, got \\xff`},
		{
			long + "A" + long, long + "B" + long,
			"line 1: want ..." + strings.Repeat("x", 24) + "A" + strings.Repeat("x", 47) + "..., got ..." +
				strings.Repeat("x", 24) + "B" + strings.Repeat("x", 47) + "...",
		},
	} {
		if got := First(lines(c.want), lines(c.got)).String(); got != c.say {
			t.Errorf("First(%.40q, %.40q):\n got %s\nwant %s", c.want, c.got, got, c.say)
		}
		if d := Compare(lines(c.want), lines(c.got)); (d == nil) != (c.say == "no difference") {
			t.Errorf("Compare(%.40q, %.40q) = %v", c.want, c.got, d)
		}
	}
}

const wantText = `one
two
three
four
$a.id $a.addr@$a.cport myself,master - <ms> <ms> 0 connected 0-8191
$p.id $p.addr@$p.cport master - <ms> <ms> 1 connected 8192-16383
cluster_state:ok`

const gotText = `one
two
three
four
$a.id $a.addr@$a.cport myself,master - <ms> <ms> 5 connected 0-8191
$p.id $p.addr@$p.cport master - <ms> <ms> 1 connected 8193-16383
cluster_state:ok
one line more`

func TestRenderPlain(t *testing.T) {
	const want = `  ... line 2
  two
  three
  four
- $a.id $a.addr@$a.cport myself,master - <ms> <ms> 0 connected 0-8191
                                                   ^
+ $a.id $a.addr@$a.cport myself,master - <ms> <ms> 5 connected 0-8191
                                                   ^
- $p.id $p.addr@$p.cport master - <ms> <ms> 1 connected 8192-16383
                                                           ^
+ $p.id $p.addr@$p.cport master - <ms> <ms> 1 connected 8193-16383
                                                           ^
  cluster_state:ok
+ one line more
`
	d := Compare(lines(wantText), lines(gotText))
	if x := cmp.Diff(want, d.Render(Plain)); x != "" {
		t.Errorf("Render(Plain) (-want +got):\n%s", x)
	}
	if f := d.First(); f.Line != 5 {
		t.Errorf("First = %v", f)
	}
}

func TestRenderColour(t *testing.T) {
	d := Compare([]string{":1"}, []string{"-ERR no"})
	if got, want := d.Render(Colour), "\x1b[31m- \x1b[0m\x1b[31m:1\x1b[0m\n\x1b[32m+ \x1b[0m\x1b[32m-ERR no\x1b[0m\n"; got != want {
		t.Errorf("lines without anything in common: %q, want %q", got, want)
	}
	d = Compare([]string{"cluster_size:1"}, []string{"cluster_size:2"})
	if got, want := d.Render(Colour), "\x1b[31m- \x1b[0m\x1b[31mcluster_size:\x1b[0m\x1b[1;7;31m1\x1b[0m\n"+
		"\x1b[32m+ \x1b[0m\x1b[32mcluster_size:\x1b[0m\x1b[1;7;32m2\x1b[0m\n"; got != want {
		t.Errorf("one changed byte: %q, want %q", got, want)
	}
}

// TestRowsHoldBothTexts puts both texts together again from rows with enough context.
func TestRowsHoldBothTexts(t *testing.T) {
	for _, c := range [][2]string{{wantText, gotText}, {gotText, wantText}, {"", "a"}, {"a\nb", ""}, {"a\nb\nc", "c\nb\na"}, {"\xfe", "\xff"}, {"a\xffb", "a\\xffb"}} {
		want, got := lines(c[0]), lines(c[1])
		var haveWant, haveGot []string
		for _, r := range Compare(want, got).Rows(1 << 20) {
			if r.Side != Got {
				haveWant = append(haveWant, r.Text())
				if r.Line != len(haveWant) {
					t.Errorf("%q: want's row %d has number %d", c, len(haveWant), r.Line)
				}
			}
			if r.Side != Want {
				haveGot = append(haveGot, r.Text())
			}
		}
		esc := escaper(want, got)
		if d := cmp.Diff(join(escapeAll(esc, want)), join(haveWant)); d != "" {
			t.Errorf("%q: the rows of want (-want +got):\n%s", c, d)
		}
		if d := cmp.Diff(join(escapeAll(esc, got)), join(haveGot)); d != "" {
			t.Errorf("%q: the rows of got (-want +got):\n%s", c, d)
		}
		if join(haveWant) == join(haveGot) {
			t.Errorf("%q: texts that differ look the same", c)
		}
	}
}

func TestUnified(t *testing.T) {
	const want = `--- recorded
+++ target
@@ -2,6 +2,7 @@
 two
 three
 four
-$a.id $a.addr@$a.cport myself,master - <ms> <ms> 0 connected 0-8191
-$p.id $p.addr@$p.cport master - <ms> <ms> 1 connected 8192-16383
+$a.id $a.addr@$a.cport myself,master - <ms> <ms> 5 connected 0-8191
+$p.id $p.addr@$p.cport master - <ms> <ms> 1 connected 8193-16383
 cluster_state:ok
+one line more
`
	d := Compare(lines(wantText), lines(gotText))
	if x := cmp.Diff(want, d.Unified("recorded", "target")); x != "" {
		t.Errorf("Unified (-want +got):\n%s", x)
	}
}

func TestLongLinesAreMarkedByTheirEnds(t *testing.T) {
	pad := strings.Repeat("ab", longLine)
	wants, gots := inside(pad+"X"+pad, pad+"YZ"+pad)
	if len(wants) != 3 || wants[1] != (Span{"X", true}) || len(gots) != 3 || gots[1] != (Span{"YZ", true}) {
		t.Errorf("marked %d and %d spans", len(wants), len(gots))
	}
	wants, gots = inside(pad+pad, pad)
	if len(wants) != 2 || !wants[1].Changed || len(gots) != 1 || gots[0].Changed {
		t.Errorf("a line twice as long: marked %d and %d spans", len(wants), len(gots))
	}
}
