package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const examplePath = "redirect/moved_after_claim.case"

func example(t testing.TB) []byte {
	t.Helper()
	src, err := os.ReadFile("../../cases/" + examplePath)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func mustParse(t testing.TB, src string) *Case {
	t.Helper()
	c, err := Parse("x/y.case", []byte(src))
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, src)
	}
	return c
}

// head is a valid header with two actors declared. It is 14 lines long, so that
// text put after it starts on line 15.
const head = `scenario: FR-P2C-007-E003
contract: B03
anchors:  A03
class:    normal
reason:   cluster.redirect_reply_contract_violation
source:   cluster.c

node a
----
ok

puppet p
----
ok

`

func TestExample(t *testing.T) {
	c, err := Parse(examplePath, example(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Name(), "redirect/moved_after_claim"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	if got := c.Deadline(); got != 30*time.Second {
		t.Errorf("deadline %v", got)
	}
	if got, want := c.Header.Anchors, []string{"A03", "A04", "A12", "A21"}; !cmp.Equal(got, want) {
		t.Errorf("anchors %v", got)
	}
	if len(c.Sections) != 5 || len(c.Comments) != 6 {
		t.Errorf("%d sections, %d comment lines", len(c.Sections), len(c.Comments))
	}
	var meet, get *Step
	n := 0
	for title, s := range c.Steps() {
		n++
		if s.Text() == "a CLUSTER MEET $p.ip $p.port $p.cport" {
			meet = s
		}
		if s.Text() == "a GET foo" {
			get = s
			if title != "MOVED names the owner that the bus announced" {
				t.Errorf("title %q", title)
			}
		}
	}
	if n != 23 {
		t.Errorf("%d steps", n)
	}
	if meet == nil || get == nil {
		t.Fatal("steps not found")
	}
	if want := (Word{Parts: []Part{{Ref: Ref{"p", "ip"}}}}); !cmp.Equal(meet.Words[2], want) {
		t.Errorf("third word %+v", meet.Words[2])
	}
	if get.Comment != "slot 12182" || get.Line != 53 {
		t.Errorf("comment %q, line %d", get.Comment, get.Line)
	}
	if got := string(Format(c)); got != string(example(t)) {
		t.Errorf("example is not canonical:\n%s", cmp.Diff(string(example(t)), got))
	}
}

func TestWords(t *testing.T) {
	ref := func(n, f string) Part { return Part{Ref: Ref{n, f}} }
	lit := func(s string) Part { return Part{Lit: s} }
	for _, tc := range []struct {
		in    string
		want  []Word
		canon string // "" means in
	}{
		{`GET foo`, Words("GET", "foo"), ""},
		{"GET \t foo ", Words("GET", "foo"), `GET foo`},
		{`SET k ""`, Words("SET", "k", ""), ""},
		{`SET k ''`, Words("SET", "k", ""), `SET k ""`},
		{`"a b" 'c d'`, Words("a b", "c d"), `"a b" "c d"`},
		{`"\x00\xff\n\r\t\a\b"`, Words("\x00\xff\n\r\t\a\b"), ""},
		{`"\x4G\q"`, Words("x4Gq"), `x4Gq`},
		{`'\x00\'"'`, Words(`\x00'"`), `"\\x00'\""`},
		{`'return "x"'`, Words(`return "x"`), ""},
		{`back\slash`, Words(`back\slash`), ""},
		{`k="a b"c`, Words("k=a bc"), `"k=a bc"`},
		{`$a.id`, []Word{{Parts: []Part{ref("a", "id")}}}, ""},
		{`$a.addr@$a.cport`, []Word{{Parts: []Part{ref("a", "addr"), lit("@"), ref("a", "cport")}}}, ""},
		{`${a.id}x`, []Word{{Parts: []Part{ref("a", "id"), lit("x")}}}, ""},
		{`${a.id}-`, []Word{{Parts: []Part{ref("a", "id"), lit("-")}}}, `$a.id-`},
		{`"$a.id b"`, []Word{{Parts: []Part{ref("a", "id"), lit(" b")}}}, ""},
		{`"\$a.id"`, Words("$a.id"), `'$a.id'`},
		{`'$a.id'`, Words("$a.id"), ""},
		{`$ $a $1.id ${a.id`, []Word{Lit("$"), Lit("$a"), Lit("$1.id"), Lit("${a.id")}, ""},
		{`INFO | x`, []Word{Lit("INFO"), {Pipe: true}, Lit("x")}, ""},
		{`"|" a|b`, Words("|", "a|b"), ""},
		{`"#" a#b`, Words("#", "a#b"), ""},
		{`é`, Words("é"), ""},
		{`  `, nil, ``},
	} {
		got, comment, err := ParseWords(tc.in)
		if err != nil || comment != "" || !cmp.Equal(got, tc.want) {
			t.Errorf("ParseWords(%q) = %+v, %q, %v\nwant %+v", tc.in, got, comment, err, tc.want)
			continue
		}
		var text []string
		for _, w := range got {
			text = append(text, w.String())
		}
		want := tc.canon
		if want == "" && len(tc.want) > 0 {
			want = tc.in
		}
		if g := strings.Join(text, " "); g != want {
			t.Errorf("format of %q is %q, want %q", tc.in, g, want)
		}
	}
	for in, col := range map[string]int{`GET "x`: 5, `GET 'x`: 5, `k="x\"`: 3, `"\`: 1} {
		_, _, err := ParseWords(in)
		var e *Error
		if !errors.As(err, &e) || e.Col != col || !strings.Contains(e.Msg, "unterminated") {
			t.Errorf("ParseWords(%q): %v", in, err)
		}
	}
	words, comment, err := ParseWords(`GET x # why`)
	if err != nil || len(words) != 2 || comment != "why" {
		t.Errorf("comment: %v %q %v", words, comment, err)
	}
}

func TestWordUse(t *testing.T) {
	lookup := func(r Ref) (string, error) {
		if r.Name == "no" {
			return "", errors.New("no such name")
		}
		return "<" + r.Name + r.Field + ">", nil
	}
	words, _, err := ParseWords(`addr=$a.addr plain =x $a.id=1 k=`)
	if err != nil {
		t.Fatal(err)
	}
	k, v, ok := words[0].KeyValue()
	got, err := v.Expand(lookup)
	if k != "addr" || !ok || got != "<aaddr>" || err != nil {
		t.Errorf("KeyValue: %q %q %v %v", k, got, ok, err)
	}
	for _, w := range words[1:4] {
		if _, _, ok := w.KeyValue(); ok {
			t.Errorf("%s is no key=value", w)
		}
	}
	if k, v, ok := words[4].KeyValue(); k != "k" || len(v.Parts) != 0 || !ok {
		t.Errorf("k=: %q %v %v", k, v, ok)
	}
	line, err := ExpandText("  gossip $a.id addr=${a.ip}:$ 5", lookup)
	if line != "  gossip <aid> addr=<aip>:$ 5" || err != nil {
		t.Errorf("ExpandText: %q %v", line, err)
	}
	if _, err := ExpandText("x $no.id", lookup); err == nil || err.Error() != "column 3: no such name" {
		t.Errorf("ExpandText error: %v", err)
	}
	words, _, _ = ParseWords("CLUSTER INFO | a b")
	before, fields := SplitPipe(words)
	if len(before) != 2 || !cmp.Equal(fields, []string{"a", "b"}) {
		t.Errorf("SplitPipe: %v %v", before, fields)
	}
	if _, fields := SplitPipe(before); fields != nil {
		t.Errorf("no pipe, yet fields %v", fields)
	}
}

func TestMistakes(t *testing.T) {
	const file = "x/y.case"
	for _, tc := range []struct{ name, src, want string }{
		{"unknown key", strings.Replace(head, "class:", "clas:", 1), `x/y.case:4:1: unknown header key "clas" (did you mean "class"?)`},
		{"unknown far key", strings.Replace(head, "class:", "colour:", 1), `4:1: unknown header key "colour" (keys: scenario contract`},
		{"missing key", strings.Replace(head, "source:   cluster.c\n", "", 1), `:1: header key "source" is missing`},
		{"missing row", strings.Replace(head, "contract: B03\n", "", 1), `:1: header key "contract" is missing (contract: B03)`},
		{"no value", strings.Replace(head, "source:   cluster.c", "source:", 1), `:6:1: header key "source" has no value`},
		{"twice", strings.Replace(head, "source:", "class: edge\nsource:", 1), `:6:1: header key "class" stands on line 4 already`},
		{"no colon", strings.Replace(head, "class: ", "class ", 1), `:4:1: not a "key: value" line`},
		{"scenario", strings.Replace(head, "E003", "E099", 1), `:1:11: unknown scenario "FR-P2C-007-E099" (did you mean "FR-P2C-007-E009"?)`},
		{"short scenario", strings.Replace(head, "FR-P2C-007-E003", "E003", 1), `:1:11: unknown scenario "E003" (did you mean "FR-P2C-007-E003"?)`},
		{"row", strings.Replace(head, "B03", "B13", 1), `:2:11: unknown contract row "B13"`},
		{"wrong row", strings.Replace(head, "B03", "B04", 1), `:2: scenario FR-P2C-007-E003 does not belong to row B04 (contract: B03)`},
		{"row of ours", strings.Replace(head, "E003", "E013", 1), `:2: scenario FR-P2C-007-E013 does not belong to row B03 (leave contract out)`},
		{"anchor", strings.Replace(head, "A03", "A03 A31", 1), `:3:11: unknown anchor "A31"`},
		{"anchor twice", strings.Replace(head, "A03", "A03 A03", 1), `:3:11: anchor A03 stands twice`},
		{"class", strings.Replace(head, "normal", "usual", 1), `:4:11: unknown class "usual" (classes: normal edge adversarial)`},
		{"reason", strings.Replace(head, "reply_contract", "replies_contract", 1), `:5:11: unknown reason code "cluster.redirect_replies_contract_violation" (did you mean "cluster.redirect_reply_contract_violation"?)`},
		{"other reason", strings.Replace(head, "redirect_reply_contract_violation", "slot_owner_query_violation", 1), `:5: reason "cluster.slot_owner_query_violation" is not that of scenario FR-P2C-007-E003 (reason: cluster.redirect_reply_contract_violation)`},
		{"deadline", strings.Replace(head, "source:", "deadline: 5\nsource:", 1), `:6:11: bad deadline "5"`},
		{"need twice", strings.Replace(head, "source:", "needs: x x\nsource:", 1), `:6:8: need x stands twice`},
		{"no separator", head + "a GET x\n\n", `:16:1: step has no ---- before the blank line 17`},
		{"no separator at end", head + "a GET x\n", `:16:1: step has no ----: the file ends first`},
		{"two separators", head + "a GET x\n----\n+OK\na GET y\n----\n", `:20:1: second ---- in one step (is a blank line missing between two steps?)`},
		{"undeclared", head + "b GET x\n----\n", `:16:1: "b" is neither a keyword nor declared here (declared: a p)`},
		{"misspelt keyword", head + "snapshto a nodes\n----\n", `:16:1: "snapshto" is neither a keyword nor declared here (did you mean "snapshot"?)`},
		{"bad actor", head + "a/ GET x\n----\n", `:16:1: bad actor "a/"`},
		{"nothing to do", head + "a\n----\n", `:16:1: a has nothing to do`},
		{"keyword alone", head + "wait\n----\n", `:16:1: wait needs a name`},
		{"operand", head + "kill b\n----\n", `:16:1: kill b: "b" is not declared here (declared: a p)`},
		{"operands", head + "cut a b\n----\n", `:16:1: cut b: "b" is not declared here`},
		{"declared twice", head + "node a\n----\n", `:16:1: "a" is declared twice`},
		{"keyword as name", head + "node wait\n----\n", `:16:1: "wait" is a keyword and cannot be a name`},
		{"bad name", head + "node 1x\n----\n", `:16:1: bad name "1x"`},
		{"reference", head + "a GET $q.id\n----\n", `:16:1: $q.id refers to "q", which is not declared here (declared: a p)`},
		{"reference in input", head + "p send PING\n  gossip $q.id\n----\n", `:17:10: $q.id refers to "q"`},
		{"quote", head + "a GET \"x\n----\n", `:16:7: unterminated "`},
		{"indented", head + " a GET x\n----\n", `:16:1: a step starts in column 1`},
		{"condition", head + "[si m] a GET x\n----\n", `:16:1: bad condition "[si m]"`},
		{"open condition", head + "[sim a GET x\n----\n", `:16:1: unterminated condition`},
		{"condition alone", head + "[sim]\n----\n", `:16:5: condition without a step`},
		{"empty section", head + "# one\n\n# two\n\na GET x\n----\n", `:16:1: section "one" has no step`},
		{"no title", head + "#\n\na GET x\n----\n", `:16:1: section without a title`},
		{"carriage return", strings.Replace(head, "B03\n", "B03\r\n", 1), `:2:14: carriage return`},
		{"control", head + "a GET \x01\n----\n", `:16:7: control character U+0001 (write it as an escape in "...")`},
		{"not UTF-8", head + "a GET \xff\n----\n", `:16:7: byte 0xff is not UTF-8 (write it as \xff in "...")`},
		{"no step", strings.SplitAfter(head, "cluster.c\n")[0], `case has no step`},
		{"empty", "", `header key "scenario" is missing`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Parse(file, []byte(tc.src))
			if c != nil {
				t.Error("a case came with the error")
			}
			var list Errors
			if !errors.As(err, &list) || len(list) == 0 {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if !strings.HasPrefix(err.Error(), file+":") {
				t.Errorf("error does not begin with the place: %v", err)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	src := strings.Replace(head, "class:    normal", "class:    usual", 1) + "b GET x\n----\n\nc GET y\n----\n"
	_, err := Parse("x.case", []byte(src))
	var list Errors
	if !errors.As(err, &list) || len(list) != 3 {
		t.Fatalf("want three mistakes:\n%v", err)
	}
	if list[0].Line != 4 || list[1].Line != 16 || list[2].Line != 19 {
		t.Errorf("not in file order:\n%v", err)
	}
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Error("errors.As finds no single mistake")
	}
}

func TestFormatNormalises(t *testing.T) {
	src := "\n#one\n\n#  two\n\nclass:normal\nscenario: FR-P2C-007-E003\ncontract:    B03\nanchors: A03\t A04\n" +
		"source: x\nreason: cluster.redirect_reply_contract_violation\ndeadline: 60s\n\n\nnode   a # first\n----\nok\n\n\n\n" +
		"#   phase\n# note\n\n[sim]  [!redis<8]   a 'GET' 'x y'#z # why\n  raw   input\n----\n| kept \n"
	want := `# one
#
#  two

scenario: FR-P2C-007-E003
contract: B03
anchors:  A03 A04
class:    normal
reason:   cluster.redirect_reply_contract_violation
source:   x
deadline: 1m

node a    # first
----
ok

#   phase
# note

[sim] [!redis<8] a GET "x y#z"    # why
  raw   input
----
` + "| kept \n"
	got := string(Format(mustParse(t, src)))
	if got != want {
		t.Errorf("format:\n%s", cmp.Diff(want, got))
	}
	if again := string(Format(mustParse(t, got))); again != got {
		t.Errorf("format is not idempotent:\n%s", cmp.Diff(got, again))
	}
}

func TestRewrite(t *testing.T) {
	src := head + "a  'GET'  x   # odd   spacing\n----\n-old\n-older\n\n\n# title\n\nwait a within=1s\nGET y\n----\n\na GET z\n----\n:1"
	got, err := Rewrite("x.case", []byte(src), map[int][]string{16: {"+new"}, 24: {`"a"`, `"b"`}, 28: nil})
	if err != nil {
		t.Fatal(err)
	}
	want := head + "a  'GET'  x   # odd   spacing\n----\n+new\n\n\n# title\n\nwait a within=1s\nGET y\n----\n\"a\"\n\"b\"\n\na GET z\n----\n"
	if string(got) != want {
		t.Errorf("rewrite:\n%s", cmp.Diff(want, string(got)))
	}
	for name, expect := range map[string]map[int][]string{
		"no such step": {17: {"+OK"}},
		"blank":        {16: {" "}},
		"separator":    {16: {"----"}},
		"line end":     {16: {"a\nb"}},
	} {
		if out, err := Rewrite("x.case", []byte(src), expect); err == nil || out != nil {
			t.Errorf("%s: no error", name)
		}
	}
	same, err := Rewrite("x.case", []byte(src), nil)
	if err != nil || string(same) != src+"\n" {
		t.Errorf("a rewrite of nothing changed something: %v", err)
	}
}

func TestLoadAndSelect(t *testing.T) {
	at := func(scenario, row, reason, anchors string) *fstest.MapFile {
		s := strings.NewReplacer("E003", scenario, "contract: B03\n", row, "redirect_reply_contract_violation", reason, "A03", anchors).Replace(head)
		return &fstest.MapFile{Data: []byte(s)}
	}
	fsys := fstest.MapFS{
		"redirect/moved.case":     at("E003", "contract: B03\n", "redirect_reply_contract_violation", "A03 A04"),
		"redirect/deep/ask.case":  at("E003", "contract: B03\n", "redirect_reply_contract_violation", "A04"),
		"bus/ping.case":           at("E009", "contract: B09\n", "packet_parse_failclosed_violation", "A12"),
		"slots/slots_shards.case": at("E013", "", "slot_map_reply_contract_violation", "A06"),
		"slots/README.md":         {Data: []byte("no case")},
	}
	cases, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	names := func(list []*Case) string {
		var out []string
		for _, c := range list {
			out = append(out, c.Name())
		}
		return strings.Join(out, " ")
	}
	const all = "bus/ping redirect/deep/ask redirect/moved slots/slots_shards"
	if got := names(cases); got != all {
		t.Fatalf("loaded %s", got)
	}
	for pattern, want := range map[string]string{
		"":                       all,
		"E003":                   "redirect/deep/ask redirect/moved",
		"FR-P2C-007-E009":        "bus/ping",
		"fr-p2c-007-e009":        "bus/ping",
		"U009":                   "bus/ping",
		"B03":                    "redirect/deep/ask redirect/moved",
		"A12":                    "bus/ping",
		"A04":                    "redirect/deep/ask redirect/moved",
		"E009 E013":              "bus/ping slots/slots_shards",
		"redirect/*":             "redirect/moved",
		"redirect/**":            "redirect/deep/ask redirect/moved",
		"**/ask":                 "redirect/deep/ask",
		"*/p?ng":                 "bus/ping",
		"*/[mp]*":                "bus/ping redirect/moved",
		"redirect":               "redirect/deep/ask redirect/moved",
		"redirect/":              "redirect/deep/ask redirect/moved",
		"moved":                  "redirect/moved",
		"redirect/moved.case":    "redirect/moved",
		"cases/redirect/mo*case": "",
		"./cases/bus/ping.case":  "bus/ping",
	} {
		got, err := Select(cases, []string{pattern})
		if want == "" {
			if err == nil {
				t.Errorf("%q matched %s", pattern, names(got))
			}
			continue
		}
		if err != nil || names(got) != want {
			t.Errorf("%q selects %q (%v), want %q", pattern, names(got), err, want)
		}
	}
	for pattern, want := range map[string]string{
		"redirect/movd": `pattern: "redirect/movd" matches no case, near: redirect/moved`,
		"pin":           `"pin" matches no case, near: ping`,
		"E005":          `"E005" matches no case, near: E009`,
		"zzz":           `"zzz" matches no case of 4 (slotdiff list shows them)`,
		"a[b":           `pattern "a[b": syntax error in pattern`,
		"E003 zzz":      `"zzz" matches no case`,
	} {
		if got, err := Select(cases, []string{pattern}); err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", pattern, err, want)
		}
	}

	fsys["bus/bad.case"] = &fstest.MapFile{Data: []byte("class: x\n")}
	fsys["bus/worse.case"] = &fstest.MapFile{Data: []byte("b GET\n")}
	cases, err = Load(fsys)
	if len(cases) != 4 || err == nil || !strings.Contains(err.Error(), "bus/bad.case:1:8: unknown class") ||
		!strings.Contains(err.Error(), "bus/worse.case:1:1: not a") {
		t.Errorf("%d cases, error %v", len(cases), err)
	}
}

// sameCase compares cases without their places.
func sameCase(a, b *Case) string {
	return cmp.Diff(a, b, cmpopts.IgnoreFields(Case{}, "Path"), cmpopts.IgnoreUnexported(Case{}), cmpopts.IgnoreFields(Step{}, "Line"), cmpopts.EquateEmpty())
}
