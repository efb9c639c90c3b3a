package commands

import "regexp"

// folder names what differs from side to side: the node's id and ports. Only whole words are such: the digits of a port may be a part of
// a time.
type folder map[string]string

var words = regexp.MustCompile(`\w+`)

func (f folder) replace(text string) string {
	return words.ReplaceAllStringFunc(text, func(w string) string {
		if name, ok := f[w]; ok {
			return name
		}
		return w
	})
}
