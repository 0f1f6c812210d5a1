//! Adapters and the open device: what there is, what it can do, and how its errors come back.
//!
//! The only place that talks to drivers about themselves. Nothing here panics: a missing driver, a lost device and a
//! refused shader are all `DeviceError`s.

use crate::pipelines::Pipelines;
use crate::pool::Pool;
use crate::transfer::Transfers;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

/// What kind of thing an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A card of its own.
    Discrete,
    /// A part of the processor.
    Integrated,
    /// Passed through by a virtual machine.
    Virtual,
    /// A driver that runs shaders on the processor: good for tests only.
    Software,
    /// The driver does not say.
    Other,
}

/// What is known of an adapter before it is opened.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Its name, as the driver gives it.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// The interface it is reached through: `Vulkan`, `Metal`, `Dx12`, `Gl`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether `f64` can be computed with.
    pub f64: bool,
    /// Whether 64-bit integers can be computed with.
    pub i64: bool,
    /// The largest array, in bytes.
    pub max_array_bytes: u64,
    /// How many bytes of an array one dispatch sees; larger arrays are worked on in parts.
    pub max_window_bytes: u64,
    /// The largest workgroup.
    pub max_workgroup: u32,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// There is no adapter at all.
    #[error("no GPU was found: {0}")]
    NotFound(String),
    /// The driver refused to open the adapter.
    #[error("the GPU `{name}` could not be opened: {reason}")]
    Open {
        /// The adapter.
        name: String,
        /// What the driver said.
        reason: String,
    },
    /// The device has gone: unplugged, reset, closed, or its driver failed.
    #[error("the GPU `{0}` was lost; make an engine with a device opened anew, or use a CPU target")]
    Lost(String),
    /// An array is larger than the device can hold.
    #[error("the GPU is out of memory: {wanted} bytes were needed, {reserved} are reserved by this program{}", limited(*limit))]
    OutOfMemory {
        /// What was asked for.
        wanted: u64,
        /// What the pool holds.
        reserved: u64,
        /// What the pool may hold, if there is a limit.
        limit: Option<u64>,
    },
    /// A nest has more points than can be numbered.
    #[error(
        "a loop over {points} elements is larger than target `gpu` takes at once, {limit}; use a CPU target, or smaller parts"
    )]
    TooMany {
        /// Its points.
        points: u64,
        /// The limit.
        limit: u64,
    },
    /// An array is larger than a binding may be.
    #[error(
        "{bytes} bytes of one array at a time are more than this GPU allows, {limit} bytes; use a CPU target, or smaller parts"
    )]
    TooLarge {
        /// The array's size.
        bytes: u64,
        /// The device's limit.
        limit: u64,
    },
    /// The driver rejected a shader or a command.
    #[error("the GPU's driver refused a command: {0}")]
    Refused(String),
}

fn limited(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| format!(", its limit is {limit}"))
}

/// An open device. Calls may come from any thread.
pub struct Device {
    pub(crate) info: DeviceInfo,
    options: DeviceOptions,
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) limits: wgpu::Limits,
    pub(crate) pool: Mutex<Pool>,
    pub(crate) transfers: Mutex<Transfers>,
    pub(crate) pipelines: Pipelines,
    /// Whether `fma` of f32 and of f64 rounds once, once that is known.
    pub(crate) fuses: [OnceLock<bool>; 2],
    lost: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<String>>>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("info", &self.info).finish_non_exhaustive()
    }
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    descriptor.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(descriptor)
}

/// All adapters, real ones before software ones.
fn adapters() -> Vec<wgpu::Adapter> {
    let mut found = pollster::block_on(instance().enumerate_adapters(wgpu::Backends::PRIMARY));
    found.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    found
}

fn info_of(adapter: &wgpu::Adapter) -> DeviceInfo {
    let (info, features, limits) = (adapter.get_info(), adapter.features(), adapter.limits());
    DeviceInfo {
        name: info.name.clone(),
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => DeviceKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => DeviceKind::Integrated,
            wgpu::DeviceType::VirtualGpu => DeviceKind::Virtual,
            wgpu::DeviceType::Cpu => DeviceKind::Software,
            wgpu::DeviceType::Other => DeviceKind::Other,
        },
        backend: format!("{:?}", info.backend),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        f64: features.contains(wgpu::Features::SHADER_F64),
        i64: features.contains(wgpu::Features::SHADER_INT64),
        max_array_bytes: limits.max_buffer_size,
        max_window_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        max_workgroup: limits.max_compute_invocations_per_workgroup,
    }
}

/// The adapters of this machine, best first; empty without a driver.
pub fn devices() -> Vec<DeviceInfo> {
    adapters().iter().map(info_of).collect()
}

/// How a device is opened. The default is its best; the rest is for tests and for finding out what drivers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceOptions {
    /// The most bytes of an array that one dispatch sees, if fewer than the device allows. Larger arrays are worked on
    /// in parts.
    pub window_bytes: Option<u64>,
    /// The most workgroups along one axis of a dispatch, if fewer than the device allows.
    pub row: Option<u32>,
    /// Leaves the driver free to rearrange float operations, as it is where it cannot be told not to.
    pub relaxed: bool,
    /// Does without `f64` and 64-bit integers, as devices that have none.
    pub narrow: bool,
}

impl Device {
    /// Opens the adapter with this number in `devices()`.
    ///
    /// # Errors
    /// If there is no such adapter, or its driver refuses.
    pub fn open(index: usize) -> Result<Arc<Device>, DeviceError> {
        Device::open_with(index, &DeviceOptions::default())
    }

