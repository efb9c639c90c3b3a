package script

import "strings"

// matcher matches one pattern of Lua 5.1 against one subject. Mirrors the rules of
// lstrlib.c; every step is paid for, since a pattern can take more steps than there
// are bytes by any power.
type matcher struct {
	src, pat string
	step     func(n int)  // pays, and may not return
	fail     func(string) // raises, does not return
	level    int
	capture  [maxCaptures]capture
	depth    int
}

// capture is a part of the subject; size may be one of the constants.
type capture struct{ start, size int }

const (
	maxCaptures  = 32   // LUA_MAXCAPTURES
	maxPattern   = 2000 // how deep alternatives may lie in one another
	openCapture  = -1
	placeCapture = -2 // "()": a position
)

// classEnd returns the index behind the single-character class at p.
func (m *matcher) classEnd(p int) int {
	if p == len(m.pat) {
		m.fail("malformed pattern (ends with '%')")
	}
	c := m.pat[p]
	p++
	switch c {
	case '%':
		if p == len(m.pat) {
			m.fail("malformed pattern (ends with '%')")
		}
		return p + 1
	case '[':
		if p < len(m.pat) && m.pat[p] == '^' {
			p++
		}
		for first := true; first || m.at(p) != ']'; first = false {
			if p == len(m.pat) {
				m.fail("malformed pattern (missing ']')")
			}
			p++
			if m.pat[p-1] == '%' && p < len(m.pat) {
				p++
			}
		}
		return p + 1
	}
	return p
}

// at is the byte of the pattern, 0 behind it.
func (m *matcher) at(p int) byte {
	if p < len(m.pat) {
		return m.pat[p]
	}
	return 0
}

// inClass is %a and its kin, in the locale C.
func inClass(c, class byte) bool {
	var in bool
	lower := class | 0x20
	switch lower {
	case 'a':
		in = isAlpha(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = c > ' ' && c < 0x7f && !isAlpha(c) && !isDigit(c)
	case 's':
		in = c == ' ' || '\t' <= c && c <= '\r'
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = isAlpha(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !isAlpha(class) {
		return class == c
	}
	return in != (class == lower-0x20)
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// inSet reports whether c is in the set [p, end], p at '[' and end at its ']'.
func (m *matcher) inSet(c byte, p, end int) bool {
	found := true
	p++
	if m.pat[p] == '^' {
		found = false
		p++
	}
	for ; p < end; p++ {
		switch {
		case m.pat[p] == '%':
			p++
			if inClass(c, m.at(p)) {
				return found
			}
		case m.at(p+1) == '-' && p+2 < end:
			if m.pat[p] <= c && c <= m.pat[p+2] {
				return found
			}
			p += 2
		case m.pat[p] == c:
			return found
		}
	}
	return !found
}

// single reports whether the byte at s matches the class [p, end).
func (m *matcher) single(s, p, end int) bool {
	if s >= len(m.src) {
		return false
	}
	c := m.src[s]
	switch m.pat[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pat[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	}
	return m.pat[p] == c
}

// match returns the end of a match of the pattern from p on at s, or -1.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxPattern {
		m.fail("pattern too complex")
	}
	defer func() { m.depth-- }()
	for {
		m.step(1)
		if p == len(m.pat) {
			return s
		}
		switch c := m.pat[p]; {
		case c == '(' && m.at(p+1) == ')':
			return m.open(s, p+2, placeCapture)
		case c == '(':
			return m.open(s, p+1, openCapture)
		case c == ')':
			return m.close(s, p+1)
		case c == '$' && p+1 == len(m.pat):
			if s == len(m.src) {
				return s
			}
			return -1
		case c == '%' && m.at(p+1) == 'b':
			if s = m.balanced(s, p+2); s < 0 {
				return -1
			}
			p += 4
			continue
		case c == '%' && m.at(p+1) == 'f':
			p += 2
			if m.at(p) != '[' {
				m.fail("missing '[' after '%f' in pattern")
			}
			end := m.classEnd(p)
			var before, here byte
			if s > 0 {
				before = m.src[s-1]
			}
			if s < len(m.src) {
				here = m.src[s]
			}
			if m.inSet(before, p, end-1) || !m.inSet(here, p, end-1) {
				return -1
			}
			p = end
			continue
		case c == '%' && isDigit(m.at(p+1)):
			if s = m.back(s, m.pat[p+1]); s < 0 {
				return -1
			}
			p += 2
			continue
		}
		end := m.classEnd(p)
		switch m.at(end) {
		case '?':
			if m.single(s, p, end) {
				if e := m.match(s+1, end+1); e >= 0 {
					return e
				}
			}
			p = end + 1
		case '*':
			return m.longest(s, s, p, end)
		case '+':
			if !m.single(s, p, end) {
				return -1
			}
			return m.longest(s, s+1, p, end)
		case '-':
			for {
				if e := m.match(s, end+1); e >= 0 {
					return e
				}
				if !m.single(s, p, end) {
					return -1
				}
				s++
			}
		default:
			if !m.single(s, p, end) {
				return -1
			}
			s++
			p = end
		}
	}
}

// longest repeats a class from s on and gives back until the rest matches, not
// further than low.
func (m *matcher) longest(_, low, p, end int) int {
	s := low
	for m.single(s, p, end) {
		m.step(1)
		s++
	}
	for ; s >= low; s-- {
		if e := m.match(s, end+1); e >= 0 {
			return e
		}
	}
	return -1
}

func (m *matcher) open(s, p, size int) int {
	if m.level >= maxCaptures {
		m.fail("too many captures")
	}
	m.capture[m.level] = capture{s, size}
	m.level++
	e := m.match(s, p)
	if e < 0 {
		m.level--
	}
	return e
}

func (m *matcher) close(s, p int) int {
	l := m.level - 1
	for l >= 0 && m.capture[l].size != openCapture {
		l--
	}
	if l < 0 {
		m.fail("invalid pattern capture")
	}
	m.capture[l].size = s - m.capture[l].start
	e := m.match(s, p)
	if e < 0 {
		m.capture[l].size = openCapture
	}
	return e
}

// balanced matches %bxy; p is at x.
func (m *matcher) balanced(s, p int) int {
	if p+1 >= len(m.pat) {
		m.fail("unbalanced pattern")
	}
	if s >= len(m.src) || m.src[s] != m.pat[p] {
		return -1
	}
	open := 1
	for i := s + 1; i < len(m.src); i++ {
		m.step(1)
		switch m.src[i] {
		case m.pat[p+1]:
			if open--; open == 0 {
				return i + 1
			}
		case m.pat[p]:
			open++
		}
	}
	return -1
}

// back matches what a capture before has matched.
func (m *matcher) back(s int, digit byte) int {
	l := int(digit) - '1'
	if l < 0 || l >= m.level || m.capture[l].size == openCapture {
		m.fail("invalid capture index")
	}
	c := m.capture[l]
	size := max(c.size, 0)
	if !strings.HasPrefix(m.src[s:], m.src[c.start:c.start+size]) {
		return -1
	}
	m.step(size)
	return s + size
}

// found is one match: its bounds and captures.
type found struct {
	start, end int
	captures   []capture
}

// find returns the first match at or after from.
func (m *matcher) find(from int, anchored bool, p int) (found, bool) {
	for s := from; s <= len(m.src); s++ {
		m.level, m.depth = 0, 0
		if e := m.match(s, p); e >= 0 {
			return found{s, e, append([]capture(nil), m.capture[:m.level]...)}, true
		}
		if anchored {
			break
		}
	}
	return found{}, false
}
