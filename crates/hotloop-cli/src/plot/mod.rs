//! Drawings of arrays: lines and images, in the terminal or as a PNG file.
//!
//! Owns what is drawn: which points, which colors, which ticks. `terminal` draws it with characters, `picture` with
//! pixels.

mod picture;
mod scale;
mod terminal;

pub use picture::{HEIGHT as PICTURE_HEIGHT, WIDTH as PICTURE_WIDTH, write as write_picture};
pub use terminal::terminal;

use hotloop::{Array, Type};
use scale::Scale;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// A line through points, or the points alone where they do not go from left to right.
    Line(Line),
    /// An image, row by row.
    Image(Image),
}

/// Points with the scales they are drawn on. Points that are no numbers are gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    points: Vec<Option<(f64, f64)>>,
    is_joined: bool,
    x: Scale,
    y: Scale,
}

/// Pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
    /// The least and the greatest value, for images made of numbers.
    range: Option<(f64, f64)>,
}

impl Plot {
    /// An array over its indices: a line for one axis, an image for two, or for three with red, green and blue.
    pub fn of(array: &Array) -> Result<Plot, String> {
        let values = values(array)?;
        match array.shape() {
            [_] => Plot::line((0..values.len()).map(|at| at as f64).collect(), values),
            [height, width] => Ok(Plot::Image(Image::of_numbers(*width, *height, &values))),
            [height, width, colors @ (3 | 4)] => {
                Ok(Plot::Image(Image::of_colors(*width, *height, *colors, &values, top(array.ty()))))
            }
            shape => {
                Err(format!("arrays of one or two axes can be drawn, and images of three; this one has {shape:?}"))
            }
        }
    }

    /// One array over another.
    pub fn of_points(x: &Array, y: &Array) -> Result<Plot, String> {
        match (x.shape(), y.shape()) {
            ([a], [b]) if a == b => Plot::line(values(x)?, values(y)?),
            (a, b) => Err(format!("both must have one axis of the same length; these are {a:?} and {b:?}")),
        }
    }

    fn line(x: Vec<f64>, y: Vec<f64>) -> Result<Plot, String> {
        let is_joined = x.windows(2).all(|pair| pair[0] <= pair[1]);
        let is_number = |(x, y): (f64, f64)| (x.is_finite() && y.is_finite()).then_some((x, y));
        let points: Vec<Option<(f64, f64)>> = x.into_iter().zip(y).map(is_number).collect();
        let x = Scale::around(points.iter().flatten().map(|point| point.0));
        let y = Scale::around(points.iter().flatten().map(|point| point.1));
        match (x, y) {
            (Some(x), Some(y)) => Ok(Plot::Line(Line { points, is_joined, x, y })),
            (None, _) | (_, None) => Err("there is no finite number to draw".to_owned()),
        }
    }
}

/// The elements as numbers; an error for none.
fn values(array: &Array) -> Result<Vec<f64>, String> {
    if array.is_empty() {
        return Err("the array is empty".to_owned());
    }
    Ok((0..array.len()).filter_map(|at| array.get(at)).map(number).collect())
}

fn number(scalar: hotloop::Scalar) -> f64 {
    match scalar.ty {
        Type::Bool => f64::from(u8::from(scalar.is_true())),
        Type::F32 | Type::F64 | Type::F16 | Type::BF16 => scalar.as_f64(),
        // How far from 0.
        Type::C64 | Type::C128 => scalar.parts()[0].as_f64().hypot(scalar.parts()[1].as_f64()),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            scalar.as_i128() as f64
        }
    }
}

/// The brightest value of a color: that of its type for integers, 1 for floats.
fn top(ty: Type) -> f64 {
    match ty {
        Type::U8 => 255.0,
        Type::U16 => 65535.0,
        Type::Bool | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U32 | Type::U64 | Type::F32 | Type::F64 => {
            1.0
        }
        Type::F16 | Type::BF16 | Type::C64 | Type::C128 => 1.0,
    }
}

/// Colors from dark blue over green to yellow, evenly bright to the eye; the values between are mixed.
const MAP: [[u8; 3]; 8] = [
    [68, 1, 84],
    [70, 50, 127],
    [54, 92, 141],
    [39, 127, 142],
    [31, 161, 135],
    [74, 194, 109],
    [159, 218, 58],
    [253, 231, 37],
];

/// The color of a value between 0 and 1; gray for what is no number.
fn mapped(value: f64) -> [u8; 3] {
    if value.is_nan() {
        return [128; 3];
    }
    let at = value.clamp(0.0, 1.0) * (MAP.len() - 1) as f64;
    let low = (at.floor() as usize).min(MAP.len() - 2);
    let part = at - low as f64;
    std::array::from_fn(|c| (f64::from(MAP[low][c]) * (1.0 - part) + f64::from(MAP[low + 1][c]) * part).round() as u8)
}