    /// As `open`, with options.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(index: usize, options: &DeviceOptions) -> Result<Arc<Device>, DeviceError> {
        let adapters = adapters();
        let count = adapters.len();
        let adapter = adapters.into_iter().nth(index).ok_or_else(|| {
            DeviceError::NotFound(match count {
                0 => "no driver for Vulkan, Metal or Direct3D 12 is installed".to_owned(),
                count => format!("there is no number {index} among {count}"),
            })
        })?;
        let mut info = info_of(&adapter);
        let wide = wgpu::Features::SHADER_F64 | wgpu::Features::SHADER_INT64;
        let mut features = wgpu::Features::PASSTHROUGH_SHADERS
            | wgpu::Features::TIMESTAMP_QUERY
            | wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS;
        if options.narrow {
            (info.f64, info.i64) = (false, false);
        } else {
            features |= wide;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("hotloop"),
            required_features: adapter.features() & features,
            required_limits: adapter.limits(),
            // SAFETY: shaders that are passed through unread are made by `strict` from modules naga has validated.
            experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) =
            opened.map_err(|error| DeviceError::Open { name: info.name.clone(), reason: error.to_string() })?;
        let (lost, failure) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let (on_lost, on_error) = (lost.clone(), failure.clone());
        device.set_device_lost_callback(move |_, _| on_lost.store(true, Relaxed));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            if let Ok(mut failure) = on_error.lock() {
                failure.get_or_insert_with(|| error.to_string());
            }
        }));
        let limits = device.limits();
        Ok(Arc::new(Device {
            info,
            options: *options,
            device,
            queue,
            limits,
            pool: Mutex::default(),
            transfers: Mutex::default(),
            pipelines: Pipelines::default(),
            fuses: Default::default(),
            lost,
            failure,
        }))
    }

    /// What the device is.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Gives what `work` gives, or the error that the driver raised meanwhile.
    pub(crate) fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
        let scopes = [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory]
            .map(|filter| self.device.push_error_scope(filter));
        let result = work();
        let mut raised = None;
        for scope in scopes.into_iter().rev() {
            raised = pollster::block_on(scope.pop()).or(raised);
        }
        match raised {
            None => self.alive().map(|()| result),
            Some(wgpu::Error::OutOfMemory { .. }) => {
                let counters = self.memory();
                Err(DeviceError::OutOfMemory { wanted: 0, reserved: counters.reserved, limit: counters.limit })
            }
            Some(error) => Err(self.why_lost(error.to_string())),
        }
    }

    /// Whether shaders keep the order of float operations: the driver can be told not to rearrange them.
    pub fn is_strict(&self) -> bool {
        let can = self.device.features().contains(wgpu::Features::PASSTHROUGH_SHADERS) && self.info.backend == "Vulkan";
        can && !self.options.relaxed
    }

    /// Whether functions may rest on the roundings of single operations: shaders keep their order, and `fma` rounds
    /// once or can be made of other operations.
    pub fn keeps_order(self: &Arc<Device>) -> bool {
        self.is_strict() && (self.info.f64 || self.fuses(hotloop_ir::Type::F32))
    }

    /// How many bytes of an array one dispatch sees.
    pub(crate) fn window(&self) -> u64 {
        self.options.window_bytes.unwrap_or(u64::MAX).min(self.info.max_window_bytes).max(256)
    }

    /// Refuses what no dispatch can see.
    pub(crate) fn check_window(&self, bytes: u64) -> Result<(), DeviceError> {
        let limit = self.window();
        if bytes > limit { Err(DeviceError::TooLarge { bytes, limit }) } else { Ok(()) }
    }

    /// The most workgroups along one axis of a dispatch.
    pub(crate) fn row(&self) -> u32 {
        let row = self.limits.max_compute_workgroups_per_dimension;
        self.options.row.unwrap_or(row).clamp(1, row)
    }

    /// Whether the device can still be used.
    pub(crate) fn alive(&self) -> Result<(), DeviceError> {
        if self.lost.load(Relaxed) {
            return Err(DeviceError::Lost(self.info.name.clone()));
        }
        match self.failure.lock().ok().and_then(|mut failure| failure.take()) {
            None => Ok(()),
            Some(reason) => Err(DeviceError::Refused(reason)),
        }
    }

    /// Ends the device: its memory is freed, and all that still uses it fails with `DeviceError::Lost`.
    pub fn close(&self) {
        self.lost.store(true, Relaxed);
        self.device.destroy();
    }

    /// How many shaders the driver has compiled and kernels still use; kernels with the same shader share one.
    pub fn pipelines(&self) -> usize {
        self.pipelines.len()
    }

    /// Waits for all work that was handed over, by any thread.
    ///
    /// # Errors
    /// If the device was lost.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.alive()?;
        self.wait_for(None)
    }

    /// Waits for one submission, or for all.
    pub(crate) fn wait_for(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<(), DeviceError> {
        let polled = self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None });
        polled.map_err(|error| self.why_lost(error.to_string()))?;
        self.alive()
    }

    /// The error a driver gave: that the device is lost, if it is.
    pub(crate) fn why_lost(&self, reason: String) -> DeviceError {
        match self.alive() {
            Err(lost @ DeviceError::Lost(_)) => lost,
            Ok(()) | Err(_) => DeviceError::Refused(reason),
        }
    }
}
