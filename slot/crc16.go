package slot

// The checksum is CRC-16/XMODEM: polynomial x^16+x^12+x^5+1, initial value 0,
// no reflection, no final xor (Redis Cluster specification, appendix A).
const polynomial = 0x1021

// crcTable[i] is the remainder of the byte i shifted left by eight bits.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		r := uint16(i) << 8
		for range 8 {
			if r&0x8000 != 0 {
				r = r<<1 ^ polynomial
			} else {
				r <<= 1
			}
		}
		t[i] = r
	}
	return t
}()

// CRC16 returns the checksum of b that Redis hashes keys with. Of an empty b it is 0.
func CRC16(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^c]
	}
	return crc
}
