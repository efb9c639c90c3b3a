package commands

import (
	"sync"
	"time"
)

// pokeEvery is how often a server is poked: about as long as a stream's commands block.
const pokeEvery = 2 * time.Millisecond

// poke sends PINGs to both sides, on connections of their own, until the function that it returns is called. Redis looks for
// clients whose time is over whenever it has something to do, or else ten times a second: so a
// client that waits for 2 ms gets its answer after up to 100, unless somebody pokes the server.
func (st *stage) poke() (end func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, s := range st.sides {
		if s.poker == nil {
			c, err := dial(s.node.Addr())
			if err != nil {
				continue // reading says what that means
			}
			s.poker = c
		}
		wg.Go(func() {
			tick := time.NewTicker(pokeEvery)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				if _, err := s.poker.do("PING"); err != nil {
					return
				}
			}
		})
	}
	return func() {
		close(done)
		wg.Wait()
	}
}
