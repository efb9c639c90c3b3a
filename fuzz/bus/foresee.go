package bus

import (
	"fmt"
	"time"
)

// foresight is how long both sides may fail alike to show what a step foresees before the twin counts as wrong about both.
const foresight = time.Second

// foreseen waits on both sides for what a step foresees, and says what did not come. Where neither shows it, and both fail in the same way,
// it is not waited for long: they agree, but nobody knows any more what to wait for next.
func (ln *lane) foreseen(st *step) (errs [2]error) {
	await := func(i int, within time.Duration) {
		if st.received > 0 {
			errs[i] = ln.sides[i].awaitReceived(st.received, within)
		} else {
			errs[i] = ln.sides[i].await(st.link, st.await, st.gone, within)
		}
	}
	for i, s := range ln.sides {
		await(i, min(foresight, s.within))
	}
	if unlike(st.link, errs) == "" {
		return errs
	}
	for i, s := range ln.sides {
		if errs[i] != nil && s.within > foresight {
			await(i, s.within-foresight)
		}
	}
	return errs
}

// unlike says how the sides differ in what they were waited for; "" where both did, or failed alike: then the twin was wrong about both.
func unlike(l Link, errs [2]error) string {
	if orFine(errs[0]) == orFine(errs[1]) {
		return ""
	}
	return fmt.Sprintf("%s: oracle %s, target %s", l, orFine(errs[0]), orFine(errs[1]))
}

func orFine(err error) string {
	if err == nil {
		return "as expected"
	}
	return err.Error()
}
