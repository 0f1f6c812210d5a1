//! The layers: which crate may depend on which, and which heavy dependency belongs to which crate.
//!
//! Compares what cargo says with the tables here; a new arrow between crates needs a new row, and a reason in review.

use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Each crate with the crates it may depend on. Arrows go down the list only.
const LAYERS: &[(&str, &[&str])] = &[
    ("hotloop-cli", &["hotloop", "hotloop-cases"]),
    ("hotloop-cases", &["hotloop"]),
    (
        "hotloop",
        &[
            "hotloop-source",
            "hotloop-syntax",
            "hotloop-ir",
            "hotloop-sema",
            "hotloop-passes",
            "hotloop-target",
            "hotloop-interp",
            "hotloop-clif",
            "hotloop-gpu",
            "hotloop-cache",
        ],
    ),
    ("hotloop-interp", &["hotloop-ir", "hotloop-target"]),
    ("hotloop-clif", &["hotloop-ir", "hotloop-target"]),
    ("hotloop-gpu", &["hotloop-ir", "hotloop-target"]),
    ("hotloop-cache", &["hotloop-target"]),
    ("hotloop-sema", &["hotloop-source", "hotloop-syntax", "hotloop-ir"]),
    ("hotloop-passes", &["hotloop-ir"]),
    ("hotloop-target", &["hotloop-ir"]),
    ("hotloop-syntax", &["hotloop-source"]),
    ("hotloop-ir", &["hotloop-source"]),
    ("hotloop-source", &[]),
];

/// Packages that measure, test or show, and may depend on anything.
const TOOLS: &[&str] = &["hotloop-suite", "hotloop-accuracy", "hotloop-bench", "embed", "device", "workers"];

/// The beginnings of names of heavy dependencies, and the only crate that may have them.
const HEAVY: &[(&str, &str)] = &[
    ("logos", "hotloop-syntax"),
    ("cranelift", "hotloop-clif"),
    ("regalloc2", "hotloop-wide"),
    ("gemm", "hotloop"),
    ("rayon", "hotloop"),
    ("wgpu", "hotloop-gpu"),
    ("naga", "hotloop-gpu"),
    ("clap", "hotloop-cli"),
    ("csv", "hotloop-cli"),
    ("ctrlc", "hotloop-cli"),
    ("rustyline", "hotloop-cli"),
    ("png", "hotloop-cli"),
    ("indicatif", "hotloop-cli"),
];

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("layers/arrows", || Ok(arrows()?)),
        Trial::test("layers/heavy dependencies", || Ok(heavy()?)),
        Trial::test("layers/downwards", || Ok(downwards()?)),
    ]
}

struct Package {
    name: String,
    deps: BTreeSet<String>,
}

/// The workspace's packages with what they need to run; what only their tests need is left out.
fn packages() -> Result<Vec<Package>, String> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest])
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let value: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let list = value["packages"].as_array().ok_or("cargo lists no packages")?;
    Ok(list.iter().map(package).collect())
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let needed = |dep: &&Value| dep["kind"].is_null() || dep["kind"] == "build";
    let deps = value["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    Package { name: text(&value["name"]), deps: deps.iter().filter(needed).map(|dep| text(&dep["name"])).collect() }
}

fn arrows() -> Result<(), String> {
    let mut wrong = Vec::new();
    for package in packages()? {
        if TOOLS.contains(&package.name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("{} is in no layer", package.name));
            continue;
        };
        let ours = package.deps.iter().filter(|dep| *dep == "hotloop" || dep.starts_with("hotloop-"));
        wrong.extend(
            ours.filter(|dep| !allowed.contains(&dep.as_str())).map(|dep| format!("{} -> {dep}", package.name)),
        );
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not in the table of layers: {}", wrong.join(", "))) }
}

fn heavy() -> Result<(), String> {
    let mut wrong = Vec::new();
    for package in packages()? {
        for (dep, owner) in HEAVY {
            let has = package.deps.iter().any(|name| name.starts_with(dep));
            if has && package.name != *owner && !TOOLS.contains(&package.name.as_str()) {
                wrong.push(format!("{} has `{dep}`, which belongs to {owner}", package.name));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) }
}

/// The table itself has no arrow up.
fn downwards() -> Result<(), String> {
    for (at, (name, allowed)) in LAYERS.iter().enumerate() {
        for dep in *allowed {
            if !LAYERS[at + 1..].iter().any(|(below, _)| below == dep) {
                return Err(format!("{name} -> {dep} does not go down"));
            }
        }
    }
    Ok(())
}
