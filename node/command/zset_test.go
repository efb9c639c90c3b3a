package command

import "testing"

// The answers were given by redis 8.6.3.
func TestSortedSets(t *testing.T) {
	newRig(t).run(`
		a ZADD b 1 a 2 b 3 c => :3
		a ZADD b NX 5 a 7 d => :1
		a ZADD b XX CH 5 a 7 e => :1
		a ZADD b GT CH 4 a 9 b => :1
		a ZADD b NX XX 1 a => -ERR XX and NX options at the same time are not compatible
		a ZADD b INCR 1 a 2 b => -ERR INCR option supports a single increment-element pair
		a ZADD b NX INCR 1 a => $-1
		a ZADD b NX 1 => -ERR syntax error
		a ZADD b nan a => -ERR value is not a valid float
		a ZADD b inf i => :1
		a ZINCRBY b -inf i => -ERR resulting score is not a number (NaN)
		a ZREM b i => :1
		a ZRANGE b 0 -1 WITHSCORES => *8|$1|c|$1|3|$1|a|$1|5|$1|d|$1|7|$1|b|$1|9
		a ZRANGE b 8 (3 BYSCORE REV LIMIT 0 1 => *1|$1|d
		a ZRANGE b 0 1 LIMIT 0 1 => -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
		a ZRANGE b a b BYLEX => -ERR min or max not valid string range item
		a ZREVRANK b b WITHSCORE => *2|:0|$1|9
		a ZRANK b nosuch WITHSCORE => *-1
		a ZCOUNT b 1 (9 => :3
		a ZMSCORE b a nosuch => *2|$1|5|$-1
		a SADD {b}s a q => :2
		a ZUNION 2 b {b}s AGGREGATE MIN WITHSCORES => *10|$1|a|$1|1|$1|q|$1|1|$1|c|$1|3|$1|d|$1|7|$1|b|$1|9
		a ZINTER 2 b {b}s WEIGHTS 2 3 WITHSCORES => *2|$1|a|$2|13
		a ZDIFF 2 b {b}s => *3|$1|c|$1|d|$1|b
		a ZINTERCARD 2 b {b}s LIMIT -1 => -ERR LIMIT can't be negative
		a ZUNIONSTORE {b}d 1 {b}nosuch => :0
		a ZUNION 0 b => -ERR at least 1 input key is needed for 'zunion' command
		a ZUNION 5 b => -ERR syntax error
		a ZMPOP 2 {b}nosuch b MIN => *2|$1|b|*1|*2|$1|c|$1|3
		a ZMPOP 0 b MIN => -ERR numkeys should be greater than 0
		a ZPOPMAX b 9 => *6|$1|b|$1|9|$1|d|$1|7|$1|a|$1|5
		a EXISTS b => :0
		a SET b x => +OK
		a ZADD b 1 a => -WRONGTYPE Operation against a key holding the wrong kind of value
		a ZUNION 1 b => -WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}

func TestSort(t *testing.T) {
	newRig(t).run(`
		a RPUSH b 3 1 2 10 => :4
		a SORT b => *4|$1|1|$1|2|$1|3|$2|10
		a SORT b ALPHA DESC LIMIT 1 2 => *2|$1|2|$2|10
		a SORT b BY nosort DESC => *4|$2|10|$1|2|$1|1|$1|3
		a SORT b BY w_* => -ERR BY option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.
		a MSET {b}w_1 3 {b}w_2 2 {b}w_3 1 {b}w_10 0 => +OK
		a SORT b BY {b}w_* GET # GET {b}w_* GET {b}v_* LIMIT 0 1 => *3|$2|10|$1|0|$-1
		a SORT b GET {b}v_* STORE {b}s => :4
		a LRANGE {b}s 0 0 => *1|$0||
		a SORT {b}nosuch STORE {b}s => :0
		a EXISTS {b}s => :0
		a SORT_RO b STORE {b}s => -ERR syntax error
		a RPUSH {b}m x => :1
		a SORT {b}m => -ERR One or more scores can't be converted into double
		a SORT {b}w_1 => -WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}
