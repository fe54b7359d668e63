//! Starting again with a quiet environment before drivers are woken.
//!
//! Mesa's Vulkan layer asks for a Wayland display before it draws, and libwayland complains on standard error, several
//! times, when there is no `XDG_RUNTIME_DIR`, as in containers and on servers. Nothing here shows windows, and what is
//! written on standard error must be ours: JSON lines when those were asked for. A process cannot change its own
//! environment safely, so it replaces itself.

use crate::arguments::Command;

/// Replaces the process by itself with `XDG_RUNTIME_DIR` set, when the command may draw and the variable is not usable.
/// Comes before any thread starts and anything is read. Where that cannot be done, the command goes on as it is.
#[cfg(target_os = "linux")]
pub(crate) fn without_display_complaints(command: &Command) {
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "XDG_RUNTIME_DIR";
    /// Absolute, as the variable must be, and nothing can lie in it, so no display is found there.
    const NOWHERE: &str = "/dev/null";
    let usable = std::env::var_os(VARIABLE).is_some_and(|folder| std::path::Path::new(&folder).is_absolute());
    if usable || !may_wake_drivers(command) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| program.clone().into_os_string());
    // Only returns when it fails; the complaints do no other harm.
    let _ = std::process::Command::new(program).arg0(name).args(arguments).env(VARIABLE, NOWHERE).exec();
}

/// Other systems have no such layer.
#[cfg(not(target_os = "linux"))]
pub(crate) fn without_display_complaints(_: &Command) {}

/// Whether a command may draw pictures or compute on a GPU; what a graph does is not known before it is read.
#[cfg(target_os = "linux")]
fn may_wake_drivers(command: &Command) -> bool {
    match command {
        Command::Animate(arguments) => {
            let draws = arguments.output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
            draws || arguments.running.device.class() != "cpu"
        }
        Command::Doctor(arguments) => arguments.device.class() != "cpu",
        Command::Run(_) => true,
        _ => false,
    }
}
