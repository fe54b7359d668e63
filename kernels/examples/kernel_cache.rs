//! Prints what a kernel computes whose body differs from build to build, by the environment variable
//! `ESARM_KERNEL_EDIT`: two builds with the same caches must print two numbers. `cargo xtask kernel-cache` runs it so.
#![expect(clippy::print_stdout, reason = "a program that answers on its terminal")]

use burn::backend::DispatchDevice;
use cubecl::prelude::*;

/// What stands in the kernel's body in this build.
const FACTOR: f32 = if option_env!("ESARM_KERNEL_EDIT").is_some() { 3.0 } else { 2.0 };

#[cube(launch)]
fn multiply(values: &mut [f32]) {
    if ABSOLUTE_POS < values.len() {
        values[ABSOLUTE_POS] *= FACTOR;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = match esarm_kernels::devices::device("gpu") {
        Ok(device) => device,
        Err(reason) => {
            println!("SKIPPED kernel_cache: {reason}");
            return Ok(());
        }
    };
    let DispatchDevice::Cube(device) = device.as_dispatch() else { return Err("no CubeCL device".into()) };
    let client = device.client();
    let values = client.create_from_slice(f32::as_bytes(&[1.0]));
    #[expect(unsafe_code, reason = "one value was put into the buffer above")]
    let argument = unsafe { BufferArg::from_raw_parts(values.clone(), 1) };
    multiply::launch(&client, CubeCount::Static(1, 1, 1), CubeDim::new_1d(1), argument);
    let answer = client.read_one(values).map_err(|error| format!("{error:?}"))?;
    println!("{}", f32::from_bytes(&answer)[0]);
    Ok(())
}
