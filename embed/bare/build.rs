//! `core` and `alloc` come compiled for unwinding and name two functions of it, which are in `std`. Nothing here unwinds
//! (`panic = "abort"`), so nothing calls them: the linker is told that they are nowhere.

fn main() {
    println!("cargo:rustc-link-arg=-Wl,--defsym=rust_eh_personality=0,--defsym=_Unwind_Resume=0");
    println!("cargo:rerun-if-changed=build.rs");
}
