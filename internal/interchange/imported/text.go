package imported

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns the text of a file in UTF-8 without a byte order mark. UTF-16 is
// told by its mark, or by the first character of what begins like XML or JSON;
// halves of characters become U+FFFD. Everything else is returned as it is.
func Text(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")):
		return data // UTF-32, which nobody writes files in
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return utf8Of(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return utf8Of(data[2:], binary.BigEndian)
	case len(data) >= 4 && opens(data[0]) && data[1] == 0 && data[2] != 0 && data[3] == 0:
		return utf8Of(data, binary.LittleEndian)
	case len(data) >= 4 && data[0] == 0 && opens(data[1]) && data[2] == 0 && data[3] != 0:
		return utf8Of(data, binary.BigEndian)
	}
	return data
}

// opens reports whether a document of XML or JSON can begin with the character.
func opens(b byte) bool { return b == '<' || b == '{' || b == '[' }

func utf8Of(data []byte, order binary.ByteOrder) []byte {
	out := make([]byte, 0, len(data)/2+len(data)/8)
	for len(data) >= 2 {
		r := rune(order.Uint16(data))
		data = data[2:]
		if utf16.IsSurrogate(r) {
			whole := utf8.RuneError
			if len(data) >= 2 {
				whole = utf16.DecodeRune(r, rune(order.Uint16(data)))
			}
			if r = whole; r != utf8.RuneError {
				data = data[2:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	if len(data) > 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return out
}
