package sim

import "github.com/slotdiff/slotdiff/node/cluster"

// Plant names a fault of the driver or the wire that is made on purpose.
type Plant string

type planted struct{ is Plant }

func (p *planted) onLoad(h *host, text []byte) []byte       { return text }
func (p *planted) onReady(h *host, rd *cluster.Ready)       {}
func (p *planted) onPersist(h *host, text []byte) []byte    { return text }
func (p *planted) onSend(h *host, e *end, frame []byte) int { return 1 }
func (p *planted) sendsFirst() bool                         { return false }
func (p *planted) skipsSync() bool                          { return false }
