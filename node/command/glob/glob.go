// Package glob is Redis's pattern matching (util.c:stringmatchlen). It is not
// path/filepath's: "*" crosses every byte, "[^" negates, and a class that is
// never closed still matches.
package glob

// Match reports whether s matches the pattern; fold ignores ASCII case.
// The time is bounded: a pattern of many stars gives up a star that cannot help
// as the original does.
func Match(pattern, s string, fold bool) bool {
	skip := false
	return match(pattern, s, fold, &skip, 0)
}

// match returns early with skip set when no longer match of an earlier star can
// succeed. nesting bounds the recursion at 1000 stars as the original does.
func match(p, s string, fold bool, skip *bool, nesting int) bool {
	if nesting > 1000 {
		return false
	}
	for len(p) > 0 && len(s) > 0 {
		switch p[0] {
		case '*':
			for len(p) > 1 && p[1] == '*' {
				p = p[1:]
			}
			if len(p) == 1 {
				return true
			}
			for len(s) > 0 {
				if match(p[1:], s, fold, skip, nesting+1) {
					return true
				}
				if *skip {
					return false
				}
				s = s[1:]
			}
			*skip = true
			return false
		case '?':
		case '[':
			var ok bool
			if ok, p = class(p[1:], s[0], fold); !ok {
				return false
			}
		default:
			if p[0] == '\\' && len(p) >= 2 {
				p = p[1:]
			}
			if !same(p[0], s[0], fold) {
				return false
			}
		}
		s = s[1:]
		p = p[1:]
		if len(s) == 0 {
			for len(p) > 0 && p[0] == '*' {
				p = p[1:]
			}
			break
		}
	}
	return len(p) == 0 && len(s) == 0
}

// class matches c against the class that starts after "[" and returns the
// pattern from the closing bracket, or from its last byte if there is none.
func class(p string, c byte, fold bool) (bool, string) {
	not := len(p) > 0 && p[0] == '^'
	if not {
		p = p[1:]
	}
	found := false
	last := "]" // stands for the pattern's last byte when the class is never closed
	for {
		switch {
		case len(p) == 0:
			return found != not, last
		case p[0] == ']':
			return found != not, p
		case p[0] == '\\' && len(p) >= 2:
			p = p[1:]
			if p[0] == c {
				found = true
			}
		case len(p) >= 3 && p[1] == '-':
			lo, hi, x := p[0], p[2], c
			if lo > hi {
				lo, hi = hi, lo
			}
			if fold {
				lo, hi, x = lower(lo), lower(hi), lower(x)
			}
			p = p[2:]
			if x >= lo && x <= hi {
				found = true
			}
		default:
			if same(p[0], c, fold) {
				found = true
			}
		}
		p = p[1:]
	}
}

func same(a, b byte, fold bool) bool { return a == b || fold && lower(a) == lower(b) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
