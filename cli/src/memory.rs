//! How the C library keeps memory.

/// One arena for all threads. By its default each thread gets one of its own, and what a thread has freed stays in its
/// arena: an endpoint with 10,000 jobs, whose plan is parsed for every chunk on whichever thread is free, keeps that many
/// times over (mallopt(3), `M_ARENA_MAX`). Call it before there are threads.
pub(crate) fn one_arena() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "mallopt(3) has no safe wrapper")]
        // SAFETY: it takes two numbers, and there is one thread. Refused, it changes nothing.
        let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
