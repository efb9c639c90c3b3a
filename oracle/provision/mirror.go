package provision

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mirror is a Debian archive that the host's apt uses.
type mirror struct {
	uri  string
	from string // the file it stands in
}

// findMirror returns the main Debian mirror of the host's apt configuration, which
// lies below etc ("/etc/apt").
func findMirror(etc string) (mirror, error) {
	var files []string
	for _, pattern := range []string{"sources.list", "sources.list.d/*.list", "sources.list.d/*.sources"} {
		found, err := filepath.Glob(filepath.Join(etc, pattern))
		if err != nil {
			return mirror{}, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return mirror{}, fmt.Errorf("apt has no sources in %s", etc)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // of somebody else's, such as a list with a password in it
		}
		uris := listURIs(string(text))
		if strings.HasSuffix(file, ".sources") {
			uris = deb822URIs(string(text))
		}
		for _, uri := range uris {
			if isDebianArchive(uri) {
				return mirror{strings.TrimRight(uri, "/"), file}, nil
			}
		}
	}
	return mirror{}, fmt.Errorf("apt's sources in %s name no Debian archive", etc)
}

// isDebianArchive tells the main archive from the security archive and from those
// of others: its path ends in "debian" by convention of its mirrors.
func isDebianArchive(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && path.Base(strings.TrimRight(u.Path, "/")) == "debian"
}

// listURIs reads the one-line format: "deb [options] URI suite component...".
func listURIs(text string) []string {
	var uris []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "deb" {
			continue
		}
		words = words[1:]
		if len(words) > 0 && strings.HasPrefix(words[0], "[") {
			end := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
			words = words[end+1:]
		}
		if len(words) > 0 {
			uris = append(uris, words[0])
		}
	}
	return uris
}

// deb822URIs reads the paragraph format of .sources files.
func deb822URIs(text string) []string {
	var uris []string
	for para := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		fields := map[string]string{}
		last := ""
		for line := range strings.Lines(para) {
			switch {
			case strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
				fields[last] += " " + line
			default:
				k, v, _ := strings.Cut(line, ":")
				last = strings.ToLower(strings.TrimSpace(k))
				fields[last] = v
			}
		}
		enabled := strings.TrimSpace(fields["enabled"])
		if enabled == "no" || enabled == "false" || !slices.Contains(strings.Fields(fields["types"]), "deb") {
			continue
		}
		uris = append(uris, strings.Fields(fields["uris"])...)
	}
	return uris
}
