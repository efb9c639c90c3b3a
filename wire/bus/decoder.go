package bus

// Decoder parses packets into memory that it uses again, so that a node which receives gossip
// allocates nothing once the decoder has seen its largest packet. The zero value is ready.
// It must not be used by two goroutines at once.
type Decoder struct {
	pkt     Packet
	ping    Ping
	fail    Fail
	publish Publish
	empty   Empty
	update  Update
	module  Module
	unknown Unknown
}

// Decode is [Parse] without allocation: the packet and its body are valid until the next call,
// and their byte slices alias b.
func (d *Decoder) Decode(b []byte) (*Packet, error) {
	if err := checkExtent(b); err != nil {
		return nil, err
	}
	d.pkt.Header.read(b)
	d.pkt.Body = d.body(d.pkt.Type)
	d.pkt.Body.reset()
	if err := d.pkt.Body.decode(&d.pkt.Header, b[HeaderLen:]); err != nil {
		return nil, err
	}
	return &d.pkt, nil
}

func (d *Decoder) body(t Type) Body {
	switch t {
	case TypePing, TypePong, TypeMeet:
		return &d.ping
	case TypeFail:
		return &d.fail
	case TypePublish, TypePublishShard:
		return &d.publish
	case TypeAuthRequest, TypeAuthAck, TypeMFStart:
		return &d.empty
	case TypeUpdate:
		return &d.update
	case TypeModule:
		return &d.module
	default:
		return &d.unknown
	}
}
