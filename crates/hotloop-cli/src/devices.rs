//! `hotloop devices`: the GPUs of this machine, and what their drivers keep of the rules of floats.
//!
//! One of the files with `unsafe`: it sets a variable of the environment before there are threads.

use crate::report::Failure;
use hotloop::{Device, DeviceInfo, DeviceKind, Exactness, Type, devices};
use std::io::{self, Write};

pub const HELP: &str = "\
The first device is the one that --target gpu uses. What a driver keeps of IEEE arithmetic is found out by computing:
integers are exact on every device, floats as far as it says here.";

/// Keeps Mesa from complaining on the standard error where there is no desktop: its layer that picks a device by the
/// screen asks for a directory that only desktops have.
pub fn quiet_driver() {
    if cfg!(target_os = "linux") && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: `main` calls this first, when no other thread can read the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

/// `hotloop devices`.
pub fn show() -> Result<(), Failure> {
    let found = devices();
    let mut text = String::new();
    if found.is_empty() {
        text.push_str("no GPU: no driver for Vulkan, Metal or Direct3D 12 is installed\n");
    }
    for (index, info) in found.iter().enumerate() {
        text.push_str(&described(index, info));
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::of_stdout)
}

fn described(index: usize, info: &DeviceInfo) -> String {
    let kind = match info.kind {
        DeviceKind::Discrete => "a card of its own",
        DeviceKind::Integrated => "part of the processor",
        DeviceKind::Virtual => "of a virtual machine",
        DeviceKind::Software => "a driver that computes on the processor, for tests",
        DeviceKind::Other => "of unknown kind",
    };
    let has = |yes| if yes { "yes" } else { "no" };
    let mut text = format!("{index}  {} ({kind})\n", info.name);
    text.push_str(&format!("   interface      {}, {}\n", info.backend, info.driver));
    text.push_str(&format!("   largest array  {} MiB\n", info.max_array_bytes >> 20));
    text.push_str(&format!("   at a time      {} MiB of an array\n", info.max_window_bytes >> 20));
    text.push_str(&format!("   f64            {}\n   64-bit ints    {}\n", has(info.f64), has(info.i64)));
    match Device::open(index) {
        Err(error) => text.push_str(&format!("   cannot be used: {error}\n")),
        Ok(device) => {
            for ty in [Type::F32, Type::F64] {
                match device.exactness(ty) {
                    Ok(None) => {}
                    Ok(Some(kept)) => text.push_str(&format!("   {ty}            {}\n", words(&kept))),
                    Err(error) => text.push_str(&format!("   {ty}            not known: {error}\n")),
                }
            }
        }
    }
    text
}

/// What holds for floats, in words.
fn words(kept: &Exactness) -> String {
    let rows = [
        (kept.order, "order of operations"),
        (kept.division, "division"),
        (kept.sqrt, "square root"),
        (kept.subnormals, "subnormals"),
        (kept.nan, "NaN"),
    ];
    let listed = |wanted| rows.iter().filter(|(kept, _)| *kept == wanted).map(|(_, name)| *name).collect::<Vec<_>>();
    let (exact, open) = (listed(true), listed(false));
    let fma = if kept.fma { "fma in hardware" } else { "fma made of other operations" };
    match open.is_empty() {
        true => format!("as on the processor; {fma}"),
        false => format!("kept: {}; left open: {}; {fma}", exact.join(", "), open.join(", ")),
    }
}
