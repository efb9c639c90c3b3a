package resp

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

// wellFormed are replies that parse, with their text forms.
var wellFormed = []struct{ raw, text string }{
	{"+OK\r\n", "+OK"},
	{"+\r\n", "+"},
	{"+\"quoted\"\r\n", `+"\"quoted\""`},
	{"-ERR unknown command 'X', with args beginning with: \r\n", `-"ERR unknown command 'X', with args beginning with: "`},
	{"-MOVED 866 127.0.0.1:7001\r\n", "-MOVED 866 127.0.0.1:7001"},
	{"-ERR got '\x00'\r\n", `-"ERR got '\x00'"`},
	{":0\r\n", ":0"},
	{":-9223372036854775808\r\n", ":-9223372036854775808"},
	{":9223372036854775807\r\n", ":9223372036854775807"},
	{"$0\r\n\r\n", `""`},
	{"$5\r\nhello\r\n", `"hello"`},
	{"$11\r\n\x00\xff\r\n\t\a\b\"\\'x\r\n", `"\x00\xff\r\n\t\a\b\"\\'x"`},
	{"$-1\r\n", "$-1"},
	{"*-1\r\n", "*-1"},
	{"*0\r\n", "*0"},
	{"*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n*0\r\n", "*3\n  :1\n  *2\n    +a\n    $-1\n  *0"},
	{"_\r\n", "_"},
	{"#t\r\n", "#t"},
	{"#f\r\n", "#f"},
	{",1.5\r\n", ",1.5"},
	{",-inf\r\n", ",-inf"},
	{",nan\r\n", ",nan"},
	{",1e-7\r\n", ",1e-7"},
	{"(-1234567999999999999999999999999999999\r\n", "(-1234567999999999999999999999999999999"},
	{"!9\r\nERR a\r\nb!\r\n", `!"ERR a\r\nb!"`},
	{"=7\r\ntxt:abc\r\n", `=txt:"abc"`},
	{"=4\r\nmkd:\r\n", `=mkd:""`},
	{"=5\r\n:::::\r\n", `=":::::"`},
	{"=9\r\ntxt:a\r\nb\n\r\n", `=txt:"a\r\nb\n"`},
	{"%2\r\n+a\r\n:1\r\n+b\r\n%0\r\n", "%2\n  +a\n  :1\n  +b\n  %0"},
	{"~2\r\n:1\r\n#t\r\n", "~2\n  :1\n  #t"},
	{">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1\r\nx\r\n", ">3\n  \"message\"\n  \"ch\"\n  \"x\""},
	{"|1\r\n+ttl\r\n:90\r\n$1\r\nv\r\n", "|1\n  +ttl\n  :90\n\"v\""},
	{"|0\r\n*1\r\n|1\r\n+a\r\n*1\r\n|0\r\n_\r\n:1\r\n", "|0\n*1\n  |1\n    +a\n    *1\n      |0\n      _\n  :1"},
	{"$13\r\na:1\nb: 2 \n\nc\n\r\n", "$text\n| a:1\n|\"b: 2 \"\n|\n| c"},
	{"$15\r\na:1\r\n# b\r\n\r\nc\r\n\r\n", "$crlf\n| a:1\n| # b\n|\n| c"},
	{"$1\r\n\n\r\n", "$text\n|"},
	{"$2\r\n\r\n\r\n", "$crlf\n|"},
	{"$4\r\na\nb\r\r\n", `"a\nb\r"`},
	{"$5\r\na\r\nb\n\r\n", `"a\r\nb\n"`},
	{"$4\r\n\r\r\n\n\r\n", `"\r\r\n\n"`},
	{"$3\r\na\nb\r\n", `"a\nb"`},
	{"$3\r\n\xff\nb\r\n", `"\xff\nb"`},
	{"*2\r\n=8\r\ntxt:a\nb\n\r\n|1\r\n$2\r\na\n\r\n:1\r\n$2\r\nb\n\r\n", "*2\n  =txt text\n  | a\n  | b\n  |1\n    $text\n    | a\n    :1\n  $text\n  | b"},
}

