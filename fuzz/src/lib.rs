//! What the fuzz targets run: see `README.md`.

#[path = "../../tests/bodies/mod.rs"]
pub mod bodies;
#[path = "../../tests/common/mod.rs"]
mod common;
pub mod differential;
