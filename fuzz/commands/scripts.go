package commands

import (
	"crypto/sha1"
	"encoding/hex"
)

// scripts are what EVAL runs: with declared keys and others, with and without flags, that fail and that do not
// compile. None has a result that depends on a hash table's order or on time.
var scripts = texts(
	"return redis.call('GET',KEYS[1])",
	"return redis.call('SET',KEYS[1],ARGV[1])",
	"return {KEYS[1],ARGV[1]}",
	"return redis.call('INCR',KEYS[1])",
	"return redis.pcall('LPUSH',KEYS[1],ARGV[1])",
	"return redis.call('MGET',KEYS[1],KEYS[2])",
	"return redis.call('EXISTS',KEYS[1],KEYS[2])",
	"return redis.call('SET','k7',ARGV[1])",
	"return redis.pcall('GET','k8')",
	"redis.call('DEL',KEYS[1]) return redis.call('RPUSH',KEYS[1],'a','b',ARGV[1])",
	"return 1",
	"return {1,2.5,'a',false,true,{ok='fine'},3}",
	"return redis.error_reply('MY words')",
	"return redis.status_reply('FINE')",
	"return {err='TRYAGAIN of my own'}",
	"#!lua\nreturn redis.call('SET',KEYS[1],'x')",
	"#!lua flags=no-writes\nreturn redis.call('GET',KEYS[1])",
	"#!lua flags=no-writes\nreturn redis.call('SET',KEYS[1],'x')",
	"#!lua flags=allow-cross-slot-keys\nreturn redis.call('GET',KEYS[2])",
	"#!lua flags=no-cluster\nreturn 1",
	"#!lua flags=nosuch\nreturn 1",
	"return redis.call('CLUSTER','KEYSLOT',KEYS[1])",
	"return redis.call('SELECT','1')",
	"return redis.pcall('MULTI')",
	"return redis.pcall('NOSUCH')",
	"return redis.pcall('GET')",
	"redis.setresp(3) return redis.call('HGET',KEYS[1],'f1')",
	"return redis.sha1hex(ARGV[1])",
	"return #KEYS",
	"return tonumber(ARGV[1])",
	"return nil",
)

// library is what FUNCTION LOAD loads.
var library = []byte("#!lua name=l\nredis.register_function('f', function(k,a) return redis.call('GET',k[1]) end)\n" +
	"redis.register_function{function_name='g', callback=function(k,a) return #k end, flags={'no-writes'}}")

func digestOf(script []byte) []byte {
	sum := sha1.Sum(script)
	return []byte(hex.EncodeToString(sum[:]))
}
