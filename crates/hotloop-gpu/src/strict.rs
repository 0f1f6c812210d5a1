//! SPIR-V that the driver may not rearrange: naga's output with every float operation marked `NoContraction`.
//!
//! Without the mark drivers may fuse `a*b + c`, and some reassociate. The mark is a decoration of the SPIR-V core
//! (specification section 3.20), so every Vulkan driver knows it; other interfaces have nothing like it.

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::{Module, valid};

const HEADER_WORDS: usize = 5;
const DECORATE: u32 = 71;
const MEMBER_DECORATE: u32 = 72;
const NO_CONTRACTION: u32 = 42;
/// The first and the last instruction that declares a type.
const TYPES: std::ops::RangeInclusive<u32> = 19..=33;
const TYPE_FLOAT: u32 = 22;
const EXT_INST: u32 = 12;
/// `OpFNegate OpFAdd OpFSub OpFMul OpFDiv OpFRem OpFMod OpFConvert`.
const ARITHMETIC: [u32; 8] = [127, 129, 131, 133, 136, 140, 141, 115];

/// The SPIR-V of a module.
///
/// # Errors
/// What naga says: a mistake of ours.
pub(crate) fn spirv(module: &Module) -> Result<Vec<u32>, String> {
    let mut validator = valid::Validator::new(valid::ValidationFlags::all(), valid::Capabilities::all());
    let info = validator.validate(module).map_err(|error| format!("{:?}", error.into_inner()))?;
    let policy = BoundsCheckPolicy::Restrict;
    let options = spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index: policy,
            buffer: policy,
            image_load: policy,
            binding_array: policy,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        ..Default::default()
    };
    let words = spv::write_vec(module, &info, &options, None).map_err(|error| error.to_string())?;
    Ok(marked(&words))
}

/// The same code with the marks, which stand before the first type.
fn marked(words: &[u32]) -> Vec<u32> {
    let instructions = Instructions { rest: words.get(HEADER_WORDS..).unwrap_or_default() };
    let mut floats = Vec::new();
    let mut results = Vec::new();
    for instruction in instructions {
        match instruction[0] & 0xffff {
            TYPE_FLOAT => floats.push(instruction[1]),
            EXT_INST if floats.contains(&instruction[1]) => results.push(instruction[2]),
            code if ARITHMETIC.contains(&code) => results.push(instruction[2]),
            _ => {}
        }
    }
    let mut out = words[..HEADER_WORDS.min(words.len())].to_vec();
    let mut placed = false;
    for instruction in instructions {
        let code = instruction[0] & 0xffff;
        if !placed && (code == DECORATE || code == MEMBER_DECORATE || TYPES.contains(&code)) {
            placed = true;
            out.extend(results.iter().flat_map(|id| [3 << 16 | DECORATE, *id, NO_CONTRACTION]));
        }
        out.extend_from_slice(instruction);
    }
    out
}

/// The instructions of a stream of words: the first word of each holds its length and its code.
#[derive(Clone, Copy)]
struct Instructions<'a> {
    rest: &'a [u32],
}

impl<'a> Iterator for Instructions<'a> {
    type Item = &'a [u32];

    fn next(&mut self) -> Option<&'a [u32]> {
        let length = (*self.rest.first()? >> 16) as usize;
        let (instruction, rest) = self.rest.split_at_checked(length.max(1))?;
        self.rest = rest;
        Some(instruction)
    }
}
