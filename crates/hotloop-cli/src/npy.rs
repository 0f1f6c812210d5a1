//! NumPy's `.npy` files: reading any of the element types the engine has, in either byte order and either axis order;
//! writing C order.
//!
//! Owns the format, as described in NumPy's `numpy.lib.format`. Files come from strangers: the header is read by a
//! scanner without recursion, and no memory is set aside on the word of a header alone.

use crate::elements::{for_type, push_bytes};
use crate::literal::shown;
use crate::mapped::{self, Mapped};
use crate::value::Loaded;
use hotloop::{Array, Element, Type, Value, View};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longer headers belong to structured arrays, which are not supported.
const MAX_HEADER: usize = 1 << 16;
/// The header is padded so that the elements begin at a multiple of this.
const ALIGN: usize = 64;
const CHUNK: usize = 1 << 18;

/// NumPy's name of each element type, without the byte order.
const NAMES: [(&str, Type); 15] = [
    ("b1", Type::Bool),
    ("i1", Type::I8),
    ("i2", Type::I16),
    ("i4", Type::I32),
    ("i8", Type::I64),
    ("u1", Type::U8),
    ("u2", Type::U16),
    ("u4", Type::U32),
    ("u8", Type::U64),
    ("f4", Type::F32),
    ("f8", Type::F64),
    ("f2", Type::F16),
    // NumPy has no such type; this is what `ml_dtypes` writes for its `bfloat16`.
    ("V2", Type::BF16),
    ("c8", Type::C64),
    ("c16", Type::C128),
];

/// Loads a file: maps a large one, reads a small one or one in another byte order. An array without axes becomes a
/// scalar.
pub fn load(path: &Path) -> Result<Loaded, String> {
    let mut file = File::open(path).map_err(crate::report::io_text)?;
    let length = file.metadata().ok().filter(|data| data.is_file()).map(|data| data.len());
    if length.is_some_and(|length| length >= mapped::LEAST) {
        let (header, start) = read_header(&mut file)?;
        let is_native = header.is_big == cfg!(target_endian = "big") || header.ty.bytes() == 1;
        let map = || Mapped::open(&file, start, header.ty, &header.shape, header.is_fortran && header.shape.len() > 1);
        if let Some(mapped) = is_native.then(map).flatten() {
            return Ok(Loaded::Mapped(mapped));
        }
        file.rewind().map_err(crate::report::io_text)?;
    }
    read_from(&mut file, length).map(Loaded::Value)
}

fn read_from(input: &mut impl Read, length: Option<u64>) -> Result<Value, String> {
    let (header, start) = read_header(input)?;
    let count = header.shape.iter().try_fold(1u64, |count, extent| count.checked_mul(*extent as u64));
    let bytes = count.and_then(|count| count.checked_mul(header.ty.bytes() as u64));
    let bytes = bytes.ok_or_else(|| format!("an array of shape {:?} is too large for memory", header.shape))?;
    match length.and_then(|length| length.checked_sub(start)) {
        Some(held) if held < bytes => return Err(cut_off(bytes, held)),
        Some(_) | None => {}
    }
    for_type!(header.ty, read_elements(input, &header, bytes))
}

fn read_elements<T: Element>(input: &mut impl Read, header: &Header, bytes: u64) -> Result<Value, String> {
    let mut elements: Vec<T> = Vec::new();
    let mut buffer = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let part = &mut buffer[..left.min(CHUNK as u64) as usize];
        input.read_exact(part).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut_off(bytes, bytes - left),
            _ => crate::report::io_text(error),
        })?;
        let wanted = (left / T::TYPE.bytes() as u64).min(elements.len().max(CHUNK) as u64) as usize;
        if elements.capacity() - elements.len() < part.len() / T::TYPE.bytes() {
            elements.try_reserve_exact(wanted).map_err(|_| "the array is too large for memory".to_owned())?;
        }
        push_bytes(part, header.is_big, &mut elements);
        left -= part.len() as u64;
    }
    into_value(elements, header)
}

