package commands

import (
	"math"
	"strconv"

	fuzz "github.com/google/gofuzz"
)

// values are the typed values of an episode, drawn once. Arguments pick among them: so that values meet again,
// and because making a value costs more than sending it.
type values struct {
	words, bigs, indexes, spans, moments, scores, borders, bits, patterns, cursors []([]byte)
	timeouts, encodings, slots, protocols, dbs, counts                             []([]byte)
	scripts, functions, digests, nodes, names                                      []([]byte)
}

// drawn is what gofuzz fills.
type drawn struct {
	Words   [24]word
	Numbers [12]number
	Floats  [10]float
}

type (
	word   []byte
	number int64
	float  float64
)

// edges are numbers at which parsers and counters break.
var edges = []int64{
	0, 1, -1, 2, 3, 7, 10, 100, 255, 256, 32767, 65536, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1,
	math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MaxUint32,
}

// hashes are well-formed: 8.6 answers SET with GET and an ill-formed one twice (docs/findings.md), which no stream
// survives.
var hashes = texts("0123456789abcdef", "b6acb9d84a38ff74", "FFFFFFFFFFFFFFFF")

// newValues draws the values of a seed.
func newValues(seed uint64, t *topology, nodes [][]byte) *values {
	f := fuzz.NewWithSeed(int64(seed)).NilChance(0).Funcs(
		func(w *word, c fuzz.Continue) {
			switch c.Intn(8) {
			case 0:
				*w = []byte(strconv.Itoa(c.Intn(20)))
			case 1:
				*w = make([]byte, c.Intn(5))
				c.Read(*w)
			case 2:
				*w = []byte(strconv.FormatFloat(c.NormFloat64()*10, 'g', 4, 64))
			case 3:
				b := make([]byte, 20+c.Intn(100))
				for i := range b {
					b[i] = 'a' + byte(c.Intn(4))
				}
				*w = b
			default:
				*w = []byte{'a' + byte(c.Intn(6)), '0' + byte(c.Intn(3))}
			}
		},
		func(n *number, c fuzz.Continue) {
			if c.RandBool() {
				*n = number(edges[c.Intn(len(edges))])
			} else {
				*n = number(c.Int63n(2000) - 1000)
			}
		},
		func(n *float, c fuzz.Continue) {
			switch c.Intn(4) {
			case 0:
				*n = float(edges[c.Intn(len(edges))])
			case 1:
				*n = float(c.NormFloat64() * 1e10)
			default:
				*n = float(c.Intn(40)-20) / 4
			}
		},
	)
	var d drawn
	f.Fuzz(&d)
	v := &values{
		words:     texts("a", "b", "c", "1", "2", "3", "10", "-1", "", "abc", "1.5", "f1", "f2", "f3"),
		bigs:      texts("1", "1", "2", "-1", "10", "x", "9223372036854775807", "1.5", " 1", "01"),
		indexes:   texts("0", "1", "2", "-1", "-2", "3", "5", "-100", "100", "x", "9223372036854775807"),
		spans:     texts("100000", "200000000", "86400", "0", "-1", "9223372036854775807", "x", "-9223372036854775808"),
		moments:   texts("4102444800000", "4102444800", "1", "0", "-1", "9223372036854775807", "x"),
		scores:    texts("0", "1", "-1", "2.5", "3", "inf", "-inf", "nan", "1e308", "0.1", "x", "+inf", "-0"),
		borders:   texts("0", "-1", "1", "(1", "-inf", "+inf", "[a", "(b", "-", "+", "5", "2", "(2.5", "x", "["),
		bits:      texts("0", "1", "7", "8", "9", "100", "-1", "x", "511", "4294967296", "#1"),
		patterns:  texts("*", "a*", "?1", "[a-c]*", "\\*", "", "nosuch*", "{*", "#", "k*->f1"),
		cursors:   texts("0", "0", "0", "x", "-1"),
		timeouts:  texts("0.001", "0.002", "0.003", "-1", "x", "inf", "1e400"),
		encodings: texts("u8", "i8", "u1", "i64", "u63", "u64", "i16", "x8", "u0"),
		protocols: texts("2", "3", "3", "4", "x"),
		dbs:       texts("0", "0", "1", "-1", "x", "16"),
		counts:    texts("0", "-1", "1000", "x", "2147483648", "99999999999999999999", "01"),
		slots:     texts("0", "16383", "16384", "-1", "x", "1", "5000"),
		names:     texts("GET", "set", "xread", "EVAL", "cluster|nodes", "config", "nosuch", "config|nosuch", "object|help"),
		nodes:     append(texts("0000000000000000000000000000000000000000", "x", ""), nodes...),
		scripts:   scripts, functions: texts("f", "g", "nosuch", ""),
	}
	for _, w := range d.Words {
		v.words = append(v.words, w)
	}
	for _, n := range d.Numbers {
		b := strconv.AppendInt(nil, int64(n), 10)
		v.bigs, v.words = append(v.bigs, b), append(v.words, b)
	}
	for _, n := range d.Floats {
		v.scores = append(v.scores, strconv.AppendFloat(nil, float64(n), 'g', -1, 64))
	}
	for p := range t.groups {
		for _, g := range t.groups[p] {
			v.slots = append(v.slots, strconv.AppendInt(nil, int64(g.slot), 10))
		}
	}
	for _, s := range scripts {
		v.digests = append(v.digests, digestOf(s))
	}
	v.digests = append(v.digests, texts("0000000000000000000000000000000000000000", "x")...)
	return v
}

func texts(ss ...string) [][]byte {
	out := make([][]byte, len(ss))
	for i, s := range ss {
		out[i] = []byte(s)
	}
	return out
}

// of is the pool for a use.
func (v *values) of(u use) [][]byte {
	switch u {
	case useCount:
		return v.counts
	case useIndex:
		return v.indexes
	case useBig:
		return v.bigs
	case useBit:
		return v.bits[:2]
	case useBits:
		return v.bits
	case useSpan:
		return v.spans
	case useMoment:
		return v.moments
	case useTimeout:
		return v.timeouts
	case useCursor:
		return v.cursors
	case useSlot:
		return v.slots
	case useScore:
		return v.scores
	case useBorder:
		return v.borders
	case useEncoding:
		return v.encodings
	case useProtocol:
		return v.protocols
	case useScript:
		return v.scripts
	case useFunction:
		return v.functions
	case useDigest:
		return v.digests
	case useNode:
		return v.nodes
	case usePattern:
		return v.patterns
	case useCommand:
		return v.names
	case useDB:
		return v.dbs
	case useHash:
		return hashes
	}
	return v.words
}
