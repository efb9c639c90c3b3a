package runner

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// nodeFiles reads the input lines of the node verb: the lines of nodes.conf, then those of
// other files, each below a line "file NAME" with the form of what follows. A file that
// stands twice is an error, as is one without a line.
func nodeFiles(lines []string, lookup func(scenario.Ref) (string, error)) (map[string][]byte, error) {
	files := map[string][]byte{}
	name, form := "nodes.conf", ""
	end := func() error {
		if len(files[name]) == 0 {
			return fmt.Errorf("file %s has no line", name)
		}
		if form == "torn" {
			files[name] = files[name][:len(files[name])-1]
		}
		return nil
	}
	for i, line := range lines {
		if head, ok := strings.CutPrefix(line, "file "); ok {
			if i > 0 {
				if err := end(); err != nil {
					return nil, err
				}
			}
			name, form, _ = strings.Cut(head, " ")
			if form != "" && form != "commands" && form != "torn" {
				return nil, fmt.Errorf("%q: want file NAME [commands|torn]", line)
			}
			if files[name] != nil {
				return nil, fmt.Errorf("file %s stands twice", name)
			}
			continue
		}
		if form == "commands" {
			args, err := commandLine(line, lookup)
			if err != nil {
				return nil, fmt.Errorf("file %s: %w", name, err)
			}
			files[name] = resp.AppendCommandStrings(files[name], args...)
			continue
		}
		text, err := scenario.ExpandText(line, lookup)
		if err != nil {
			return nil, err
		}
		files[name] = append(append(files[name], text...), '\n')
	}
	if len(lines) == 0 {
		return nil, nil
	}
	return files, end()
}

// commandLine reads a line of words, such as a step's first line has them.
func commandLine(line string, lookup func(scenario.Ref) (string, error)) ([]string, error) {
	words, _, err := scenario.ParseWords(line)
	if err != nil {
		return nil, err
	}
	args := make([]string, len(words))
	for i, w := range words {
		if args[i], err = w.Expand(lookup); err != nil {
			return nil, err
		}
	}
	return args, nil
}