fn into_value<T: Element>(elements: Vec<T>, header: &Header) -> Result<Value, String> {
    let text = |error: hotloop::ArgumentError| error.to_string();
    if let ([], [element]) = (&*header.shape, &*elements) {
        return Ok(Value::Scalar(element.to_scalar()));
    }
    if header.is_fortran && header.shape.len() > 1 {
        let reversed: Vec<usize> = header.shape.iter().rev().copied().collect();
        let view = View::with_shape(&elements, &reversed).map_err(text)?;
        return view.transposed().to_array().map(Value::Array).map_err(text);
    }
    Array::from_vec(elements, &header.shape).map(Value::Array).map_err(text)
}

fn cut_off(expected: u64, found: u64) -> String {
    format!("the file is cut off: its array takes {expected} bytes, {found} are there")
}

#[derive(Debug, PartialEq)]
struct Header {
    ty: Type,
    is_big: bool,
    is_fortran: bool,
    shape: Vec<usize>,
}

/// Reads up to the elements; gives how many bytes that were.
fn read_header(input: &mut impl Read) -> Result<(Header, u64), String> {
    let mut start = [0; 8];
    if !fill(input, &mut start)? || !start.starts_with(MAGIC) {
        return Err("not an npy file".to_owned());
    }
    let mut length = [0; 4];
    let width = match start[6] {
        1 => 2,
        2 | 3 => 4,
        other => return Err(format!("version {other} of the npy format is not known")),
    };
    let short = || "the file is cut off in its header".to_owned();
    if !fill(input, &mut length[..width])? {
        return Err(short());
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(format!("the header of {length} bytes is too long"));
    }
    let mut text = vec![0; length];
    if !fill(input, &mut text)? {
        return Err(short());
    }
    let header = parse_header(&String::from_utf8_lossy(&text))?;
    Ok((header, (start.len() + width + length) as u64))
}

/// Fills the buffer; false at an early end.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<bool, String> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(crate::report::io_text(error)),
    }
}

/// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, in any order of the keys.
fn parse_header(text: &str) -> Result<Header, String> {
    let mut scan = Scan { rest: text };
    let (mut kind, mut is_fortran, mut shape) = (None, None, None);
    scan.expect("{")?;
    while !scan.take("}") {
        let key = scan.string()?;
        scan.expect(":")?;
        match key {
            "descr" => kind = Some(element_type(&mut scan)?),
            "fortran_order" => is_fortran = Some(scan.truth()?),
            "shape" => shape = Some(scan.extents()?),
            other => {
                return Err(format!("the header has an unknown entry `{}`", shown(other)));
            }
        }
        if !scan.take(",") {
            scan.expect("}")?;
            break;
        }
    }
    match (kind, is_fortran, shape) {
        (Some((ty, is_big)), Some(is_fortran), Some(shape)) => Ok(Header { ty, is_big, is_fortran, shape }),
        (None, _, _) | (_, None, _) | (_, _, None) => Err(damaged()),
    }
}

fn element_type(scan: &mut Scan<'_>) -> Result<(Type, bool), String> {
    if scan.take("[") {
        return Err("structured arrays are not supported".to_owned());
    }
    let name = scan.string()?;
    let order = name.chars().next().filter(|order| "<>|=".contains(*order));
    let plain = &name[order.map_or(0, char::len_utf8)..];
    let found = NAMES.iter().find(|row| row.0 == plain);
    let known = || NAMES.map(|row| row.0).join(", ");
    let ty = found.ok_or_else(|| {
        format!("elements of type `{}` are not supported; the supported ones are {}", shown(name), known())
    })?;
    Ok((ty.1, order == Some('>')))
}

fn damaged() -> String {
    "the header is damaged".to_owned()
}

struct Scan<'t> {
    rest: &'t str,
}

