//! Drawing with characters: lines of braille dots, images of half blocks in the colors the terminal has.

use super::{Image, Line, Plot};
use crate::report::is_colored_on;
use std::fmt::Write;
use std::io::IsTerminal;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terminal {
    /// Columns of text.
    pub columns: usize,
    /// Lines that a drawing may take.
    pub rows: usize,
    /// How colors are given.
    pub color: Color,
}

/// How a terminal is told a color.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Color {
    /// By red, green and blue.
    True,
    /// By one of 256 numbers.
    Indexed,
    /// Not at all: characters of different darkness stand for brightness.
    None,
}

/// The terminal of the standard output; 80 columns where it is none.
pub fn terminal() -> Terminal {
    let out = std::io::stdout();
    let size = out.is_terminal().then(|| terminal_size::terminal_size_of(&out)).flatten();
    let (columns, rows): (usize, usize) = size.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()));
    let names = |name: &str, words: &[&str]| {
        std::env::var(name).is_ok_and(|value| words.iter().any(|word| value.contains(word)))
    };
    let color = match is_colored_on(&out) {
        true if names("COLORTERM", &["truecolor", "24bit"]) => Color::True,
        true if names("TERM", &["256", "xterm", "screen", "tmux"]) => Color::Indexed,
        true | false => Color::None,
    };
    Terminal { columns: columns.clamp(20, 400), rows: rows.saturating_sub(4).clamp(8, 60), color }
}

impl Plot {
    /// The drawing as lines of text.
    pub fn text(&self, terminal: Terminal) -> String {
        match self {
            Plot::Line(line) => line.text(terminal),
            Plot::Image(image) => image.text(terminal),
        }
    }
}

impl Line {
    fn text(&self, terminal: Terminal) -> String {
        let rows = terminal.rows.min(20);
        let y_ticks: Vec<(usize, String)> = self
            .y
            .ticks(rows / 4)
            .into_iter()
            .map(|(value, text)| (((1.0 - self.y.part(value)) * (rows - 1) as f64).round() as usize, text))
            .collect();
        let margin = y_ticks.iter().map(|(_, text)| text.len()).max().unwrap_or(0);
        let columns = terminal.columns.saturating_sub(margin + 2).max(8);
        let mut canvas = Braille::new(columns, rows);
        self.draw(2 * columns, 4 * rows, &mut |x, y| canvas.dot(x, y));
        let mut out = String::new();
        for row in 0..rows {
            let label = y_ticks.iter().find(|(at, _)| *at == row).map(|(_, text)| text.as_str());
            let axis = if label.is_some() { '┤' } else { '│' };
            let _ = writeln!(out, "{:>margin$}{axis}{}", label.unwrap_or(""), canvas.row(row));
        }
        out + &self.x_axis(columns, margin)
    }

    fn x_axis(&self, columns: usize, margin: usize) -> String {
        let mut line: Vec<char> = vec!['─'; columns];
        let mut labels: Vec<char> = vec![' '; margin + 1 + columns];
        let mut free = 0;
        for (value, text) in self.x.ticks(columns / 12) {
            let at = (self.x.part(value) * (columns - 1) as f64).round() as usize;
            line[at.min(columns - 1)] = '┬';
            let start =
                (margin + 1 + at).saturating_sub(text.len() / 2).min(labels.len() - text.len().min(labels.len()));
            if start >= free && start + text.len() <= labels.len() {
                text.chars().enumerate().for_each(|(offset, c)| labels[start + offset] = c);
                free = start + text.len() + 1;
            }
        }
        let line: String = line.into_iter().collect();
        let labels: String = labels.into_iter().collect();
        format!("{:margin$}└{line}\n{}", "", labels.trim_end())
    }
}

/// A canvas with two by four dots in each character.
struct Braille {
    columns: usize,
    cells: Vec<u8>,
}

impl Braille {
    fn new(columns: usize, rows: usize) -> Braille {
        Braille { columns, cells: vec![0; columns * rows] }
    }

    fn dot(&mut self, x: usize, y: usize) {
        // The bits of Unicode's braille patterns, by column and row of the dot.
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        if let Some(cell) = self.cells.get_mut(y / 4 * self.columns + x / 2) {
            *cell |= BITS[x % 2][y % 4];
        }
    }

