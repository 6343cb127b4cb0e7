//! Linker options of the functions' program.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    // The SDK's generated code is repetitive: folding identical code makes the package, and each cold start, much smaller.
    // Rust's own linker for this target can do it (rustc book, "Targets").
    if variable("PROFILE") == "release" && variable("TARGET") == "x86_64-unknown-linux-gnu" {
        println!("cargo::rustc-link-arg-bin=bootstrap=-Wl,--icf=all");
    }
}
