//! How the C library keeps memory.

/// A block of this size or more is a mapping of its own, which goes back to the system when it is freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: libc::c_int = 256 * 1024;

/// So much stays at the end of the heap for what comes next.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 1024 * 1024;

/// Has the C library keep little of what was freed. By its defaults each thread gets an arena of its own, and what a
/// thread has freed stays there; and once a large block was freed, blocks of that size no longer go back to the
/// system. An endpoint with 10,000 jobs, whose plan is parsed for every chunk on whichever thread is free, keeps its
/// plan many times over that way (mallopt(3)). Call it before there are threads.
pub(crate) fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in
        [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, OWN_MAPPING), (libc::M_TRIM_THRESHOLD, KEPT)]
    {
        #[expect(unsafe_code, reason = "mallopt(3) has no safe wrapper")]
        // SAFETY: it takes two numbers, and there is one thread. Refused, it changes nothing.
        let _ = unsafe { libc::mallopt(parameter, value) };
    }
}
