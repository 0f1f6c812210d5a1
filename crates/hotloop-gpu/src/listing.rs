//! SPIR-V as text for people: one instruction per line, with its result first where it has one.
//!
//! Ids and literals are numbers, as in the module; only names of instructions are looked up.

use std::fmt::Write;

const HEADER_WORDS: usize = 5;
/// Instructions that give a result of no type: strings, imports, types, decoration groups, labels.
const UNTYPED: [std::ops::RangeInclusive<u32>; 4] = [7..=7, 11..=11, 19..=33, 248..=248];
/// Instructions that give nothing.
const SILENT: [std::ops::RangeInclusive<u32>; 10] =
    [0..=0, 2..=6, 8..=10, 14..=17, 56..=56, 62..=64, 71..=76, 224..=225, 228..=228, 246..=255];

/// The text of a module.
pub(crate) fn listing(words: &[u32]) -> String {
    let mut out = String::new();
    let version = words.get(1).copied().unwrap_or_default();
    let bound = words.get(3).copied().unwrap_or_default();
    let _ = writeln!(out, "; SPIR-V {}.{}, {bound} ids, {} words", version >> 16, version >> 8 & 0xff, words.len());
    let mut rest = words.get(HEADER_WORDS..).unwrap_or_default();
    while let Some(first) = rest.first() {
        let (instruction, after) = rest.split_at((*first >> 16).clamp(1, rest.len() as u32) as usize);
        line(&mut out, first & 0xffff, &instruction[1..]);
        rest = after;
    }
    out
}

fn line(out: &mut String, code: u32, operands: &[u32]) {
    let is_in = |ranges: &[std::ops::RangeInclusive<u32>]| ranges.iter().any(|range| range.contains(&code));
    let name = spirv::Op::from_u32(code).map_or_else(|| code.to_string(), |op| format!("{op:?}"));
    let (result, rest) = match operands {
        [id, rest @ ..] if is_in(&UNTYPED) => (format!("%{id} ="), format!(" {}", numbers(rest))),
        [ty, id, rest @ ..] if !is_in(&SILENT) && !is_in(&UNTYPED) => {
            (format!("%{id} ="), format!(" %{ty} {}", numbers(rest)))
        }
        [..] => (String::new(), format!(" {}", numbers(operands))),
    };
    let _ = writeln!(out, "{result:>8} Op{name}{}", rest.trim_end());
}

fn numbers(words: &[u32]) -> String {
    let words: Vec<String> = words.iter().map(u32::to_string).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::listing;

    #[test]
    fn instructions_are_named_and_cut_where_they_end() {
        // A header, `OpTypeFloat`, `OpFAdd`, `OpStore`, `OpReturn`.
        let words =
            [0x0723_0203, 0x0001_0300, 0, 9, 0, 3 << 16 | 22, 2, 32, 5 << 16 | 129, 2, 7, 5, 6, 3 << 16 | 62, 8, 7];
        let words: Vec<u32> = words.into_iter().chain([1 << 16 | 253]).collect();
        let expected = "\
; SPIR-V 1.3, 9 ids, 17 words
    %2 = OpTypeFloat 32
    %7 = OpFAdd %2 5 6
         OpStore 8 7
         OpReturn
";
        assert_eq!(listing(&words), expected);
        assert_eq!(listing(&[]), "; SPIR-V 0.0, 0 ids, 0 words\n");
    }
}
