//! Linking of the functions' program.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    // The SDK's generated code says the same thing again and again: folding what is the same makes a good part of the
    // package go away, and with it of every cold start. Rust's own linker of this target can do it (rustc book, "Targets").
    if variable("PROFILE") == "release" && variable("TARGET") == "x86_64-unknown-linux-gnu" {
        println!("cargo::rustc-link-arg-bin=bootstrap=-Wl,--icf=all");
    }
}
