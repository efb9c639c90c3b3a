package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/evidence"
)

func pageOf(t *testing.T, s *evidence.Summary) string {
	t.Helper()
	b, err := HTML(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHTML(t *testing.T) {
	got := pageOf(t, sample())
	for _, want := range []string{
		`<span class="v-fail">fail</span> <b>2</b>`,
		`<span class="v-oracle-fault">oracle-fault</span> <b>1</b>`,
		`<details class="case c-fail" data-text="redirect/fail fr-p2c-007-e003 b03 strict fail`,
		`<td class="del">-<mark>MOVED</mark> 12182 $p.addr</td>`,
		`<td class="ins">-<mark>ASK</mark> 12182 $p.addr</td>`,
		`want: recorded</th><th class="ln"></th><th>got: oracle</th>`,
		`crash of a: signal: segmentation fault`,
		`<pre>go run ./cmd/slotdiff replay redirect/fail --mode strict --seed 7</pre>`,
		`<a href="cases/redirect/fail/strict/diff.txt">diff.txt</a>`,
		`&lt;end&gt;`,
		`recorded \x1b[31m`,
		`prefers-color-scheme: dark`,
		`redis 8.6.3, process`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	if strings.Contains(got, "ZgotmplZ") {
		t.Error("the template engine refused a value")
	}
	if i, j := strings.Index(got, "redirect/fail</span>"), strings.Index(got, "redirect/pass</span>"); i < 0 || j < i {
		t.Error("what failed does not come first")
	}
}

// The page is one file: it loads nothing, from nowhere.
func TestHTMLIsOffline(t *testing.T) {
	got := pageOf(t, sample())
	for _, pattern := range []string{`https?://`, `(?i)<link`, `(?i)\ssrc=`, `(?i)@import`, `(?i)url\(`, `\bfetch\(`} {
		if m := regexp.MustCompile(pattern).FindString(got); m != "" {
			t.Errorf("page refers to something outside: %q", m)
		}
	}
}

// Tags are closed in order. The void elements of the page are known.
func TestHTMLIsWellFormed(t *testing.T) {
	body := pageOf(t, sample())
	body = regexp.MustCompile(`(?s)<script>.*?</script>|<style>.*?</style>|<!DOCTYPE html>`).ReplaceAllString(body, "")
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = true, []string{"input", "meta"}, xml.HTMLEntity
	// Attributes without a value are HTML, not XML.
	d.Strict = false
	depth := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are not closed", depth)
	}
	for _, tag := range []string{"details", "table", "tr", "td", "div", "pre", "summary"} {
		open, closed := strings.Count(body, "<"+tag+">")+strings.Count(body, "<"+tag+" "), strings.Count(body, "</"+tag+">")
		if open != closed || open == 0 {
			t.Errorf("<%s>: %d opened, %d closed", tag, open, closed)
		}
	}
}

func TestHTMLOfNothing(t *testing.T) {
	s := sample()
	s.Cases, s.Oracle, s.Live, s.Witness = nil, nil, false, "recorded redis 8.6.3"
	got := pageOf(t, s)
	for _, want := range []string{"No case ran.", "recorded redis 8.6.3 (none live)"} {
		if !strings.Contains(got, want) {
			t.Errorf("page lacks %q", want)
		}
	}
}

// A hostile server cannot put markup into the page.
func TestHTMLEscapes(t *testing.T) {
	s := sample()
	const evil = `</pre><script>alert(1)</script>"'><img onerror=x>`
	c := &s.Cases[1]
	c.Cause, c.Case = evil, evil
	c.Phases[1].Title, c.Phases[1].Bad[0].Text = evil, evil
	c.Phases[1].Bad[0].Target.Lines = []string{evil}
	c.Artifacts = []string{"javascript:alert(1)"}
	got := pageOf(t, s)
	if strings.Count(got, "<script>") != 1 || strings.Contains(got, "<img") || strings.Contains(got, `href="javascript:`) {
		t.Error("markup came through")
	}
}

func TestFromDir(t *testing.T) {
	dir := t.TempDir()
	opts := evidence.Options{Dir: dir, Command: "run", Render: HTML}
	r, err := evidence.Create(opts)
	if err != nil {
		t.Fatal(err)
	}
	final, _, err := r.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := FromDir(final)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(final, "report.html"))
	if err != nil || string(first) != string(again) {
		t.Errorf("report.html and a new rendering differ: %v", err)
	}
	if _, err := FromDir(filepath.Join(dir, "no")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
