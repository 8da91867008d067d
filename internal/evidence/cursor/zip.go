package cursor

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"path"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
)

// maxDirectory bounds a zip's central directory: room for 100,000 members and more, of which
// a code scanner's archive of the sources has thousands.
const maxDirectory = 16 << 20

// Zip is an archive read by its central directory. Members are inflated as
// streams under the limits and never extracted.
type Zip struct {
	r      *zip.Reader
	limits Limits
}

// OpenZip reads the directory of an archive.
func OpenZip(r io.ReaderAt, size int64, limits Limits) (*Zip, error) {
	if err := checkDirectory(r, size); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "evidence.zip", "the zip archive is damaged or cut short: its directory cannot be read")
	}
	return &Zip{r: z, limits: limits}, nil
}

// checkDirectory refuses a directory that would not fit into modest memory: all
// of it lies between its stated start and the end record.
func checkDirectory(r io.ReaderAt, size int64) error {
	const record, longest = 22, 22 + 1<<16
	buf := make([]byte, min(size, longest))
	if _, err := r.ReadAt(buf, size-int64(len(buf))); err != nil && err != io.EOF {
		return err
	}
	for i := len(buf) - record; i >= 0; i-- {
		if binary.LittleEndian.Uint32(buf[i:]) != 0x06054b50 {
			continue
		}
		length, start := int64(binary.LittleEndian.Uint32(buf[i+12:])), int64(binary.LittleEndian.Uint32(buf[i+16:]))
		end := size - int64(len(buf)) + int64(i)
		if start != 0xffffffff && (length > maxDirectory || end-start > maxDirectory) || start == 0xffffffff && length > maxDirectory && length != 0xffffffff {
			return fault.New(fault.TooLarge, "evidence.zip_directory", "the zip archive's directory is larger than %d MiB", maxDirectory>>20)
		}
		return nil
	}
	return nil
}

// Names returns the names of the members that are files, in the archive's order.
func (z *Zip) Names() []string {
	names := make([]string, 0, len(z.r.File))
	for _, f := range z.r.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}

// Total returns the inflated size of all members by the directory, at most 1 << 62.
func (z *Zip) Total() int64 {
	total := uint64(0)
	for _, f := range z.r.File {
		total = min(total+min(f.UncompressedSize64, 1<<61), 1<<62)
	}
	return int64(total)
}

// Find returns the name of the member with the base name, ignoring case and
// preferring the shallowest; "" where there is none.
func (z *Zip) Find(base string) string {
	found := ""
	for _, f := range z.r.File {
		if strings.EqualFold(path.Base(strings.ReplaceAll(f.Name, `\`, "/")), base) && (found == "" || len(f.Name) < len(found)) {
			found = f.Name
		}
	}
	return found
}

// Source returns the member as a source; it is inflated anew at each Open.
func (z *Zip) Source(name string) *Source {
	return &Source{Name: name, Limits: z.limits, Open: func() (io.Reader, error) {
		r, err := z.open(name)
		if err != nil {
			return nil, err
		}
		return Decode(r)
	}}
}

func (z *Zip) open(name string) (io.Reader, error) {
	for _, f := range z.r.File {
		if f.Name != name {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "evidence.zip_member", "%s in the zip archive cannot be read", name)
		}
		packed := int64(max(f.CompressedSize64, 1))
		// The directory's size counts against the total (see Total): a member may not be longer than it says.
		most := int64(min(f.UncompressedSize64, uint64(z.limits.Bytes)))
		return Bound(r, most, func() int64 { return packed }, z.limits.Ratio), nil
	}
	return nil, fault.New(fault.Invalid, "evidence.zip_member", "the zip archive has no member %s", name)
}
