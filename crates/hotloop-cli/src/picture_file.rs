//! PNG files: images as arrays of `u8` or `u16`, and back.
//!
//! Gray images have two axes, rows and columns; those with colors have a third one of 3 (red, green, blue) or 4 (and
//! opacity), gray ones with opacity of 2. Files come from strangers: sizes are limited before memory is set aside.

use hotloop::{Array, Type, Value};
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

/// The most bytes an image may take in memory.
const MOST: usize = 1 << 31;

/// Reads an image.
pub fn read(path: &Path) -> Result<Value, String> {
    let file = File::open(path).map_err(crate::report::io_text)?;
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), Limits { bytes: MOST });
    // Palettes become colors and small depths bytes; 16 bits stay.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|error| text(&error))?;
    let size = reader.output_buffer_size().filter(|size| *size <= MOST).ok_or("the image is too large")?;
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes).map_err(|error| text(&error))?;
    bytes.truncate(info.buffer_size());
    let (height, width) = (info.height as usize, info.width as usize);
    let shape = match info.color_type {
        ColorType::Grayscale => vec![height, width],
        ColorType::GrayscaleAlpha => vec![height, width, 2],
        ColorType::Rgb | ColorType::Indexed => vec![height, width, 3],
        ColorType::Rgba => vec![height, width, 4],
    };
    let array = match info.bit_depth {
        BitDepth::Sixteen => {
            let words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            Array::from_vec(words, &shape)
        }
        BitDepth::One | BitDepth::Two | BitDepth::Four | BitDepth::Eight => Array::from_vec(bytes, &shape),
    };
    array.map(Value::Array).map_err(|error| error.to_string())
}

fn text(error: &png::DecodingError) -> String {
    match error {
        png::DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the file is cut off".to_owned()
        }
        png::DecodingError::Format(_) => format!("not a PNG file, or a damaged one: {error}"),
        png::DecodingError::LimitsExceeded => "the image is too large".to_owned(),
        png::DecodingError::IoError(_) | png::DecodingError::Parameter(_) => error.to_string(),
    }
}

/// Writes an array of bytes, 16-bit words or bools as an image.
pub fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    let (height, width, color) = match *value.shape() {
        [height, width] => (height, width, ColorType::Grayscale),
        [height, width, 2] => (height, width, ColorType::GrayscaleAlpha),
        [height, width, 3] => (height, width, ColorType::Rgb),
        [height, width, 4] => (height, width, ColorType::Rgba),
        ref shape => {
            let message = format!("an image has the shape [rows, columns] or [rows, columns, 3], not {shape:?}");
            return Err(wrong(message));
        }
    };
    let array = value.as_array().ok_or_else(|| wrong("a scalar is no image".to_owned()))?;
    let (depth, bytes) = match array.ty() {
        Type::U8 => (BitDepth::Eight, array.as_slice::<u8>().to_vec()),
        Type::U16 => (BitDepth::Sixteen, array.as_slice::<u16>().iter().flat_map(|word| word.to_be_bytes()).collect()),
        Type::Bool => (BitDepth::Eight, array.as_slice::<bool>().iter().map(|on| if *on { 255 } else { 0 }).collect()),
        ty => return Err(wrong(format!("an image has elements of `u8` or `u16`, not `{ty}`: write u8(…)"))),
    };
    encode(out, (width, height), color, depth, &bytes).map_err(wrong)
}

/// An image of bytes in memory.
pub fn encode_rgb(width: usize, height: usize, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    encode(&mut out, (width, height), ColorType::Rgb, BitDepth::Eight, bytes)?;
    Ok(out)
}

fn encode(
    out: &mut impl Write,
    (width, height): (usize, usize),
    color: ColorType,
    depth: BitDepth,
    bytes: &[u8],
) -> Result<(), String> {
    let size = |extent: usize| u32::try_from(extent).map_err(|_| "the image is too large".to_owned());
    let mut encoder = Encoder::new(out, size(width)?, size(height)?);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(bytes).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use hotloop::{Array, Element, Value};

    fn round_trip<T: Element>(elements: Vec<T>, shape: &[usize]) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("image.png");
        let value = Value::Array(Array::from_vec(elements, shape).expect("a shape that fits"));
        let mut bytes = Vec::new();
        write(&value, &mut bytes).expect("written");
        std::fs::write(&path, &bytes).expect("written");
        assert_eq!(read(&path), Ok(value));
        for length in [0, 7, 20, bytes.len() / 2, bytes.len() - 13] {
            std::fs::write(&path, &bytes[..length]).expect("written");
            assert!(read(&path).is_err(), "cut to {length} bytes");
        }
    }

    #[test]
    fn images_come_back() {
        round_trip((0..6u8).collect(), &[2, 3]);
        round_trip((0..24u16).map(|x| x * 2500).collect(), &[2, 3, 4]);
        round_trip((0..18u8).collect(), &[2, 3, 3]);
        round_trip((0..12u8).collect(), &[2, 3, 2]);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let refused = |value: Value| write(&value, &mut Vec::new()).expect_err("no image").to_string();
        assert!(refused(Value::Array(Array::from(vec![1u8]))).contains("rows, columns"));
        let floats = Array::from_vec(vec![1.0], &[1, 1]).expect("one");
        assert!(refused(Value::Array(floats)).contains("write u8(…)"));
        let empty = Array::from_vec(Vec::<u8>::new(), &[0, 3]).expect("none");
        assert!(write(&Value::Array(empty), &mut Vec::new()).is_err());
    }
}
