package probe

import "testing"

func TestParseInfo(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Info
	}{
		"redis 8.6":  {"# Server\r\nredis_version:8.6.3\r\nredis_build_id:8cac\r\nredis_mode:cluster\r\nprocess_id:42\r\nrun_id:91\r\ntcp_port:20001\r\n", Info{"redis", "8.6.3", "8cac", 42, 20001, true, "91"}},
		"valkey 9":   {"# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\nserver_mode:standalone\r\nredis_mode:standalone\r\n", Info{Product: "valkey", Version: "9.1.2"}},
		"fewest":     {"redis_version:1", Info{Product: "redis", Version: "1"}},
		"other fork": {"redis_version:7.0.0\nserver_name:fork\n", Info{Product: "fork", Version: "7.0.0"}},
	} {
		got, err := ParseInfo(c.text)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	for _, text := range []string{"", "hello", "redis_version:8\nprocess_id:x", "redis_version:8\ntcp_port:99999"} {
		if got, err := ParseInfo(text); err == nil || got != (Info{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
