//! What is said of every name: the examples run, and words of the language are explained too.

use hotloop::{Engine, text};

#[test]
fn the_examples_of_all_names_run() {
    let engine = Engine::new();
    let mut count = 0;
    for name in text::functions().chain(text::constants()).chain(text::keywords()) {
        let doc = text::doc(name).unwrap_or_else(|| panic!("nothing is said of `{name}`"));
        assert!(!doc.meaning.is_empty(), "{name}");
        if !doc.example.is_empty() {
            let value = engine.eval(&doc.example, &[]);
            assert!(value.is_ok(), "{name}: {}: {}", doc.example, value.expect_err("it is none").render(false));
            count += 1;
        }
    }
    assert!(count > 140, "{count}");
}
