//! Every section of the page of figures is measured once, on little data: that it works, and that C agrees.

use hotloop_bench::measure::Effort;
use hotloop_bench::programs::PROGRAMS;
use hotloop_bench::report::{self, Plan};

fn text(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("the section can be measured");
    String::from_utf8(out).expect("text")
}

/// Every row of a table has as many cells as its head.
fn check_tables(page: &str) {
    let mut columns = None;
    for line in page.lines() {
        let cells = line.starts_with('|').then(|| line.matches('|').count());
        if let (Some(cells), Some(columns)) = (cells, columns) {
            assert_eq!(cells, columns, "{line}");
        }
        columns = cells;
    }
}

#[test]
fn the_page_has_every_section_and_c_agrees() {
    let page = text(|out| report::write(&Plan::smoke(), out));
    for section in [
        "Against C, one thread",
        "From text to code",
        "Starting",
        "The cost of a call",
        "Threads",
        "The choice of target",
    ] {
        assert!(page.contains(&format!("## {section}")), "{section} is missing:\n{page}");
    }
    assert!(!page.contains("results differ") && !page.contains("not possible"), "{page}");
    assert!(page.contains("reload from disk") && page.contains("first result of a new engine"), "{page}");
    check_tables(&page);
}

#[test]
fn programs_of_loops_give_what_c_gives() {
    if hotloop_bench::peers::version("gcc").is_none() {
        // The section is nothing but the comparison.
        return;
    }
    let every: Vec<_> = PROGRAMS.iter().collect();
    // Other numbers than those of C are an error.
    let section = text(|out| report::programs::write(Effort::ONCE, &every, out));
    assert_eq!(section.lines().filter(|line| line.starts_with("| ")).count(), PROGRAMS.len() + 2, "{section}");
    check_tables(&section);
}
