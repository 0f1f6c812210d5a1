//! Pipelines of a device, shared by all kernels whose shaders are the same: `a + b` and `x + y` in two texts, the
//! combiners of every sum.
//!
//! A shader's code says the types, the layouts and which operands are one array; what is bound says the rest. A pipeline
//! lives as long as a kernel that uses it.

use crate::device::DeviceError;
use crate::shade::Shader;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// A pipeline, made by the first who needs it.
pub(crate) struct Shared {
    pub(crate) spirv: Vec<u32>,
    written: Vec<bool>,
    pub(crate) pipeline: OnceLock<Result<wgpu::ComputePipeline, DeviceError>>,
}

/// The pipelines of a device.
#[derive(Default)]
pub(crate) struct Pipelines(Mutex<HashMap<u64, Vec<Weak<Shared>>>>);

impl Pipelines {
    /// The pipeline of a shader with this code.
    pub(crate) fn of(&self, shader: &Shader, spirv: Vec<u32>) -> Arc<Shared> {
        let written: Vec<bool> = shader.buffers.iter().map(|(_, written)| *written).collect();
        let mut hasher = DefaultHasher::new();
        (&spirv, &written).hash(&mut hasher);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, list| {
            list.retain(|shared| shared.strong_count() > 0);
            !list.is_empty()
        });
        let list = known.entry(hasher.finish()).or_default();
        let mut live = list.iter().filter_map(Weak::upgrade);
        if let Some(same) = live.find(|shared| shared.spirv == spirv && shared.written == written) {
            return same;
        }
        let shared = Arc::new(Shared { spirv, written, pipeline: OnceLock::new() });
        list.push(Arc::downgrade(&shared));
        shared
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().flatten().filter(|shared| shared.strong_count() > 0).count()
    }
}
