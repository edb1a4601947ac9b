package main

import (
	"bytes"
	"encoding/binary"
)

// What is left of the function table (lines.go) is a record for each function, a list of where those
// are, and a list by place in the program. All of it follows a plan, but one that gzip does not see:
// numbers that grow by a little, in the middle of others. So the file carries the records' words by
// column, each as the step from the largest of its column so far or as a number that was there before,
// and a function that the engine calls before anything else writes the three tables from that. 100 KB
// less of what everybody downloads; the memory is the same as before when Go's own code begins.
//
// A column's number is a varint: twice the step up from the largest so far, or twice the number plus
// one. Numbers are one more than the words, so that "none", which is all ones, is 0.
const (
	wordsFixed  = funcBytes / 4
	wordPCData  = 7  // how many words of pcdata follow
	byteData    = 43 // and of funcdata, after those
	columnsData = 16 // at most so many of either
	columns     = wordsFixed + 2*columnsData
	bucketBytes = 320 // of runtime.findfunctab between two places that are looked at under WASM, where each function has 64 KiB
)

// tables says where things are in memory.
type tables struct {
	funcs   int // how many
	base    int // offsets of records count from here; the list of records begins here
	first   int // the first record
	end     int // behind the last
	buckets int // the list by place
	after   int // behind what is looked at of it; other things follow
}

// squeeze takes the tables out of mem and returns the function that writes them.
func squeeze(mem []byte) ([]byte, error) {
	t, err := findTables(mem)
	if err != nil {
		return nil, err
	}
	var cols [columns]column
	p := t.first
	for i := range t.funcs {
		entry := mem[t.base+8*i:]
		if t.base+int(binary.LittleEndian.Uint32(entry[4:])) != p || binary.LittleEndian.Uint32(entry) != binary.LittleEndian.Uint32(mem[p:]) {
			return nil, errLines
		}
		if b := mem[t.buckets+bucketBytes*i:]; int(binary.LittleEndian.Uint32(b)) != i || b[4] != 0 {
			return nil, errLines
		}
		pcdata := int(binary.LittleEndian.Uint32(mem[p+4*wordPCData:]))
		words := wordsFixed + pcdata + int(mem[p+byteData])
		for w := range words {
			c := w
			if w >= wordsFixed+pcdata {
				c = w - pcdata + columnsData
			}
			cols[c].add(binary.LittleEndian.Uint32(mem[p+4*w:]))
		}
		p = (p + 4*words + 7) &^ 7
	}
	clear(mem[t.base : t.base+8*t.funcs])
	clear(mem[t.first:t.end])
	clear(mem[t.buckets:t.after])
	// Where the next byte of each column is, and its largest number so far; then the columns.
	at := t.buckets + 8*columns
	for i := range cols {
		if at+len(cols[i].bytes) > t.after {
			return nil, errLines
		}
		binary.LittleEndian.PutUint32(mem[t.buckets+8*i:], uint32(at))
		at += copy(mem[at:], cols[i].bytes)
	}
	return t.writer(), nil
}

// findTables checks that all is where it is thought to be.
func findTables(mem []byte) (*tables, error) {
	at := bytes.Index(mem, tableHeader)
	if at < 0 || at+headerBytes > len(mem) {
		return nil, errLines
	}
	module, err := findModule(mem, at)
	if err != nil {
		return nil, err
	}
	word := func(i int) int { return int(binary.LittleEndian.Uint64(mem[module+8*i:])) }
	t := &tables{funcs: int(binary.LittleEndian.Uint64(mem[at+8:])), base: word(16), buckets: word(19)}
	if t.funcs < 1 || t.funcs > 1<<20 || word(13) != t.base || word(17) != t.funcs+1 || t.base < at || t.base > len(mem) || t.base+8*t.funcs+8 > len(mem) || t.buckets < t.base || t.buckets > len(mem) {
		return nil, errLines
	}
	// The last function has a number and a byte, no more; epclntab is there.
	if t.after = t.buckets + bucketBytes*(t.funcs-1) + 5; t.after > len(mem) || t.after != word(41) {
		return nil, errLines
	}
	record := func(i int) int { return t.base + int(binary.LittleEndian.Uint32(mem[t.base+8*i+4:])) }
	t.first = record(0)
	if t.first < t.base+8*t.funcs+8 {
		return nil, errLines
	}
	for i := range t.funcs {
		p := record(i)
		if p < t.first || p+funcBytes > t.buckets {
			return nil, errLines
		}
		pcdata, data := binary.LittleEndian.Uint32(mem[p+4*wordPCData:]), int(mem[p+byteData])
		if pcdata > columnsData || data > columnsData {
			return nil, errLines
		}
		t.end = p + funcBytes + 4*(int(pcdata)+data)
	}
	if t.end > t.buckets {
		return nil, errLines
	}
	return t, nil
}

// column is the numbers of one word of all records.
type column struct {
	most  uint32
	bytes []byte
}

func (c *column) add(word uint32) {
	n := word + 1
	if n < c.most {
		c.bytes = binary.AppendUvarint(c.bytes, 2*uint64(n)+1)
		return
	}
	c.bytes = binary.AppendUvarint(c.bytes, 2*uint64(n-c.most))
	c.most = n
}

