//! `release` on small programs: where temporaries are given back, and where they must not be.

use hotloop_ir::{Program, read, text, verify};

fn after(steps: &str) -> Vec<String> {
    let source = program(steps);
    let mut program: Program = read(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == "release").expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    let printed = text::print(&program);
    let lines = printed.lines().skip_while(|line| *line != "steps {").skip(1);
    lines
        .map(|line| line.trim().to_owned())
        .filter(|line| line.starts_with("free") || line.starts_with("run"))
        .collect()
}

/// `n0: t = x`, `n1: y = t`, `n2: u = x`, `n3: y = u`, `n4: u = t`.
fn program(steps: &str) -> String {
    let copy = |id: u32, from: u32, to: u32| {
        let views = format!("  view w0 a{from}[x0]\n  view w1 a{to}[x0]\n");
        format!("nest n{id} {{\n  axis parallel s0\n{views}  lane {{\nv0: f64 = load w0\nstore w1, v0\n  }}\n}}\n")
    };
    let nests: Vec<String> = [(0, 2), (2, 1), (0, 3), (3, 1), (2, 3)]
        .into_iter()
        .enumerate()
        .filter(|(id, _)| steps.contains(&format!("run n{id}\n")))
        .map(|(id, (from, to))| copy(id as u32, from, to))
        .collect();
    let mut source = format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"x\" f64[1] input dense\narray a1 \"y\" f64[1] mut dense\n\
         array a2 \"t\" f64[1] temp dense\narray a3 \"u\" f64[1] temp dense\nslot s0 \"n\" i64\nslot s1 \"i\" i64\n\
         slot s2 \"c\" bool\nparam a0\nparam a1\nparam s0\nparam s2\n{}steps {{\n{steps}}}\n",
        nests.concat()
    );
    // Nests that no step runs are left out, so that the others move up.
    let mut next = 0;
    for id in 0..5 {
        if source.contains(&format!("nest n{id} {{")) {
            source = source.replace(&format!("nest n{id} {{"), &format!("nest n{next} {{"));
            source = source.replace(&format!("run n{id}\n"), &format!("run n{next}\n"));
            next += 1;
        }
    }
    source
}

#[test]
fn what_is_done_with_makes_room_for_what_comes() {
    let steps = "alloc a2[s0]\nrun n0\nrun n1\nalloc a3[s0]\nrun n2\nrun n3\n";
    assert_eq!(after(steps), ["run n0", "run n1", "free a2", "run n2", "run n3"]);
}

#[test]
fn the_last_one_waits_for_the_end_of_the_call() {
    assert_eq!(after("alloc a2[s0]\nrun n0\nrun n1\n"), ["run n0", "run n1"]);
}

#[test]
fn what_is_still_read_stays() {
    let steps = "alloc a2[s0]\nrun n0\nalloc a3[s0]\nrun n4\nrun n3\nrun n1\n";
    let freed = after(steps);
    assert!(freed.iter().all(|line| !line.starts_with("free")), "{freed:?}");
}

#[test]
fn a_turn_of_a_loop_leaves_its_memory_to_the_next() {
    let steps = "for s1 in s0, s0, s0 {\nalloc a2[s0]\nrun n0\nrun n1\nalloc a3[s0]\nrun n2\nrun n3\n}\n";
    assert_eq!(after(steps), ["run n0", "run n1", "free a2", "run n2", "run n3", "free a3"]);
}

#[test]
fn what_a_turn_takes_over_from_the_one_before_stays() {
    // `t` is read before it is made in this turn.
    let steps = "for s1 in s0, s0, s0 {\nrun n1\nalloc a2[s0]\nrun n0\nalloc a3[s0]\nrun n2\nrun n3\n}\n";
    assert_eq!(after(steps), ["run n1", "run n0", "run n2", "run n3", "free a3"]);
}

#[test]
fn what_lives_on_behind_a_loop_goes_behind_its_last_use() {
    let steps = "for s1 in s0, s0, s0 {\nalloc a2[s0]\nrun n0\n}\nrun n1\nalloc a3[s0]\nrun n2\nrun n3\n";
    assert_eq!(after(steps), ["run n0", "run n1", "free a2", "run n2", "run n3"]);
}

#[test]
fn both_sides_of_a_branch_count_as_one_use() {
    let steps = "if s2 {\nalloc a2[s0]\nrun n0\n} else {\nalloc a2[s0]\n}\nrun n1\nalloc a3[s0]\nrun n2\nrun n3\n";
    assert_eq!(after(steps), ["run n0", "run n1", "free a2", "run n2", "run n3"]);
}
