package script

import (
	"fmt"
	"strings"
)

// strFormat mirrors lstrlib.c:str_format: printf, with widths and precisions of up
// to two digits.
func strFormat(c call) int {
	format := c.str(1)
	var b strings.Builder
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		i++
		if i < len(format) && format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		if arg++; arg > c.GetTop() {
			c.argError(arg, "no value")
		}
		spec, next := c.formatSpec(format, i)
		i = next
		var verb byte
		if i < len(format) {
			verb = format[i]
		}
		before := b.Len()
		switch verb {
		case 'c':
			fmt.Fprintf(&b, "%"+spec.flags+spec.width+"s", string([]byte{byte(c.integer(arg))}))
		case 'd', 'i':
			fmt.Fprintf(&b, "%"+spec.text()+"d", toInt(c.num(arg)))
		case 'o', 'x', 'X':
			fmt.Fprintf(&b, "%"+spec.text()+string(verb), uint64(toInt(c.num(arg))))
		case 'u':
			fmt.Fprintf(&b, "%"+spec.text()+"d", uint64(toInt(c.num(arg))))
		case 'e', 'E', 'f', 'g', 'G':
			b.WriteString(spec.float(verb, c.num(arg)))
		case 'q':
			b.WriteString(quote(c.str(arg)))
		case 's':
			s := c.str(arg)
			fmt.Fprintf(&b, "%"+strings.ReplaceAll(spec.flags, "0", "")+spec.width+spec.precision+"s", byteText(s))
		default:
			c.RaiseError("invalid option '%%%s' to 'format'", strings.TrimRight(string([]byte{verb}), "\x00"))
		}
		c.r.make(c.LState, b.Len()-before)
	}
	return c.retStr(b.String())
}

// byteText makes fmt count bytes, not runes.
type byteText string

// Format implements fmt.Formatter.
func (s byteText) Format(f fmt.State, _ rune) {
	t := string(s)
	if p, ok := f.Precision(); ok && p < len(t) {
		t = t[:p]
	}
	w, _ := f.Width()
	pad := strings.Repeat(" ", max(w-len(t), 0))
	if f.Flag('-') {
		t += pad
	} else {
		t = pad + t
	}
	_, _ = f.Write([]byte(t)) // a buffer that takes all
}

type formatSpec struct {
	flags, width, precision string // precision with its dot
}

func (s formatSpec) text() string { return s.flags + s.width + s.precision }

// float formats as C does where Go differs: without a precision there are six
// digits, and infinities have no sign of their own.
func (s formatSpec) float(verb byte, f float64) string {
	if text, ok := notFinite(f); ok {
		if verb < 'a' {
			text = strings.ToUpper(text)
		}
		if strings.Contains(s.flags, "+") && text[0] != '-' {
			text = "+" + text
		}
		return fmt.Sprintf("%"+strings.NewReplacer("0", "", "+", "", "#", "").Replace(s.flags)+s.width+"s", text)
	}
	if s.precision == "" {
		s.precision = ".6"
	}
	return fmt.Sprintf("%"+s.text()+string(verb), f)
}

// formatSpec scans flags, width and precision from i on.
func (c call) formatSpec(format string, i int) (s formatSpec, next int) {
	start := i
	for i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0 {
		i++
	}
	if i-start > 5 {
		c.RaiseError("invalid format (repeated flags)")
	}
	s.flags = format[start:i]
	digits := func() string {
		from := i
		for i < len(format) && i < from+2 && isDigit(format[i]) {
			i++
		}
		return format[from:i]
	}
	s.width = digits()
	if i < len(format) && format[i] == '.' {
		i++
		s.precision = "." + digits()
		if s.precision == "." {
			s.precision = ".0"
		}
	}
	if i < len(format) && isDigit(format[i]) {
		c.RaiseError("invalid format (width or precision too long)")
	}
	return s, i
}

// quote is %q: a string that Lua reads back.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch ch := s[i]; ch {
		case '"', '\\', '\n':
			b.WriteByte('\\')
			b.WriteByte(ch)
		case '\r':
			b.WriteString(`\r`)
		case 0:
			b.WriteString(`\000`)
		default:
			b.WriteByte(ch)
		}
	}
	b.WriteByte('"')
	return b.String()
}
