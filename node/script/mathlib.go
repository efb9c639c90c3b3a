package script

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

func fn1(f func(float64) float64) func(call) int {
	return func(c call) int { return c.retNum(f(c.num(1))) }
}

func fn2(f func(a, b float64) float64) func(call) int {
	return func(c call) int { return c.retNum(f(c.num(1), c.num(2))) }
}

var mathFunctions = map[string]func(call) int{
	"abs": fn1(math.Abs), "acos": fn1(math.Acos), "asin": fn1(math.Asin), "atan": fn1(math.Atan), "atan2": fn2(math.Atan2),
	"ceil": fn1(math.Ceil), "cos": fn1(math.Cos), "cosh": fn1(math.Cosh), "exp": fn1(math.Exp), "floor": fn1(math.Floor),
	"log": fn1(math.Log), "log10": fn1(math.Log10), "sin": fn1(math.Sin), "sinh": fn1(math.Sinh), "sqrt": fn1(math.Sqrt),
	"tan": fn1(math.Tan), "tanh": fn1(math.Tanh), "fmod": fn2(math.Mod), "mod": fn2(math.Mod), "pow": fn2(math.Pow),
	"deg":        fn1(func(f float64) float64 { return f / (math.Pi / 180) }),
	"rad":        fn1(func(f float64) float64 { return f * (math.Pi / 180) }),
	"ldexp":      func(c call) int { return c.retNum(math.Ldexp(c.num(1), c.int32(2))) },
	"frexp":      frexp,
	"modf":       modf,
	"max":        func(c call) int { return extreme(c, func(a, b float64) bool { return a > b }) },
	"min":        func(c call) int { return extreme(c, func(a, b float64) bool { return a < b }) },
	"random":     random,
	"randomseed": randomSeed,
}

var mathValues = map[string]lua.LValue{"pi": lua.LNumber(math.Pi), "huge": lua.LNumber(math.Inf(1))}

func frexp(c call) int {
	m, e := math.Frexp(c.num(1))
	return c.ret(lua.LNumber(m), lua.LNumber(e))
}

func modf(c call) int {
	f := c.num(1)
	if math.IsInf(f, 0) {
		return c.ret(lua.LNumber(f), lua.LNumber(0))
	}
	i, frac := math.Modf(f)
	return c.ret(lua.LNumber(i), lua.LNumber(frac))
}

func extreme(c call, better func(a, b float64) bool) int {
	best := c.num(1)
	for i := 2; i <= c.GetTop(); i++ {
		if f := c.num(i); better(f, best) {
			best = f
		}
	}
	return c.retNum(best)
}

// random mirrors script_lua.c:redis_math_random, but for the numbers themselves.
func random(c call) int {
	r := c.r.chance.Float64()
	low, high := 1, 0
	switch c.GetTop() {
	case 0:
		return c.retNum(r)
	case 1:
		if high = c.int32(1); high < 1 {
			c.argError(1, "interval is empty")
		}
	case 2:
		if low, high = c.int32(1), c.int32(2); low > high {
			c.argError(2, "interval is empty")
		}
	default:
		c.RaiseError("wrong number of arguments")
	}
	return c.retNum(math.Floor(r*float64(high-low+1)) + float64(low))
}

func randomSeed(c call) int {
	c.r.chance = newChance([2]uint64{uint64(uint32(c.int32(1)))})
	return 0
}

var osFunctions = map[string]func(call) int{
	"clock": func(c call) int { return c.retNum(c.r.host.Clock()) },
}

// bitOp wraps results to 32 bits, as BitOp does.
func bitOp(f func(a, b uint32) uint32) func(call) int {
	return func(c call) int {
		acc := c.bits(1)
		for i := 2; i <= c.GetTop(); i++ {
			acc = f(acc, c.bits(i))
		}
		return c.retNum(float64(int32(acc)))
	}
}

func shift(f func(a uint32, n uint) uint32) func(call) int {
	return func(c call) int { return c.retNum(float64(int32(f(c.bits(1), uint(c.bits(2)&31))))) }
}

// bits rounds a number to the nearest integer and keeps its low 32 bits.
func (c call) bits(n int) uint32 { return uint32(toInt(math.RoundToEven(math.Mod(c.num(n), 1<<52)))) }

var bitFunctions = map[string]func(call) int{
	"tobit":   bitOp(func(a, _ uint32) uint32 { return a }),
	"bnot":    func(c call) int { return c.retNum(float64(int32(^c.bits(1)))) },
	"band":    bitOp(func(a, b uint32) uint32 { return a & b }),
	"bor":     bitOp(func(a, b uint32) uint32 { return a | b }),
	"bxor":    bitOp(func(a, b uint32) uint32 { return a ^ b }),
	"lshift":  shift(func(a uint32, n uint) uint32 { return a << n }),
	"rshift":  shift(func(a uint32, n uint) uint32 { return a >> n }),
	"arshift": shift(func(a uint32, n uint) uint32 { return uint32(int32(a) >> n) }),
	"rol":     shift(func(a uint32, n uint) uint32 { return a<<n | a>>(32-n) }),
	"ror":     shift(func(a uint32, n uint) uint32 { return a>>n | a<<(32-n) }),
	"bswap": func(c call) int {
		a := c.bits(1)
		return c.retNum(float64(int32(a<<24 | a<<8&0xff0000 | a>>8&0xff00 | a>>24)))
	},
	"tohex": toHex,
}

func toHex(c call) int {
	v, n := c.bits(1), 8
	if c.Get(2) != lua.LNil {
		n = c.int32(2)
	}
	digits := "0123456789abcdef"
	if n < 0 {
		n, digits = -n, "0123456789ABCDEF"
	}
	n = min(n, 8)
	b := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		b[i] = digits[v&15]
		v >>= 4
	}
	return c.retStr(string(b))
}