impl<'t> Scan<'t> {
    fn take(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(damaged()) }
    }

    fn string(&mut self) -> Result<&'t str, String> {
        let quote = if self.take("'") { '\'' } else { '"' };
        if quote == '"' {
            self.expect("\"")?;
        }
        let (string, rest) = self.rest.split_once(quote).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(string)
    }

    fn truth(&mut self) -> Result<bool, String> {
        if self.take("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false)
    }

    fn extents(&mut self) -> Result<Vec<usize>, String> {
        let mut extents = Vec::new();
        self.expect("(")?;
        while !self.take(")") {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            extents.push(self.rest[..end].parse().map_err(|_| damaged())?);
            self.rest = &self.rest[end..];
            // Python 2 wrote long integers with this letter.
            self.take("L");
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(extents)
    }
}

/// Writes a value in format version 1.0.
pub fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    let shape: String = value.shape().iter().map(|extent| format!("{extent},")).collect();
    let order = match value.ty().bytes() {
        1 => '|',
        _ if cfg!(target_endian = "big") => '>',
        _ => '<',
    };
    let name = NAMES.iter().find(|row| row.1 == value.ty()).map_or("", |row| row.0);
    let mut header = format!("{{'descr': '{order}{name}', 'fortran_order': False, 'shape': ({shape}), }}");
    // One byte more for the line break that ends the header.
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    let padding = unpadded.next_multiple_of(ALIGN) - unpadded;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    match value {
        Value::Array(array) => out.write_all(array.bytes()),
        Value::Device(array) => out.write_all(array.to_host().map_err(io::Error::other)?.bytes()),
        Value::Scalar(scalar) => {
            let (mut bytes, size) = scalar.to_bytes();
            if cfg!(target_endian = "big") {
                bytes[..size].chunks_exact_mut(scalar.ty.part().bytes()).for_each(<[u8]>::reverse);
            }
            out.write_all(&bytes[..size])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, parse_header, read_from, write};
    use hotloop::{Array, Complex, Element, Type, Value};

    fn file(header: &str, elements: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(elements);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Value, String> {
        let sized = read_from(&mut &*bytes, Some(bytes.len() as u64));
        let unsized_ = read_from(&mut &*bytes, None);
        // Only a file whose size is known tells how much of it is missing.
        assert_eq!(sized.as_ref().ok(), unsized_.as_ref().ok());
        sized
    }

    fn round_trip(value: Value) {
        let mut bytes = Vec::new();
        write(&value, &mut bytes).expect("memory takes all");
        let header = bytes.len() - value.shape().iter().product::<usize>() * value.ty().bytes();
        assert_eq!(header % 64, 0);
        assert_eq!(read(&bytes), Ok(value));
    }

    fn round_trips<T: Element>(elements: [T; 6]) {
        round_trip(Value::Array(Array::from_vec(elements.to_vec(), &[2, 3]).expect("six")));
        round_trip(Value::Array(Array::from_vec(elements.to_vec(), &[6]).expect("six")));
        round_trip(Value::Scalar(elements[1].to_scalar()));
    }

    #[test]
    fn every_type_comes_back() {
        round_trips([true, false, true, true, false, false]);
        round_trips([0i8, -1, 2, 3, i8::MIN, i8::MAX]);
        round_trips([0i16, -1, 2, 3, i16::MIN, i16::MAX]);
        round_trips([0i32, -1, 2, 3, i32::MIN, i32::MAX]);
        round_trips([0i64, -1, 2, 3, i64::MIN, i64::MAX]);
        round_trips([0u8, 1, 2, 3, 4, u8::MAX]);
        round_trips([0u16, 1, 2, 3, 4, u16::MAX]);
        round_trips([0u32, 1, 2, 3, 4, u32::MAX]);
        round_trips([0u64, 1, 2, 3, 4, u64::MAX]);
        round_trips([0.0f32, -0.0, 1.5, f32::MIN_POSITIVE, f32::INFINITY, -2.0]);
        round_trips([0.0f64, -0.0, 1.5, f64::MIN_POSITIVE, f64::INFINITY, -2.0]);
        round_trips([0.0, -0.0, 1.5, 65504.0, 6e-8, -2.0].map(hotloop::f16::from_f32));
        round_trips([0.0, -0.0, 1.5, 3e38, 1e-40, -2.0].map(hotloop::bf16::from_f32));
        round_trips(
            [(0.0, -0.0), (1.5, -2.0), (0.0, 1.0), (3e38, 1.0), (-1.0, 0.5), (7.0, 8.0)]
                .map(|(re, im)| Complex::<f32>::new(re, im)),
        );
        round_trips(
            [(0.0, -0.0), (1.5, -2.0), (0.0, 1.0), (3e38, 1.0), (-1.0, 0.5), (7.0, 8.0)]
                .map(|(re, im)| Complex::<f64>::new(re, im)),
        );
        round_trip(Value::Array(Array::from_vec(Vec::<f64>::new(), &[2, 0, 3]).expect("empty")));
    }

    #[test]
    fn large_files_are_read_in_parts() {
        let elements: Vec<i64> = (0..100_000).collect();
        round_trip(Value::Array(Array::from(elements)));
    }

    #[test]
    fn headers_of_numpy_are_understood() {
        let header = Header { ty: Type::F64, is_big: false, is_fortran: true, shape: vec![3, 4] };
        let texts = [
            "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }   \n",
            "{\"shape\": (3L, 4L), \"fortran_order\": True, \"descr\": \"<f8\"}",
        ];
        for text in texts {
            assert_eq!(parse_header(text).as_ref(), Ok(&header));
        }
        assert_eq!(parse_header("{'descr': '|b1', 'fortran_order': False, 'shape': ()}").map(|h| h.shape), Ok(vec![]));
    }

    #[test]
    fn fortran_order_becomes_c_order() {
        let bytes = file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", &[1, 4, 2, 5, 3, 6]);
        let expect = Array::from_vec(vec![1u8, 2, 3, 4, 5, 6], &[2, 3]).expect("six");
        assert_eq!(read(&bytes), Ok(Value::Array(expect)));
    }

    #[test]
    fn high_byte_first_is_turned() {
        let bytes = file("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", &[1, 2, 0xff, 0xfe]);
        assert_eq!(read(&bytes), Ok(Value::Array(Array::from(vec![0x102i16, -2]))));
        let parts = [1.5f32, -2.0].iter().flat_map(|part| part.to_be_bytes()).collect::<Vec<u8>>();
        let bytes = file("{'descr': '>c8', 'fortran_order': False, 'shape': (1,), }", &parts);
        assert_eq!(read(&bytes), Ok(Value::Array(Array::from(vec![Complex::new(1.5f32, -2.0)]))));
    }

    #[test]
    fn bools_other_than_one_are_true() {
        let bytes = file("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", &[0, 2, 1]);
        assert_eq!(read(&bytes), Ok(Value::Array(Array::from(vec![false, true, true]))));
    }

    #[track_caller]
    fn fails(bytes: &[u8], message: &str) {
        let error = read(bytes).expect_err(message);
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let with = |descr: &str, shape: &str| {
            file(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), &[0; 8])
        };
        fails(b"", "not an npy file");
        fails(b"PK\x03\x04 and more", "not an npy file");
        fails(b"\x93NUMPY\x09\x00\x00\x00", "version 9");
        fails(b"\x93NUMPY\x01\x00\xff\x00{", "cut off in its header");
        fails(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "too long");
        fails(&with("'<c32'", "(1,)"), "`<c32` are not supported");
        fails(&with("'|O'", "(1,)"), "`|O` are not supported");
        fails(&with("[('x', '<f8')]", "(1,)"), "structured arrays");
        fails(&with("'<f8'", "(2,)"), "takes 16 bytes, ");
        fails(&with("'<f8'", "(99999999999, 99999999999)"), "too large");
        fails(&with("'<f8'", "(1000000000000000,)"), "cut off");
        fails(&with("'<f8'", "(-1,)"), "header is damaged");
        fails(&with("'<f8'", &"(".repeat(10_000)), "header is damaged");
        fails(&file("{'descr': '<f8'}", &[]), "header is damaged");
    }
}
