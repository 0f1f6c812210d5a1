//! Drawing with pixels: a PNG file with axes, ticks and labels in a font of eight by eight dots.

use super::scale::Scale;
use super::{Image, Line, Plot};
use crate::picture_file;
use font8x8::{BASIC_FONTS, UnicodeFonts};
use std::path::Path;

/// The size of all pictures.
pub const WIDTH: usize = 960;
/// The size of all pictures.
pub const HEIGHT: usize = 600;

const LEFT: usize = 96;
const RIGHT: usize = 24;
const TOP: usize = 24;
const BOTTOM: usize = 56;
const INK: [u8; 3] = [40, 40, 48];
const GRID: [u8; 3] = [228, 228, 232];
const CURVE: [u8; 3] = [31, 98, 180];
const PAPER: [u8; 3] = [255; 3];
/// How many pixels a dot of the font takes.
const FONT: usize = 2;

/// Draws into a file.
pub fn write(plot: &Plot, path: &str) -> Result<(), String> {
    let mut canvas = Canvas { pixels: vec![PAPER; WIDTH * HEIGHT] };
    match plot {
        Plot::Line(line) => canvas.line(line),
        Plot::Image(image) => canvas.image(image),
    }
    let bytes: Vec<u8> = canvas.pixels.concat();
    let data = picture_file::encode_rgb(WIDTH, HEIGHT, &bytes)?;
    std::fs::write(Path::new(path), data)
        .map_err(|error| format!("cannot write `{path}`: {}", crate::report::io_text(error)))
}

struct Canvas {
    pixels: Vec<[u8; 3]>,
}

/// A rectangle of pixels.
#[derive(Clone, Copy)]
struct Frame {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Canvas {
    fn dot(&mut self, x: usize, y: usize, color: [u8; 3]) {
        if x < WIDTH && y < HEIGHT {
            self.pixels[y * WIDTH + x] = color;
        }
    }

    fn line(&mut self, line: &Line) {
        let frame = Frame { left: LEFT, top: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
        self.x_ticks(frame, line.x);
        self.y_ticks(frame, line.y);
        self.border(frame);
        line.draw(frame.width, frame.height, &mut |x, y| {
            // Two pixels wide, so that it is seen.
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                self.dot(frame.left + x + dx, frame.top + y + dy, CURVE);
            }
        });
    }

    fn x_ticks(&mut self, frame: Frame, scale: Scale) {
        for (value, text) in scale.ticks(8) {
            let x = frame.left + (scale.part(value) * (frame.width - 1) as f64).round() as usize;
            (0..frame.height).for_each(|y| self.dot(x, frame.top + y, GRID));
            (0..6).for_each(|y| self.dot(x, frame.top + frame.height + y, INK));
            self.label(x.saturating_sub(text_width(&text) / 2), frame.top + frame.height + 14, &text);
        }
    }

    fn y_ticks(&mut self, frame: Frame, scale: Scale) {
        for (value, text) in scale.ticks(7) {
            let y = frame.top + ((1.0 - scale.part(value)) * (frame.height - 1) as f64).round() as usize;
            (0..frame.width).for_each(|x| self.dot(frame.left + x, y, GRID));
            (1..7).for_each(|x| self.dot(frame.left - x, y, INK));
            self.label((frame.left - 12).saturating_sub(text_width(&text)), y.saturating_sub(4 * FONT), &text);
        }
    }

    fn border(&mut self, frame: Frame) {
        for x in 0..frame.width {
            self.dot(frame.left + x, frame.top, INK);
            self.dot(frame.left + x, frame.top + frame.height - 1, INK);
        }
        for y in 0..frame.height {
            self.dot(frame.left, frame.top + y, INK);
            self.dot(frame.left + frame.width - 1, frame.top + y, INK);
        }
    }

    /// The image as large as fits, with its rows from the top and ticks at its indices.
    fn image(&mut self, image: &Image) {
        let room = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let scale = (room.0 as f64 / image.width as f64).min(room.1 as f64 / image.height as f64);
        let (width, height) = ((image.width as f64 * scale) as usize, (image.height as f64 * scale) as usize);
        let frame = Frame { left: LEFT, top: TOP, width: width.max(1), height: height.max(1) };
        for y in 0..frame.height {
            for x in 0..frame.width {
                self.dot(frame.left + x, frame.top + y, image.part(x, y, frame.width, frame.height));
            }
        }
        let ticks =
            |extent: usize| Scale::around([0.0, extent as f64].into_iter()).map(|scale| (scale, scale.ticks(6)));
        if let Some((scale, ticks)) = ticks(image.width) {
            for (value, text) in ticks {
                let x = frame.left + (scale.part(value) * (frame.width - 1) as f64).round() as usize;
                (0..6).for_each(|y| self.dot(x, frame.top + frame.height + y, INK));
                self.label(x.saturating_sub(text_width(&text) / 2), frame.top + frame.height + 14, &text);
            }
        }
        if let Some((scale, ticks)) = ticks(image.height) {
            for (value, text) in ticks {
                let y = frame.top + (scale.part(value) * (frame.height - 1) as f64).round() as usize;
                (1..7).for_each(|x| self.dot(frame.left - x, y, INK));
                self.label((frame.left - 12).saturating_sub(text_width(&text)), y.saturating_sub(4 * FONT), &text);
            }
        }
        self.border(frame);
    }

    fn label(&mut self, left: usize, top: usize, text: &str) {
        for (at, c) in text.chars().enumerate() {
            let Some(rows) = BASIC_FONTS.get(c) else { continue };
            for (y, row) in rows.iter().enumerate() {
                for x in (0..8).filter(|x| row >> x & 1 == 1) {
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        self.dot(left + FONT * (8 * at + x) + dx, top + FONT * y + dy, INK);
                    }
                }
            }
        }
    }
}

fn text_width(text: &str) -> usize {
    8 * FONT * text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::{HEIGHT, WIDTH, write};
    use crate::plot::Plot;
    use hotloop::Array;

    #[test]
    fn pictures_can_be_read_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("plot.png");
        let name = path.to_str().expect("text");
        let line = Array::from((0..500).map(|x| f64::from(x * x)).collect::<Vec<_>>());
        let image = Array::from_vec((0..20_000).map(f64::from).collect(), &[100, 200]).expect("20000");
        for array in [line, image] {
            write(&Plot::of(&array).expect("it can be drawn"), name).expect("written");
            let back = crate::picture_file::read(&path).expect("read");
            assert_eq!(back.shape(), [HEIGHT, WIDTH, 3]);
            let dark = back.as_array().expect("an array").as_slice::<u8>().iter().filter(|byte| **byte < 100).count();
            assert!(dark > 1000, "something is drawn");
        }
        assert!(write(&Plot::of(&Array::from(vec![1.0])).expect("a point"), "/nowhere/x.png").is_err());
    }
}