    fn row(&self, row: usize) -> String {
        let cells = &self.cells[row * self.columns..][..self.columns];
        let text: String = cells.iter().map(|cell| char::from_u32(0x2800 + u32::from(*cell)).unwrap_or(' ')).collect();
        text.replace('\u{2800}', " ").trim_end().to_owned()
    }
}

impl Image {
    fn text(&self, terminal: Terminal) -> String {
        // A character is about twice as high as wide, and holds two pixels.
        let most = (terminal.columns.min(self.width.max(1)), (2 * terminal.rows).min(self.height.max(1)));
        let scale = (most.0 as f64 / self.width as f64).min(most.1 as f64 / self.height as f64);
        let columns = ((self.width as f64 * scale).round() as usize).clamp(1, terminal.columns);
        let rows = ((self.height as f64 * scale).round() as usize).clamp(1, 2 * terminal.rows);
        let mut out = String::new();
        let step = if terminal.color == Color::None { 2 } else { 1 };
        for row in (0..rows).step_by(2) {
            for column in 0..columns {
                let upper = self.part(column, row, columns, rows);
                let lower = (row + 1 < rows).then(|| self.part(column, row + 1, columns, rows));
                cell(&mut out, upper, lower, terminal.color);
            }
            out.push_str(if step == 1 { "\x1b[0m\n" } else { "\n" });
        }
        let range = self.range.map_or(String::new(), |(low, high)| format!(", {} to {}", short(low), short(high)));
        out + &format!("{} × {}{range}", self.height, self.width)
    }
}

/// A number of few digits.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let is_plain = value == 0.0 || (1e-3..1e9).contains(&value.abs());
    if is_plain { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { format!("{value:.4e}") }
}

/// One character: an upper and a lower pixel.
fn cell(out: &mut String, upper: [u8; 3], lower: Option<[u8; 3]>, color: Color) {
    let code = |[r, g, b]: [u8; 3]| match color {
        Color::True => format!("2;{r};{g};{b}"),
        Color::Indexed | Color::None => format!("5;{}", indexed([r, g, b])),
    };
    match color {
        Color::None => {
            const SHADES: &[u8] = b" .:-=+*#%@";
            let brightness = (luma(upper) + luma(lower.unwrap_or(upper))) / 2;
            out.push(char::from(SHADES[brightness * (SHADES.len() - 1) / 255]));
        }
        Color::True | Color::Indexed => {
            let under = lower.map_or("\x1b[49m".to_owned(), |lower| format!("\x1b[48;{}m", code(lower)));
            let _ = write!(out, "\x1b[38;{}m{under}▀", code(upper));
        }
    }
}

fn luma([r, g, b]: [u8; 3]) -> usize {
    (299 * usize::from(r) + 587 * usize::from(g) + 114 * usize::from(b)) / 1000
}

/// The nearest of the 6 × 6 × 6 colors that terminals with 256 of them have.
fn indexed(color: [u8; 3]) -> usize {
    let [r, g, b] = color.map(|byte| (usize::from(byte) * 5 + 127) / 255);
    16 + 36 * r + 6 * g + b
}

#[cfg(test)]
mod tests {
    use super::{Color, Terminal};
    use crate::plot::Plot;
    use hotloop::Array;

    const PLAIN: Terminal = Terminal { columns: 40, rows: 8, color: Color::None };

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let plot = Plot::of(&Array::from((0..100).map(f64::from).collect::<Vec<_>>())).expect("a line");
        let text = plot.text(PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{text}");
        assert!(lines[0].ends_with(|c| c > '\u{2800}') && lines[7].contains(|c| c > '\u{2800}'), "{text}");
        assert!(lines[7].contains('┤') && lines[8].starts_with([' ', '└']), "{text}");
        assert!(lines[9].contains("50"), "{text}");
    }

    #[test]
    fn images_have_two_pixels_per_character() {
        let image = Array::from_vec((0..64).map(f64::from).collect(), &[8, 8]).expect("64");
        let plot = Plot::of(&image).expect("an image");
        let text = plot.text(PLAIN);
        assert_eq!(text.lines().count(), 5);
        assert!(text.ends_with("8 × 8, 0 to 63"), "{text}");
        let colored = plot.text(Terminal { color: Color::True, ..PLAIN });
        assert!(colored.contains("\x1b[38;2;68;1;84m") && colored.contains('▀'));
        assert!(plot.text(Terminal { color: Color::Indexed, ..PLAIN }).contains("\x1b[38;5;"));
    }
}
