//! The C header of an object file.
//!
//! Owns names and words of the declarations. It must say what `hotloop_clif::object` does.

use crate::export::{Exported, type_words};
use hotloop_ir::{Param, Program, ResultRef, Role, Type};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Names that are taken: by C and C++, by the header, and by what object files need.
const TAKEN: &[&str] = &[
    "alignas",
    "alignof",
    "and",
    "asm",
    "auto",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "compl",
    "concept",
    "const",
    "constexpr",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "nullptr",
    "operator",
    "or",
    "private",
    "protected",
    "public",
    "register",
    "requires",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "template",
    "this",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "while",
    "xor",
    "error",
    "main",
    "free",
    "aligned_alloc",
];

const PREFACE: &str = "\
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern \"C\" {
#endif

/* What every function returns. */
#ifndef HOTLOOP_STATUS
#define HOTLOOP_STATUS
enum {
    HOTLOOP_OK = 0,
    HOTLOOP_FAULT = 1,    /* a run-time fault, such as an index out of range */
    HOTLOOP_MEMORY = 3,   /* no memory for a temporary array */
    HOTLOOP_SHAPE = 4,    /* a result has another shape; it has been put into the result's `shape` */
    HOTLOOP_ARGUMENT = 5, /* a null pointer, a negative extent, or strides of another layout */
    HOTLOOP_OVERLAP = 6   /* memory that is written shares bytes with other memory */
};

/* What went wrong; filled for every status but HOTLOOP_OK. */
typedef struct hotloop_error {
    const char *message; /* in words, for ever valid; {0} and {1} stand for the numbers in `shows` */
    int64_t point;       /* of a fault: the number of the point, in C order; else -1 */
    int64_t shows[2];    /* of a fault: the numbers the message is about */
} hotloop_error;
#endif

/* An array: its first element, its extents, and its strides in bytes. Elements are aligned as C aligns them.
 *
 * Arguments are only read, but for those the comment calls written. Results are written into memory of the caller's:
 * `data` and `shape` are set before the call, `strides` by it, for elements in C order without gaps. Where `data` is
 * null or the shape is not the result's, nothing is written there, `shape` is set, and the call returns HOTLOOP_SHAPE;
 * allocate, and call again. Memory of results must not be that of arguments.
 *
 * Functions may be called from several threads at once, with different results. They use the caller's thread only and
 * take memory for temporary arrays by aligned_alloc and free. The floating-point environment must be the default.
 * A pointer to the error may be null. */
";

/// Whether C can have a function of this name.
pub(crate) fn is_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    first && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !TAKEN.contains(&name)
}

fn c_type(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::I8 => "int8_t",
        Type::I16 => "int16_t",
        Type::I32 => "int32_t",
        Type::I64 => "int64_t",
        Type::U8 => "uint8_t",
        Type::U16 => "uint16_t",
        Type::U32 => "uint32_t",
        Type::U64 => "uint64_t",
        // As bits: C has no type for `bf16`, and few compilers one for `f16`.
        Type::F16 | Type::BF16 => "uint16_t",
        Type::F32 => "float",
        Type::F64 => "double",
        // Exports of complex numbers are refused.
        Type::C64 | Type::C128 => "void",
    }
}

fn array_type(ty: Type, rank: u32) -> String {
    format!("hotloop_{ty}_{rank}")
}

/// The header of these programs; `name` is the file's.
pub(crate) fn header(name: &str, exported: &[Exported], programs: &[Program]) -> String {
    let guard: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let mut text = format!("/* Made by hotloop; `hotloop compile` makes it anew. */\n#ifndef HOTLOOP_FILE_{guard}_H\n");
    text += &format!("#define HOTLOOP_FILE_{guard}_H\n\n{PREFACE}");
    let arrays = programs.iter().flat_map(|program| &program.arrays);
    let passed: BTreeSet<(Type, u32)> =
        arrays.filter(|array| array.role != Role::Temp).map(|array| (array.ty, array.rank)).collect();
    for (ty, rank) in passed {
        let name = array_type(ty, rank);
        let guard = name.to_uppercase();
        let c = c_type(ty);
        let _ = write!(
            text,
            "#ifndef {guard}\n#define {guard}\ntypedef struct {name} {{\n    {c} *data;\n    int64_t shape[{rank}];\n    \
             int64_t strides[{rank}];\n}} {name};\n#endif\n"
        );
    }
    for (one, program) in exported.iter().zip(programs) {
        text.push('\n');
        text += &declaration(one, program);
    }
    text + "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
}

fn declaration(one: &Exported, program: &Program) -> String {
    let mut comment = format!("/* {}\n *\n", one.signature);
    let mut params = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (param, ty) in program.params.iter().zip(&one.types) {
        let (name, what) = match param {
            Param::Scalar(slot) | Param::Pair([slot, _]) => (&program.slot(*slot).name, String::new()),
            Param::Array(id) => {
                let written = program.array(*id).role == Role::Mut;
                (&program.array(*id).name, if written { ", written".to_owned() } else { String::new() })
            }
        };
        let name = param_name(name, &names);
        comment += &format!(" * {name}: {}{what}\n", type_words(ty));
        params.push(match param {
            Param::Scalar(slot) | Param::Pair([slot, _]) => format!("{} {name}", c_type(program.slot(*slot).ty)),
            Param::Array(id) => {
                let array = program.array(*id);
                format!("const {} *{name}", array_type(array.ty, array.rank))
            }
        });
        names.push(name);
    }
    for (index, result) in program.results.iter().enumerate() {
        let name = param_name(&format!("result{index}"), &names);
        let (words, param) = match result {
            ResultRef::Scalar(slot) | ResultRef::Pair([slot, _]) => {
                let ty = program.slot(*slot).ty;
                (ty.name().to_owned(), format!("{} *{name}", c_type(ty)))
            }
            ResultRef::Array(id) => {
                let array = program.array(*id);
                let axes = vec![":"; array.rank as usize].join(", ");
                (format!("{}[{axes}]", array.ty), format!("{} *{name}", array_type(array.ty, array.rank)))
            }
        };
        comment += &format!(" * {name}: {words}, result {index}\n");
        params.push(param);
        names.push(name);
    }
    params.push("hotloop_error *error".to_owned());
    format!("{comment} */\nint32_t {}({});\n", one.symbol, params.join(", "))
}

/// The name of a parameter in C, different from those before it.
fn param_name(name: &str, taken: &[String]) -> String {
    let letters: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    let mut name = if is_name(&letters) { letters } else { format!("p_{letters}") };
    while taken.contains(&name) {
        name.push('_');
    }
    name
}