impl Image {
    fn of_numbers(width: usize, height: usize, values: &[f64]) -> Image {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let span = if high > low { high - low } else { 1.0 };
        let pixels = values.iter().map(|value| mapped((value - low) / span)).collect();
        Image { width, height, pixels, range: (low <= high).then_some((low, high)) }
    }

    fn of_colors(width: usize, height: usize, colors: usize, values: &[f64], top: f64) -> Image {
        let byte = |value: f64| (255.0 * value / top).clamp(0.0, 255.0).round() as u8;
        let pixels =
            values.chunks_exact(colors).map(|color| [byte(color[0]), byte(color[1]), byte(color[2])]).collect();
        Image { width, height, pixels, range: None }
    }

    /// The average color of the pixels under one of `columns` × `rows` equal parts.
    fn part(&self, column: usize, row: usize, columns: usize, rows: usize) -> [u8; 3] {
        let range = |at: usize, parts: usize, extent: usize| {
            let start = (at * extent / parts).min(extent - 1);
            start..((at + 1) * extent / parts).clamp(start + 1, extent)
        };
        let mut sums = [0u64; 3];
        let mut count = 0;
        for y in range(row, rows, self.height) {
            for x in range(column, columns, self.width) {
                let pixel = self.pixels[y * self.width + x];
                sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += u64::from(byte));
                count += 1;
            }
        }
        sums.map(|sum| (sum / count.max(1)) as u8)
    }
}

impl Line {
    /// The dots of this line on a canvas of `width` × `height`, from the top left.
    fn draw(&self, width: usize, height: usize, dot: &mut impl FnMut(usize, usize)) {
        let place = |(x, y): (f64, f64)| {
            let column = self.x.part(x) * (width - 1) as f64;
            let row = (1.0 - self.y.part(y)) * (height - 1) as f64;
            (column.round() as i64, row.round() as i64)
        };
        let mut last: Option<(i64, i64)> = None;
        for point in &self.points {
            let here = point.map(place);
            match (last, here) {
                (Some(last), Some(here)) if self.is_joined => segment(last, here, dot),
                (_, Some((x, y))) => dot(x as usize, y as usize),
                (_, None) => {}
            }
            last = here;
        }
    }
}

/// The dots from one place to another, both of them on the canvas (Bresenham's way).
fn segment(from: (i64, i64), to: (i64, i64), dot: &mut impl FnMut(usize, usize)) {
    let (wide, high) = ((to.0 - from.0).abs(), -(to.1 - from.1).abs());
    let (step_x, step_y) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
    let (mut x, mut y) = from;
    let mut error = wide + high;
    loop {
        dot(x as usize, y as usize);
        if (x, y) == to {
            return;
        }
        let twice = 2 * error;
        if twice >= high {
            error += high;
            x += step_x;
        }
        if twice <= wide {
            error += wide;
            y += step_y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Image, Plot, mapped, segment};
    use hotloop::Array;

    #[test]
    fn shapes_decide_what_is_drawn() {
        let line = Array::from(vec![1.0, 2.0]);
        assert!(matches!(Plot::of(&line), Ok(Plot::Line(_))));
        let square = Array::from_vec(vec![1u8; 4], &[2, 2]).expect("four");
        assert!(matches!(Plot::of(&square), Ok(Plot::Image(Image { range: Some((1.0, 1.0)), .. }))));
        let colors = Array::from_vec(vec![255u8; 12], &[2, 2, 3]).expect("twelve");
        assert!(matches!(Plot::of(&colors), Ok(Plot::Image(Image { range: None, .. }))));
        assert!(Plot::of(&Array::from(Vec::<f64>::new())).is_err());
        assert!(Plot::of(&Array::from(vec![f64::NAN])).is_err());
        assert!(Plot::of_points(&line, &Array::from(vec![1.0])).is_err());
    }

    #[test]
    fn segments_are_connected() {
        for to in [(7, 3), (3, 7), (-4, 2), (0, 0), (-5, -5)] {
            let mut dots = Vec::new();
            segment((5, 5), (5 + to.0, 5 + to.1), &mut |x, y| dots.push((x as i64, y as i64)));
            assert_eq!((dots[0], dots[dots.len() - 1]), ((5, 5), (5 + to.0, 5 + to.1)));
            let near = |pair: &[(i64, i64)]| (pair[0].0 - pair[1].0).abs() <= 1 && (pair[0].1 - pair[1].1).abs() <= 1;
            assert!(dots.windows(2).all(near));
        }
    }

    #[test]
    fn colors_end_where_the_map_does() {
        assert_eq!((mapped(0.0), mapped(1.0), mapped(7.0)), ([68, 1, 84], [253, 231, 37], [253, 231, 37]));
        assert_eq!(mapped(f64::NAN), [128; 3]);
    }
}
