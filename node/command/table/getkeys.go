package table

// getKeysFunc appends the places of the keys; it is what Redis calls when the
// key specs do not tell everything (db.c, the *GetKeys functions).
type getKeysFunc func(argv [][]byte, keys []Key) []Key

var getKeysFuncs = map[string]getKeysFunc{
	"bitfield":          bitfieldKeys,
	"blmpop":            numbered(0, 2, 3),
	"bzmpop":            numbered(0, 2, 3),
	"delex":             delexKeys,
	"eval":              numbered(0, 2, 3),
	"eval_ro":           numbered(0, 2, 3),
	"evalsha":           numbered(0, 2, 3),
	"evalsha_ro":        numbered(0, 2, 3),
	"fcall":             numbered(0, 2, 3),
	"fcall_ro":          numbered(0, 2, 3),
	"georadius":         georadiusKeys,
	"georadiusbymember": georadiusKeys,
	"lmpop":             numbered(0, 1, 2),
	"migrate":           migrateKeys,
	"set":               setKeys,
	"sintercard":        numbered(0, 1, 2),
	"sort":              sortKeys,
	"sort_ro":           sortROKeys,
	"xread":             xreadKeys,
	"xreadgroup":        xreadKeys,
	"zdiff":             numbered(0, 1, 2),
	"zdiffstore":        numbered(1, 2, 3),
	"zinter":            numbered(0, 1, 2),
	"zintercard":        numbered(0, 1, 2),
	"zinterstore":       numbered(1, 2, 3),
	"zmpop":             numbered(0, 1, 2),
	"zunion":            numbered(0, 1, 2),
	"zunionstore":       numbered(1, 2, 3),
}

// numbered finds keys behind a count; store 0 means that there is no
// destination key. Mirrors db.c:genericGetKeys.
func numbered(store, count, first int) getKeysFunc {
	return func(argv [][]byte, keys []Key) []Key {
		if count >= len(argv) {
			return keys
		}
		n := atoi(argv[count])
		if n < 1 || n > len(argv)-first {
			return keys
		}
		for i := range n {
			keys = append(keys, Key{Pos: first + i})
		}
		if store != 0 {
			keys = append(keys, Key{Pos: store})
		}
		return keys
	}
}

// atoi is C's: leading spaces, a sign, digits, then anything; values that do not
// fit an int32 wrap as the cast from strtol does.
func atoi(b []byte) int {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] >= '\t' && b[i] <= '\r') {
		i++
	}
	neg := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		neg = b[i] == '-'
		i++
	}
	limit := uint64(1<<63 - 1)
	if neg {
		limit = 1 << 63
	}
	var v uint64
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		x := uint64(b[i] - '0')
		if v > (limit-x)/10 {
			v = limit // strtol saturates
			break
		}
		v = v*10 + x
	}
	if neg {
		v = -v
	}
	return int(int32(v))
}

func sortROKeys(_ [][]byte, keys []Key) []Key {
	return append(keys, Key{1, KeyRO | KeyAccess})
}

// sortKeys skips the arguments of LIMIT, GET and BY; the last STORE wins.
// Mirrors db.c:sortGetKeys.
func sortKeys(argv [][]byte, keys []Key) []Key {
	keys = append(keys, Key{1, KeyRO | KeyAccess})
	store := 0
	for i := 2; i < len(argv); i++ {
		switch {
		case IsOption(argv[i], "limit"):
			i += 2
		case IsOption(argv[i], "store") && i+1 < len(argv):
			store = i + 1
		case IsOption(argv[i], "get"), IsOption(argv[i], "by"):
			i++
		}
	}
	if store != 0 {
		keys = append(keys, Key{store, KeyOW | KeyUpdate})
	}
	return keys
}

// migrateKeys mirrors db.c:migrateGetKeys.
func migrateKeys(argv [][]byte, keys []Key) []Key {
	first, n := 3, 1
	for i := 6; i < len(argv); i++ {
		if IsOption(argv[i], "keys") {
			if len(argv[3]) > 0 {
				n = 0 // a syntax error, which MIGRATE itself reports
			} else {
				first, n = i+1, len(argv)-i-1
			}
			break
		}
		switch Option(argv[i]) {
		case "auth":
			i++
		case "auth2":
			i += 2
		}
	}
	for i := range n {
		keys = append(keys, Key{first + i, KeyRW | KeyAccess | KeyDelete})
	}
	return keys
}

// georadiusKeys mirrors db.c:georadiusGetKeys; the last destination wins.
func georadiusKeys(argv [][]byte, keys []Key) []Key {
	keys = append(keys, Key{Pos: 1})
	store := 0
	for i := 5; i+1 < len(argv); i++ {
		if IsOption(argv[i], "store") || IsOption(argv[i], "storedist") {
			store = i + 1
			i++
		}
	}
	if store != 0 {
		keys = append(keys, Key{Pos: store})
	}
	return keys
}

// xreadKeys mirrors db.c:xreadGetKeys.
func xreadKeys(argv [][]byte, keys []Key) []Key {
	streams := 0
scan:
	for i := 1; i < len(argv); i++ {
		switch Option(argv[i]) {
		case "block", "count":
			i++
		case "group":
			i += 2
		case "noack":
		case "streams":
			streams = i
			break scan
		default:
			break scan
		}
	}
	n := len(argv) - streams - 1
	if streams == 0 || n == 0 || n%2 != 0 {
		return keys
	}
	for i := range n / 2 {
		keys = append(keys, Key{Pos: streams + 1 + i})
	}
	return keys
}

// setKeys mirrors db.c:setGetKeys: GET and the conditions make SET read too.
func setKeys(argv [][]byte, keys []Key) []Key {
	actual, logical := KeyOW, KeyUpdate
	for i := 3; i < len(argv); i++ {
		if IsOption(argv[i], "get") {
			actual = KeyRW
			logical |= KeyAccess
		} else if isCompare(argv[i]) {
			actual = KeyRW
		}
	}
	return append(keys, Key{1, actual | logical})
}

// delexKeys mirrors db.c:delexGetKeys.
func delexKeys(argv [][]byte, keys []Key) []Key {
	flags := KeyRM | KeyDelete
	for i := 2; i < len(argv); i++ {
		if isCompare(argv[i]) {
			flags = KeyRW | KeyDelete
		}
	}
	return append(keys, Key{1, flags})
}

func isCompare(a []byte) bool {
	return IsOption(a, "ifeq") || IsOption(a, "ifne") || IsOption(a, "ifdeq") || IsOption(a, "ifdne")
}

// bitfieldKeys mirrors db.c:bitfieldGetKeys: only GETs leave the key unchanged.
func bitfieldKeys(argv [][]byte, keys []Key) []Key {
	readOnly := KeyRO | KeyAccess
	readWrite := KeyRW | KeyAccess | KeyUpdate
	for i := 2; i < len(argv); i++ {
		rest := len(argv) - i - 1
		switch {
		case IsOption(argv[i], "get") && rest >= 2:
			i += 2
		case IsOption(argv[i], "overflow") && rest >= 1:
			i++
		default:
			return append(keys, Key{1, readWrite})
		}
	}
	return append(keys, Key{1, readOnly})
}