func TestWellFormed(t *testing.T) {
	for _, c := range wellFormed {
		v, n, err := Parse([]byte(c.raw + "trailing"))
		if err != nil || n != len(c.raw) {
			t.Errorf("Parse(%q) = %d bytes, %v", c.raw, n, err)
			continue
		}
		if got := string(v.Append([]byte("x"))); got != "x"+c.raw {
			t.Errorf("%q: Append = %q", c.raw, got)
		}
		if got := Text(v); got != c.text {
			t.Errorf("%q: the text form is\n%s\nwant\n%s", c.raw, got, c.text)
		}
		back, err := ParseText(c.text)
		if err != nil || !back.Equal(v) {
			t.Errorf("%q: ParseText = %v, %v, want %v", c.raw, back, err, v)
		}
		if back, err = ParseText(c.text + "\n"); err != nil || !back.Equal(v) {
			t.Errorf("%q: with a line end, ParseText = %v, %v", c.raw, back, err)
		}
		wantTruncationsToFail(t, []byte(c.raw))
	}
}

func TestMalformed(t *testing.T) {
	for raw, want := range map[string]string{
		"OK\r\n":                         `resp: offset 0: no type begins with "O"`,
		"\r\n":                           `resp: offset 0: no type begins with "\r"`,
		"+a\nb\r\n":                      `resp: offset 2: \n without \r before it`,
		"+a\n":                           `resp: offset 2: \n without \r before it`,
		"+a\rb\r\n":                      `resp: offset 2: \r without \n after it`,
		":\r\n":                          `resp: offset 1: "" is not an integer in its shortest form`,
		":+1\r\n":                        `resp: offset 1: "+1" is not an integer in its shortest form`,
		":01\r\n":                        `resp: offset 1: "01" is not an integer in its shortest form`,
		":-0\r\n":                        `resp: offset 1: "-0" is not an integer in its shortest form`,
		":9223372036854775808\r\n":       `resp: offset 1: "9223372036854775808" is not an integer in its shortest form`,
		":-9223372036854775809\r\n":      `resp: offset 1: "-9223372036854775809" is not an integer in its shortest form`,
		":99999999999999999999999\r\n":   `resp: offset 1: "99999999999999999999999" is not an integer in its shortest form`,
		":1 \r\n":                        `resp: offset 1: "1 " is not an integer in its shortest form`,
		"$-2\r\n":                        `resp: offset 1: "-2" is not a length`,
		"$a\r\n":                         `resp: offset 1: "a" is not a length`,
		"$03\r\nabc\r\n":                 `resp: offset 1: "03" is not a length`,
		"$3\r\nabcd\r\n":                 `resp: offset 7: a payload is not followed by its line end`,
		"$3\r\nabc\r\r":                  `resp: offset 8: a payload is not followed by its line end`,
		"$536870913\r\n":                 `resp: offset 1: 536870913 bytes are over the limit of 536870912`,
		"!-1\r\n":                        `resp: offset 1: "-1" is not a length`,
		"=-1\r\n":                        `resp: offset 1: "-1" is not a length`,
		"=3\r\ntxt\r\n":                  `resp: offset 1: a verbatim string of 3 bytes has no room for its format`,
		"=5\r\ntxtab\r\n":                `resp: offset 7: a verbatim string has ':' after its three format bytes`,
		"%-1\r\n":                        `resp: offset 1: "-1" is not a length`,
		"~-1\r\n":                        `resp: offset 1: "-1" is not a length`,
		"*1048577\r\n":                   `resp: offset 1: 1048577 members are over the limit of 1048576`,
		"%524289\r\n":                    `resp: offset 1: 1048578 members are over the limit of 1048576`,
		"%9223372036854775807\r\n":       `resp: offset 1: 9223372036854775807 members are over the limit of 1048576`,
		"$?\r\n;4\r\n":                   `resp: offset 1: a streamed value, which Redis never sends`,
		"*?\r\n:1\r\n.\r\n":              `resp: offset 1: a streamed value, which Redis never sends`,
		";4\r\nabcd\r\n":                 `resp: offset 0: a streamed value, which Redis never sends`,
		".\r\n":                          `resp: offset 0: a streamed value, which Redis never sends`,
		"_x\r\n":                         `resp: offset 1: a null is followed by its line end`,
		"#x\r\n":                         `resp: offset 1: a boolean is t or f`,
		"#\r\n":                          `resp: offset 1: a boolean is t or f`,
		"#tf\r\n":                        `resp: offset 1: a boolean is t or f`,
		",\r\n":                          `resp: offset 1: "" is not a double`,
		",.5\r\n":                        `resp: offset 1: ".5" is not a double`,
		",1.\r\n":                        `resp: offset 1: "1." is not a double`,
		",1e\r\n":                        `resp: offset 1: "1e" is not a double`,
		",+1\r\n":                        `resp: offset 1: "+1" is not a double`,
		",Inf\r\n":                       `resp: offset 1: "Inf" is not a double`,
		",0x1p3\r\n":                     `resp: offset 1: "0x1p3" is not a double`,
		"(1.5\r\n":                       `resp: offset 1: "1.5" is not a big number`,
		"(-\r\n":                         `resp: offset 1: "-" is not a big number`,
		"*1\r\n>1\r\n:1\r\n":             `resp: offset 4: a push inside another value`,
		"|0\r\n>1\r\n:1\r\n":             `resp: offset 4: a push inside another value`,
		"|0\r\n|0\r\n:1\r\n":             `resp: offset 4: attributes of attributes`,
		"*2\r\n:1\r\n?\r\n":              `resp: offset 8: no type begins with "?"`,
		strings.Repeat("*1\r\n", 257):    `resp: offset 1024: over 256 values inside one another`,
		"+" + strings.Repeat("x", 65537): `resp: offset 0: a line of over 65536 bytes`,
	} {
		v, n, err := Parse([]byte(raw))
		if err == nil || err.Error() != want || n != 0 || !v.Equal(Value{}) {
			t.Errorf("Parse(%.60q) = %v, %d, %v, want %s", raw, v, n, err, want)
		}
		// The reader says the same, with the offset in the stream.
		r := NewReader(iotest.OneByteReader(strings.NewReader("+OK\r\n"+raw)), Limits{})
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		_, err = r.Read()
		var f *FormatError
		if !errors.As(err, &f) || r.Raw() != nil {
			t.Errorf("Read of %.60q: %v", raw, err)
			continue
		}
		f.Offset -= 5
		if f.Error() != want {
			t.Errorf("Read of %.60q: %v, want %s", raw, f, want)
		}
		if _, again := r.Read(); again != err {
			t.Errorf("Read of %.60q: %v, and then %v", raw, err, again)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		lim     Limits
		in, out string
	}{
		{Limits{MaxBulk: 3}, "$3\r\nabc\r\n", "$4\r\n"},
		{Limits{MaxBulk: 5}, "=5\r\ntxt:a\r\n", "!6\r\n"},
		{Limits{MaxElems: 2}, "*2\r\n:1\r\n:2\r\n", "~3\r\n"},
		{Limits{MaxElems: 2}, "%1\r\n:1\r\n:2\r\n", "%2\r\n"},
		{Limits{MaxDepth: 2}, "*1\r\n*1\r\n:1\r\n", "*1\r\n*1\r\n*0\r\n"},
		{Limits{MaxLine: 3}, "+abc\r\n", "-abcd\r\n"},
		{Limits{MaxLine: 3}, ":123\r\n", ":1234"},
	} {
		if _, n, err := ParseLimited([]byte(c.in), c.lim); err != nil || n != len(c.in) {
			t.Errorf("%+v: Parse(%q) = %d, %v", c.lim, c.in, n, err)
		}
		var f *FormatError
		if _, _, err := ParseLimited([]byte(c.out), c.lim); !errors.As(err, &f) {
			t.Errorf("%+v: Parse(%q) = %v, want a format error", c.lim, c.out, err)
		}
	}
}

func TestReader(t *testing.T) {
	var stream []byte
	var want []string
	for range 3 {
		for _, c := range wellFormed {
			stream = append(stream, c.raw...)
			want = append(want, c.raw)
		}
		big := string(AppendBulk(nil, bytes.Repeat([]byte("x"), 3*readerBuffer)))
		stream = append(stream, big...)
		want = append(want, big)
	}
	for name, src := range map[string]io.Reader{
		"at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"halves": iotest.HalfReader(bytes.NewReader(stream)), "data with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		r := NewReader(src, Limits{})
		var offset int64
		var kept []Value
		for i, raw := range want {
			v, err := r.Read()
			if err != nil || string(r.Raw()) != raw {
				t.Fatalf("%s: value %d: %v, raw %.80q, want %.80q", name, i, err, r.Raw(), raw)
			}
			kept = append(kept, v)
			if offset += int64(len(raw)); r.Offset() != offset {
				t.Fatalf("%s: value %d: Offset = %d, want %d", name, i, r.Offset(), offset)
			}
		}
		if v, err := r.Read(); err != io.EOF || r.Raw() != nil {
			t.Errorf("%s: at the end Read = %v, %v", name, v, err)
		}
		for i, v := range kept {
			if string(v.Append(nil)) != want[i] {
				t.Errorf("%s: value %d changed after it was read", name, i)
			}
		}
	}
}

// interrupted fails once with a timeout after its first part.
type interrupted struct {
	parts []string
	err   error
}

func (r *interrupted) Read(p []byte) (int, error) {
	if len(r.parts) == 0 {
		return 0, io.EOF
	}
	if r.parts[0] == "" {
		r.parts = r.parts[1:]
		return 0, r.err
	}
	n := copy(p, r.parts[0])
	r.parts = r.parts[1:]
	return n, nil
}

func TestReaderGoesOnAfterATimeout(t *testing.T) {
	timeout := errors.New("timeout")
	r := NewReader(&interrupted{[]string{"*2\r\n$3\r\nab", "", "c\r\n", "", ":1\r\n+x"}, timeout}, Limits{})
	for range 2 {
		if _, err := r.Read(); err != timeout {
			t.Fatalf("Read = %v, want the stream's error", err)
		}
	}
	if v, err := r.Read(); err != nil || Text(v) != "*2\n  \"abc\"\n  :1" {
		t.Errorf("Read = %v, %v", v, err)
	}
	if string(r.Buffered()) != "+x" {
		t.Errorf("Buffered = %q", r.Buffered())
	}
	if _, err := r.Read(); err != io.ErrUnexpectedEOF {
		t.Errorf("Read of half a value = %v", err)
	}
}

func TestReaderWithoutProgress(t *testing.T) {
	r := NewReader(readerFunc(func([]byte) (int, error) { return 0, nil }), Limits{})
	if _, err := r.Read(); err != io.ErrNoProgress {
		t.Errorf("Read = %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestParseTextRejects(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "resp: line 1: 0 values where one is wanted",
		"+a\n+b":                 "resp: line 1: 2 values where one is wanted",
		"\n+a":                   "resp: line 1: an empty line is no value",
		"OK":                     `resp: line 1: no value begins with "O"`,
		" +OK":                   "resp: line 1: indented by 1 spaces where 0 are wanted",
		"*1":                     "resp: line 1: the header promises 1 values, fewer lines follow",
		"*1\n:1":                 "resp: line 2: indented by 0 spaces where 2 are wanted",
		"*1\n    :1":             "resp: line 2: indented by 4 spaces where 2 are wanted",
		"*2\n  :1":               "resp: line 1: the header promises 2 values, fewer lines follow",
		"*x":                     `resp: line 1: "x" is not a count`,
		"*-2":                    `resp: line 1: "-2" is not a count`,
		"*9223372036854775807":   "resp: line 1: the header promises 9223372036854775807 values, fewer lines follow",
		"%9223372036854775807":   "resp: line 1: the header promises 9223372036854775807 entries, fewer lines follow",
		"%1\n  :1\n  :2\n  :3":   "resp: line 4: indented by 2 spaces where 0 are wanted",
		"*1\n  >1\n    :1":       "resp: line 2: a push inside another value",
		"|1\n  :1\n  :2":         "resp: line 3: the text ends where a value is missing",
		"|0\n|0\n:1":             "resp: line 2: attributes describe a reply, not attributes or a push",
		"|0\n>0":                 "resp: line 2: attributes describe a reply, not attributes or a push",
		":x":                     `resp: line 1: "x" is not an integer in its shortest form`,
		",x":                     `resp: line 1: "x" is not a double`,
		"(x":                     `resp: line 1: "x" is not a big number`,
		"#x":                     "resp: line 1: a boolean is t or f",
		"_x":                     "resp: line 1: a null is followed by its line end",
		`"a`:                     "resp: line 1: a quoted string has no end",
		`"a\`:                    "resp: line 1: a quoted string has no end",
		`"a"b`:                   "resp: line 1: text follows the closing quote",
		`"\q"`:                   `resp: line 1: unknown escape \q`,
		`"\x4"`:                  `resp: line 1: unknown escape \x`,
		"\"\t\"":                 "resp: line 1: an unprintable byte stands in a quoted string",
		"+\t":                    "resp: line 1: an unprintable byte outside quotes",
		`+"a\r\n"`:               "resp: line 1: a line break in a one-line value",
		"$foo":                   `resp: line 1: "foo" says neither text nor crlf`,
		"$text":                  "resp: line 1: no line of the string follows, as in | text",
		"*1\n  $text\n| a":       "resp: line 2: no line of the string follows, as in | text",
		"=txt":                   `resp: line 1: a verbatim string is =txt:"..." or =txt text`,
		"=txt-text":              `resp: line 1: a verbatim string is =txt:"..." or =txt text`,
		"=TXT:\"\"":              `resp: line 1: "TXT" is not the format of a verbatim string`,
		"=\"ab\"":                "resp: line 1: a verbatim string begins with a format of three bytes and ':'",
		strings.Repeat(" ", 600): "resp: line 1: indented by 600 spaces where 0 are wanted",
		"$text\n|\"a\\q\"":       `resp: line 2: unknown escape \q`,
	} {
		v, err := ParseText(text)
		if err == nil || err.Error() != want || !v.Equal(Value{}) {
			t.Errorf("ParseText(%.40q) = %v, %v, want %s", text, v, err, want)
		}
	}
	if vs, err := ParseTexts("+a\n*1\n  :1\n$-1\n"); err != nil || len(vs) != 3 {
		t.Errorf("three values: %v, %v", vs, err)
	}
}

func TestDeepestTextIsDeepestReply(t *testing.T) {
	raw := strings.Repeat("*1\r\n", 256) + ":1\r\n"
	v, _, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ParseText(Text(v)); err != nil || !back.Equal(v) {
		t.Errorf("256 arrays inside one another read back as %v", err)
	}
}

func TestUnquoteReadsWhatQuoteWrites(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	if back, err := Unquote(Quote(all)); err != nil || !bytes.Equal(back, all) {
		t.Errorf("Unquote(Quote(every byte)) = %q, %v", back, err)
	}
	if _, err := Unquote("x"); err == nil || err.Error() != `resp: "x": a quoted string begins with a quote` {
		t.Errorf("Unquote(x): %v", err)
	}
}

func TestAppendPanicsOnOurMistakes(t *testing.T) {
	for name, f := range map[string]func(){
		"simple string":  func() { AppendSimple(nil, "a\nb") },
		"error value":    func() { Value{Kind: Error, Str: []byte("a\r")}.Append(nil) },
		"odd map":        func() { Value{Kind: Map, Elems: make([]Value, 1)}.Append(nil) },
		"odd attributes": func() { Value{Kind: Null, Attr: make([]Value, 1)}.Append(nil) },
		"zero value":     func() { Value{}.Append(nil) },
		"zero text":      func() { Text(Value{}) },
		"big number":     func() { AppendBigNumber(nil, "1\n") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestAppendError(t *testing.T) {
	for text, want := range map[string]string{
		"ERR x": "-ERR x\r\n", "ERR a\r\nb\n": "-ERR a  b\r\n", "": "-\r\n", "\n": "-\r\n",
	} {
		if got := string(AppendError(nil, text)); got != want {
			t.Errorf("AppendError(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestValueAccessors(t *testing.T) {
	v, _, err := Parse([]byte("%2\r\n+a\r\n,1.5\r\n$1\r\nb\r\n#t\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, ok := v.Lookup("a")
	if f, err := a.Float(); !ok || err != nil || f != 1.5 {
		t.Errorf("a = %v, %v, %v", f, err, ok)
	}
	if b, ok := v.Lookup("b"); !ok || !b.Bool() || b.IsNull() || b.IsError() {
		t.Errorf("b = %v, %v", b, ok)
	}
	if _, ok := v.Lookup("c"); ok {
		t.Error("c was found")
	}
	inf, _, err := Parse([]byte(",-inf\r\n"))
	if f, ferr := inf.Float(); err != nil || ferr != nil || !math.IsInf(f, -1) {
		t.Errorf("-inf = %v, %v, %v", f, err, ferr)
	}
	for raw, null := range map[string]bool{"$-1\r\n": true, "*-1\r\n": true, "_\r\n": true, "*0\r\n": false, "$0\r\n\r\n": false} {
		if v, _, err := Parse([]byte(raw)); err != nil || v.IsNull() != null {
			t.Errorf("%q: IsNull = %v, %v", raw, v.IsNull(), err)
		}
	}
	if Kind('x').String() != "kind 'x'" || Map.String() != "map" {
		t.Errorf("kinds are called %v and %v", Kind('x'), Map)
	}
}
