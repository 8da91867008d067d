package result

import "hash/fnv"

// maxKeys is how many different keys of one file are remembered, in a table of
// 8 bytes per slot: 4 MiB, whatever the size of the file.
const (
	maxKeys  = 1 << 18
	maxSlots = 2 * maxKeys
)

// occurrences counts repeats of keys in fixed memory: an open-addressing table
// of 48 bits of the key's hash and 16 bits of count.
type occurrences struct {
	slots []uint64
	used  int
}

// next returns which occurrence of the key this is, from 1; known is false
// where the table is full and the key is not in it, so that it counts as first.
func (o *occurrences) next(key string) (n int, known bool) {
	if o.slots == nil {
		o.slots = make([]uint64, 1<<10)
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	sum := h.Sum64()
	mark := sum &^ 0xffff
	if mark == 0 {
		mark = 1 << 16
	}
	i := o.find(mark)
	if o.slots[i] == 0 {
		if o.used == maxKeys {
			return 1, false
		}
		if o.used*2 >= len(o.slots) {
			o.grow()
			i = o.find(mark)
		}
		o.used++
		o.slots[i] = mark
	}
	if o.slots[i]&0xffff < 0xffff {
		o.slots[i]++
	}
	return int(o.slots[i] & 0xffff), true
}

func (o *occurrences) find(mark uint64) int {
	size := uint64(len(o.slots))
	i := (mark >> 16) % size
	for o.slots[i] != 0 && o.slots[i]&^0xffff != mark {
		i = (i + 1) % size
	}
	return int(i)
}

func (o *occurrences) grow() {
	old := o.slots
	o.slots = make([]uint64, min(len(old)*4, maxSlots))
	for _, s := range old {
		if s != 0 {
			o.slots[o.find(s&^0xffff)] = s
		}
	}
}
