//! How many terminal columns a character takes, and what stands for characters that must not reach a terminal.
//!
//! The ranges are coarse on purpose: they only have to put a caret under the right word.

/// The columns of one tab; every tab takes the same so that carets line up without tab stops.
pub(crate) const TAB: usize = 4;

/// Combining marks, joiners, direction marks and variation selectors.
const ZERO: &[(u32, u32)] = &[
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x0591, 0x05BD),
    (0x064B, 0x065F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
];

/// East Asian wide and fullwidth characters, and emoji.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115F),
    (0x2E80, 0x303E),
    (0x3041, 0x33FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA000, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE6F),
    (0xFF00, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x1F300, 0x1F64F),
    (0x1F680, 0x1F6FF),
    (0x1F900, 0x1F9FF),
    (0x20000, 0x3FFFD),
];

/// The number of columns that `shown` takes for this character.
pub(crate) fn columns(c: char) -> usize {
    let within = |table: &[(u32, u32)]| table.iter().any(|(low, high)| (*low..=*high).contains(&(c as u32)));
    match c {
        '\t' => TAB,
        _ if c.is_ascii() => 1,
        _ if within(ZERO) => 0,
        _ if within(WIDE) => 2,
        _ => 1,
    }
}

/// Appends the character as it may be shown: tabs as spaces, anything that could steer the terminal as `\u{FFFD}`.
pub(crate) fn push_shown(out: &mut String, c: char) {
    match c {
        '\t' => out.extend(std::iter::repeat_n(' ', TAB)),
        _ if is_unsafe(c) => out.push('\u{FFFD}'),
        _ => out.push(c),
    }
}

/// Control characters and the marks that change the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::{columns, push_shown};

    #[test]
    fn widths() {
        let widths: Vec<_> = ['a', '\t', 'é', '\u{301}', '漢', '😀', '\u{202E}'].map(columns).into();
        assert_eq!(widths, [1, 4, 1, 0, 2, 2, 1]);
    }

    #[test]
    fn control_characters_are_replaced() {
        let mut out = String::new();
        "a\t\u{1b}[2J\u{202e}b".chars().for_each(|c| push_shown(&mut out, c));
        assert_eq!(out, "a    \u{FFFD}[2J\u{FFFD}b");
    }
}