// writer is the body of the function that writes the tables: WebAssembly core specification 2.0, §5.4.
func (t *tables) writer() []byte {
	const ( // locals: six of 32 bits, two of 64
		record, function, word, col, next, number, wide, shift = 0, 1, 2, 3, 4, 5, 6, 7
	)
	var c code
	c.add(2, 6, i32, 2, i64)
	c.number(t.first).set(record)
	c.add(opLoop, noResult)
	c.number(0).set(word)
	c.add(opLoop, noResult)
	// The column: that of the word, or of funcdata behind 16 of pcdata.
	c.get(word).set(col)
	c.get(word).get(record).load(4*wordPCData).number(wordsFixed).add(opAdd, opNotBelow, opIf, noResult)
	c.get(word).get(record).load(4 * wordPCData).add(opSub).number(columnsData).add(opAdd).set(col)
	c.add(opEnd)
	c.get(col).number(8).add(opMultiply).number(t.buckets).add(opAdd).set(col)
	c.get(col).load(0).set(next)
	// Its next varint.
	c.add(opWideNumber, 0).set(wide)
	c.add(opWideNumber, 0).set(shift)
	c.add(opLoop, noResult)
	c.get(next).loadByte(0).set(number)
	c.get(next).number(1).add(opAdd).set(next)
	c.get(wide).get(number).number(127).add(opAnd, opWiden).get(shift).add(opWideLeft, opWideOr).set(wide)
	c.get(shift).add(opWideNumber, 7, opWideAdd).set(shift)
	c.get(number).number(128).add(opNotBelow, opAgainIf, 0, opEnd)
	c.get(col).get(next).store(0)
	// Its number: a step, or as it is.
	c.get(wide).add(opWideNumber, 1, opWideRight, opNarrow).set(number)
	c.get(wide).add(opNarrow).number(1).add(opAnd, opZero, opIf, noResult)
	c.get(number).get(col).load(4).add(opAdd).set(number)
	c.get(col).get(number).store(4)
	c.add(opEnd)
	c.get(record).get(word).number(4).add(opMultiply, opAdd).get(number).number(1).add(opSub).store(0)
	c.get(word).number(1).add(opAdd).set(word)
	c.get(word).get(record).load(4*wordPCData).get(record).loadByte(byteData).add(opAdd).number(wordsFixed).add(opAdd, opBelow, opAgainIf, 0, opEnd)
	// The list of records.
	c.get(function).number(8).add(opMultiply).get(record).load(0).store(t.base)
	c.get(function).number(8).add(opMultiply).get(record).number(t.base).add(opSub).store(t.base + 4)
	c.get(record).get(word).number(4).add(opMultiply, opAdd).number(7).add(opAdd).number(3).add(opRight).number(3).add(opLeft).set(record)
	c.get(function).number(1).add(opAdd).set(function)
	c.get(function).number(t.funcs).add(opBelow, opAgainIf, 0, opEnd)
	// The list by place, over the columns. Behind the fifth byte of the last are other things.
	c.number(0).set(function)
	c.add(opLoop, noResult)
	c.get(function).number(bucketBytes).add(opMultiply).get(function).store(t.buckets)
	c.get(function).number(bucketBytes).add(opMultiply).number(0).storeByte(t.buckets + 4)
	c.get(function).number(1).add(opAdd).set(function)
	c.get(function).number(t.funcs).add(opBelow, opAgainIf, 0, opEnd)
	c.add(opEnd)
	return c
}

// code is instructions; op… are those with nothing or one byte behind them.
type code []byte

const (
	i32, i64 = 0x7f, 0x7e
	noResult = 0x40

	opLoop, opIf, opEnd, opAgainIf       = 0x03, 0x04, 0x0b, 0x0d
	opWideNumber                         = 0x42
	opZero, opBelow, opNotBelow          = 0x45, 0x49, 0x4f
	opAdd, opSub, opMultiply, opAnd      = 0x6a, 0x6b, 0x6c, 0x71
	opLeft, opRight                      = 0x74, 0x76
	opWideAdd, opWideOr, opWideLeft      = 0x7c, 0x84, 0x86
	opWideRight, opNarrow, opWiden  byte = 0x88, 0xa7, 0xad
)

func (c *code) add(b ...byte) *code  { *c = append(*c, b...); return c }
func (c *code) get(local byte) *code { return c.add(0x20, local) }
func (c *code) set(local byte) *code { return c.add(0x21, local) }

func (c *code) number(n int) *code {
	*c = appendSigned(append(*c, 0x41), uint64(n))
	return c
}
func (c *code) load(offset int) *code      { return c.access(0x28, offset) }
func (c *code) loadByte(offset int) *code  { return c.access(0x2d, offset) }
func (c *code) store(offset int) *code     { return c.access(0x36, offset) }
func (c *code) storeByte(offset int) *code { return c.access(0x3a, offset) }
func (c *code) access(op byte, offset int) *code {
	*c = binary.AppendUvarint(append(*c, op, 0), uint64(offset)) // no alignment is promised
	return c
}
