//! Tuning of the C library's memory allocator.

/// Blocks of this size or more are mapped separately, and are returned to the system when they are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: libc::c_int = 256 * 1024;

/// Free memory that is kept at the end of the heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 1024 * 1024;

/// Limits the freed memory that the C library keeps. By default, each thread gets its own arena, which keeps the memory
/// that the thread freed, and the threshold for mapped blocks rises. An endpoint with 10,000 jobs, which parses its plan
/// for every chunk on any free thread, would then hold its plan many times (mallopt(3)). Call it before threads start.
/// plan many times over that way (mallopt(3)). Call it before there are threads.
pub(crate) fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in
        [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, OWN_MAPPING), (libc::M_TRIM_THRESHOLD, KEPT)]
    {
        #[expect(unsafe_code, reason = "mallopt(3) has no safe wrapper")]
        // SAFETY: it takes two numbers, and there is one thread. If it fails, it changes nothing.
        let _ = unsafe { libc::mallopt(parameter, value) };
    }
}
